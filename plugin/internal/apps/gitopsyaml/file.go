package gitopsyaml

import "time"

// The names of the file and of its format.
const (
	APIVersion = "kubectl-gitops.dev/v1alpha1" // the value of apiVersion
	Kind       = "GitOps"                      // the value of kind
	Name       = "gitops.yaml"                 // the name of the file
	OtherName  = "gitops.yml"                  // a name that is accepted too
)

// File is the form of gitops.yaml. The tags are all there is to it: the decoder, the JSON Schema and the table in
// docs/gitops-yaml.md follow them.
type File struct {
	APIVersion string  `yaml:"apiVersion" required:"true" enum:"kubectl-gitops.dev/v1alpha1" doc:"version of the file format"`
	Kind       string  `yaml:"kind" required:"true" enum:"GitOps" doc:"kind of the file"`
	Apps       []Entry `yaml:"apps" required:"true" doc:"the apps; each is a named set of objects from one directory"`
}

// Entry is one entry of apps: one app, or with wildcards in its path one for each directory that matches.
type Entry struct {
	Name              string        `yaml:"name" doc:"DNS label of at most 40 characters, unique in the file; optional with wildcards in path, where all names begin with it"`
	Path              string        `yaml:"path" doc:"directory from the root of the repository; *, ? and [...] match inside one element, as in apps/*/overlays/prod. An app has a path, a chart or sources"`
	Chart             *Chart        `yaml:"chart" doc:"a chart from a repository or registry, instead of path"`
	Source            *Source       `yaml:"source" doc:"where path is, if not in this repository; without a path, all of the source is rendered"`
	Sources           []Part        `yaml:"sources" doc:"several charts and directories that are rendered into one app, instead of path, chart and helm"`
	Kustomize         *Kustomize    `yaml:"kustomize" doc:"changes to everything that was rendered, charts included, as a kustomization makes them; see rendering.md"`
	Namespace         string        `yaml:"namespace" doc:"namespace for namespaced objects that name none; created when missing"`
	DependsOn         []string      `yaml:"dependsOn" doc:"apps that must be applied and healthy before this one is applied"`
	Timeout           time.Duration `yaml:"timeout" doc:"time to apply and become healthy, such as 5m (the default); a value below two minutes also limits the render"`
	Prune             *bool         `yaml:"prune" doc:"delete objects that left Git; true is the default, false keeps them and reports them"`
	ServiceAccount    string        `yaml:"serviceAccount" doc:"service account in the namespace of the instance; a run impersonates it for all objects of this app"`
	Helm              Helm          `yaml:"helm" doc:"settings of the Helm chart in path"`
	Ignore            []Ignore      `yaml:"ignore" doc:"fields that others manage: a run neither applies nor reverts them"`
	ForeignFields     string        `yaml:"foreignFields" enum:"report,revert,keep" doc:"what a run does with fields that others added: report (the default), revert or keep"`
	DeletionBudget    Budget        `yaml:"deletionBudget" doc:"how many objects one run may prune; for more, the commit needs the trailer Gitops-Allow-Deletions"`
	Health            []Health      `yaml:"health" doc:"health rules for kinds, as CEL expressions over the variable object"`
	Allow             Allow         `yaml:"allow" doc:"confines the app; a run refuses other objects before it writes anything"`
	AllowPlainSecrets bool          `yaml:"allowPlainSecrets" doc:"accept Secrets whose values are readable in Git"`
	AgeKeys           []string      `yaml:"ageKeys" doc:"names of the age keys that this app may use for SOPS files, as the credentials name them; without ageKeys, an app that allow or serviceAccount confines uses none, and any other app uses all"`
	AllowSealedValues []ObjectRule  `yaml:"allowSealedValues" doc:"objects besides Secrets that may contain values of other SOPS files and of Secrets in substitute.from. They stay masked. Anyone who may read the object can read them"`
	Substitute        *Substitute   `yaml:"substitute" doc:"replaces ${NAME} in the manifests; without it, nothing is replaced"`
	Wait              *Wait         `yaml:"wait" doc:"what the app waits for: true (the default) for all its objects, false for nothing, or a list of objects"`
	Sync              string        `yaml:"sync" enum:"auto,manual" doc:"auto (the default) applies each commit, manual only when a person runs reconcile with the name of the app; until then it is Pending"`
	Drift             string        `yaml:"drift" enum:"revert,report" doc:"what happens to drift: revert (the default) or report"`
	OnRemoval         string        `yaml:"onRemoval" enum:"delete,keep" doc:"what happens to the objects when the app leaves the file: delete (the default) or keep"`
	Recreate          bool          `yaml:"recreate" doc:"delete and create objects anew whose immutable fields changed"`
	Suspend           bool          `yaml:"suspend" doc:"leave the app alone, as kubectl gitops suspend does"`
	Layout            string        `yaml:"layout" enum:"plain,flux" doc:"how a directory without kustomization.yaml and Chart.yaml is read: plain (the default) refuses a kustomization in a subdirectory, flux reads the directory as Flux does"`
}

// Helm is the form of helm.
type Helm struct {
	Release    string         `yaml:"release" doc:"name of the release; the name of the app is the default"`
	Values     []string       `yaml:"values" doc:"values files, relative to the directory of the chart, or with a leading slash to the root of the repository; with sources, $NAME/path is a file of the source called NAME. Later files win"`
	Set        map[string]any `yaml:"set" doc:"values by path, such as image.tag: 1.2.3; they win over all others"`
	Inline     *Values        `yaml:"inline" doc:"values as in a values file; they win over the files"`
	ValuesFrom []ValuesFrom   `yaml:"valuesFrom" doc:"values from ConfigMaps and Secrets in the namespace of the instance; they win over the files, and inline wins over them. Later ones win over earlier ones"`
	CRDs       string         `yaml:"crds" enum:"replace,create,skip" doc:"the files in crds/ of the chart: replace (the default) applies them as all others, create only while they are missing, skip never"`
	Generated  string         `yaml:"generated" enum:"refuse,keep" doc:"values that the chart makes up anew in each render: refuse (the default) them, or keep those that the live objects have"`
	Tests      bool           `yaml:"tests" doc:"run the test hooks of the chart after a change, when the app is healthy"`
}

// Values is a mapping of any values.
type Values struct {
	yaml string
	line int
}

// ValuesFrom is the form of an entry of helm.valuesFrom.
type ValuesFrom struct {
	Kind       string `yaml:"kind" required:"true" enum:"ConfigMap,Secret" doc:"kind of the object"`
	Name       string `yaml:"name" required:"true" doc:"name of the object"`
	Key        string `yaml:"key" doc:"key of the object's data; values.yaml is the default"`
	TargetPath string `yaml:"targetPath" doc:"path of one value, as in set; without it, the text is a values file. It wins over inline"`
	Optional   bool   `yaml:"optional" doc:"go on when the object or the key is missing"`
}

// Chart is the form of chart.
type Chart struct {
	Repo    string `yaml:"repo" required:"true" doc:"https:// URL of a Helm repository, or oci:// and the address of a registry up to the name of the chart"`
	Name    string `yaml:"name" required:"true" doc:"name of the chart"`
	Version string `yaml:"version" required:"true" doc:"version, or a range such as 4.x or >=1.2.0 <2: gitops.lock.yaml or the record then says which one"`
	Secret  string `yaml:"secret" doc:"name of the Secret with credentials, in the namespace of the instance; without it, the credentials of the instance for that host are used"`
}

// Source is the form of source.
type Source struct {
	Git    string `yaml:"git" doc:"address of another Git repository, https:// or ssh://"`
	OCI    string `yaml:"oci" doc:"oci:// address of an artifact in a registry"`
	Ref    string `yaml:"ref" doc:"branch, tag, commit, digest, or a range of versions such as 1.x. A branch is followed; any other ref stays at what it stood for when it was applied first, or at what gitops.lock.yaml says. Without ref, the default branch is followed, and of an artifact the tag latest is meant"`
	Layer  string `yaml:"layer" doc:"media type of the layer of the artifact, a tar archive with gzip; the only layer is the default, and of several that of Flux"`
	Secret string `yaml:"secret" doc:"name of the Secret with credentials, in the namespace of the instance; without it, the credentials of the instance are used for the hosts that they are for"`
}

// Part is the form of an entry of sources.
type Part struct {
	As     string `yaml:"as" doc:"name with which values files name files of this source: $NAME/path"`
	Git    string `yaml:"git" doc:"address of another Git repository, https:// or ssh://"`
	OCI    string `yaml:"oci" doc:"oci:// address of an artifact in a registry"`
	Ref    string `yaml:"ref" doc:"branch, tag, commit, digest, or a range of versions such as 1.x. A branch is followed; any other ref stays at what it stood for when it was applied first, or at what gitops.lock.yaml says. Without ref, the default branch is followed, and of an artifact the tag latest is meant"`
	Layer  string `yaml:"layer" doc:"media type of the layer of the artifact, a tar archive with gzip; the only layer is the default, and of several that of Flux"`
	Secret string `yaml:"secret" doc:"name of the Secret with credentials, in the namespace of the instance; without it, the credentials of the instance are used for the hosts that they are for"`
	Path   string `yaml:"path" doc:"directory to render, from the root of the source; without git and oci, of this repository"`
	Chart  *Chart `yaml:"chart" doc:"a chart from a repository or registry, instead of path, git and oci"`
	Helm   Helm   `yaml:"helm" doc:"settings of the chart"`
}

// Kustomize is the form of kustomize: the keys of a kustomization that change objects.
type Kustomize struct {
	Namespace   string            `yaml:"namespace" doc:"namespace of all namespaced objects, also of those that name another one"`
	NamePrefix  string            `yaml:"namePrefix" doc:"text before all names"`
	NameSuffix  string            `yaml:"nameSuffix" doc:"text after all names"`
	Images      []Image           `yaml:"images" doc:"images to replace, in all containers"`
	Patches     []Patch           `yaml:"patches" doc:"strategic merge and JSON patches. A run warns of a patch that matches no object"`
	Components  []string          `yaml:"components" doc:"directories of components, from the root of the repository"`
	Labels      map[string]string `yaml:"labels" doc:"labels of all objects; selectors and templates of pods stay as they are"`
	Annotations map[string]string `yaml:"annotations" doc:"annotations of all objects; templates of pods stay as they are"`
	Replicas    []Replicas        `yaml:"replicas" doc:"numbers of replicas, by the name of the workload in the manifests"`
}

// Image is the form of an entry of kustomize.images.
type Image struct {
	Name    string `yaml:"name" required:"true" doc:"name of the image, without tag and digest"`
	NewName string `yaml:"newName" doc:"name instead"`
	NewTag  string `yaml:"newTag" doc:"tag instead"`
	Digest  string `yaml:"digest" doc:"digest instead of a tag"`
}

// Patch is the form of an entry of kustomize.patches.
type Patch struct {
	Patch  string      `yaml:"patch" doc:"text of the patch"`
	Path   string      `yaml:"path" doc:"file with the patch, from the root of the repository"`
	Target PatchTarget `yaml:"target" doc:"which objects it changes; without it, the one that the patch names"`
}

// PatchTarget is the form of a patch's target.
type PatchTarget struct {
	Group              string `yaml:"group" doc:"API group"`
	Version            string `yaml:"version" doc:"API version"`
	Kind               string `yaml:"kind" doc:"kind"`
	Name               string `yaml:"name" doc:"name, a regular expression"`
	Namespace          string `yaml:"namespace" doc:"namespace, a regular expression"`
	LabelSelector      string `yaml:"labelSelector" doc:"labels, as kubectl -l takes them"`
	AnnotationSelector string `yaml:"annotationSelector" doc:"annotations, in the same form"`
}

// Replicas is the form of an entry of kustomize.replicas.
type Replicas struct {
	Name  string `yaml:"name" required:"true" doc:"name of the workload"`
	Count int    `yaml:"count" required:"true" doc:"number of replicas"`
}

// Wait is the form of wait: a boolean, or a list of objects.
type Wait struct {
	all     bool
	objects []WaitFor
}

// WaitFor is the form of an entry of wait.
type WaitFor struct {
	Group     string `yaml:"group" doc:"API group; it may be left out for objects of the app"`
	Kind      string `yaml:"kind" required:"true" doc:"kind"`
	Namespace string `yaml:"namespace" doc:"namespace; that of the app is the default"`
	Name      string `yaml:"name" required:"true" doc:"name"`
}

// Ignore is the form of an entry of ignore. What is left out matches everything.
type Ignore struct {
	Group     string            `yaml:"group" doc:"API group"`
	Kind      string            `yaml:"kind" doc:"kind"`
	Namespace string            `yaml:"namespace" doc:"namespace"`
	Name      string            `yaml:"name" doc:"name"`
	Labels    map[string]string `yaml:"labels" doc:"labels that the object must carry in Git"`
	Paths     []string          `yaml:"paths" doc:"JSON pointers such as /spec/replicas; * stands for one element of the path"`
	Managers  []string          `yaml:"managers" doc:"field managers whose fields are left to them"`
}

// Budget is the form of deletionBudget.
type Budget struct {
	Count   *int `yaml:"count" doc:"most objects; 20 is the default"`
	Percent *int `yaml:"percent" doc:"largest share of the app's objects, in percent; 30 is the default. It does not limit a run that prunes five objects or fewer"`
}

// Health is the form of an entry of health: at least one expression.
type Health struct {
	Group       string `yaml:"group" doc:"API group; empty is any"`
	Kind        string `yaml:"kind" required:"true" doc:"kind"`
	Healthy     string `yaml:"healthy" doc:"true when the object works"`
	Degraded    string `yaml:"degraded" doc:"true when the object failed and waiting does not help"`
	Progressing string `yaml:"progressing" doc:"true while the object is not ready yet"`
	Suspended   string `yaml:"suspended" doc:"true when the object is switched off"`
	Message     string `yaml:"message" doc:"a string with the reason"`
}

// Allow is the form of allow. A list that is left out allows everything, one that is empty is refused.
type Allow struct {
	Namespaces []string `yaml:"namespaces" doc:"namespaces of the app's objects; cluster-scoped objects then need their kind in kinds, except these Namespaces themselves"`
	Kinds      []string `yaml:"kinds" doc:"kinds of the app's objects: Deployment for a kind of Kubernetes itself, Widget.example.com for others"`
}

// Substitute is the form of substitute.
type Substitute struct {
	Vars    map[string]any `yaml:"vars" doc:"values by name: strings, booleans and whole numbers"`
	Dialect string         `yaml:"dialect" enum:"strict,flux" doc:"strict (the default) replaces in values and refuses a variable that is not set, flux replaces text as the postBuild of a Flux Kustomization does"`
	Always  bool           `yaml:"always" doc:"with the dialect flux: also replace defaults and $${ when there are no variables, as substituteStrategy: Always of Flux"`
	From    []From         `yaml:"from" doc:"objects in the namespace of the instance whose data are further values; later objects win, vars win over all. A confined app reads only objects that it may contain, and an app with a serviceAccount only objects that this account may read"`
}

// From is the form of an entry of substitute.from.
type From struct {
	Kind     string   `yaml:"kind" required:"true" enum:"ConfigMap,Secret" doc:"kind of the object"`
	Name     string   `yaml:"name" required:"true" doc:"name of the object"`
	Plain    []string `yaml:"plain" doc:"names of values of a Secret that are not secret, such as the name of a domain; * and ? work as in file names. All objects may use these values, and they are not masked. Other values of a Secret may be used only in data and stringData of Secrets; with the dialect flux in all objects, and they stay masked"`
	Optional bool     `yaml:"optional" doc:"the object may be missing"`
}

// ObjectRule is the form of an entry of allowSealedValues.
type ObjectRule struct {
	Group string `yaml:"group" doc:"API group; empty is any"`
	Kind  string `yaml:"kind" required:"true" doc:"kind"`
	Name  string `yaml:"name" doc:"name; * and ? work as in file names; empty is any"`
}
