package gitopsyaml

import "time"

// APIVersion and Kind are what a gitops.yaml starts with, Name is how it is called, OtherName how it may be called.
const (
	APIVersion = "kubectl-gitops.dev/v1alpha1"
	Kind       = "GitOps"
	Name       = "gitops.yaml"
	OtherName  = "gitops.yml"
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
	Path              string        `yaml:"path" required:"true" doc:"directory from the root of the repository; *, ? and [...] match inside one element, as in apps/*/overlays/prod"`
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
	AllowSealedValues []ObjectRule  `yaml:"allowSealedValues" doc:"objects besides Secrets that may contain values of SOPS files and of Secrets in substitute.from. They stay masked. Anyone who may read the object can read them"`
	Substitute        *Substitute   `yaml:"substitute" doc:"replaces ${NAME} in the manifests; without it, nothing is replaced"`
	Layout            string        `yaml:"layout" enum:"plain,flux" doc:"how a directory without kustomization.yaml and Chart.yaml is read: plain (the default) refuses a kustomization in a subdirectory, flux reads the directory as Flux does"`
}

// Helm is the form of helm.
type Helm struct {
	Release string         `yaml:"release" doc:"name of the release; the name of the app is the default"`
	Values  []string       `yaml:"values" doc:"values files, relative to the directory of the chart; later files win"`
	Set     map[string]any `yaml:"set" doc:"values by path, such as image.tag: 1.2.3; they win over the files"`
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
	Vars map[string]any `yaml:"vars" doc:"values by name: strings, booleans and whole numbers"`
	From []From         `yaml:"from" doc:"objects in the namespace of the instance whose data are further values; later objects win, vars win over all. A confined app reads only objects that it may contain, and an app with a serviceAccount only objects that this account may read"`
}

// From is the form of an entry of substitute.from.
type From struct {
	Kind  string   `yaml:"kind" required:"true" enum:"ConfigMap,Secret" doc:"kind of the object"`
	Name  string   `yaml:"name" required:"true" doc:"name of the object"`
	Plain []string `yaml:"plain" doc:"names of values of a Secret that are not secret, such as the name of a domain; * and ? work as in file names. All objects may use these values, and they are not masked. Other values of a Secret may be used only in data and stringData of Secrets"`
}

// ObjectRule is the form of an entry of allowSealedValues.
type ObjectRule struct {
	Group string `yaml:"group" doc:"API group; empty is any"`
	Kind  string `yaml:"kind" required:"true" doc:"kind"`
	Name  string `yaml:"name" doc:"name; * and ? work as in file names; empty is any"`
}
