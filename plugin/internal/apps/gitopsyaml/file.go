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
	APIVersion string  `yaml:"apiVersion" required:"true" enum:"kubectl-gitops.dev/v1alpha1" doc:"the version of this form"`
	Kind       string  `yaml:"kind" required:"true" enum:"GitOps" doc:"what the file is"`
	Apps       []Entry `yaml:"apps" required:"true" doc:"the apps, each a named set of objects from one directory"`
}

// Entry is one entry of apps: one app, or with wildcards in its path one for each directory that matches.
type Entry struct {
	Name              string        `yaml:"name" doc:"DNS label of at most 40 characters, unique in the file; with wildcards in path, the optional beginning of the names"`
	Path              string        `yaml:"path" required:"true" doc:"directory from the root of the repository; *, ? and [...] match inside one element, as in apps/*/overlays/prod"`
	Namespace         string        `yaml:"namespace" doc:"for namespaced objects that name none; created when missing"`
	DependsOn         []string      `yaml:"dependsOn" doc:"apps that must be applied and healthy before this one is applied"`
	Timeout           time.Duration `yaml:"timeout" doc:"budget to apply and become healthy, such as 5m (the default); below two minutes it bounds the render as well"`
	Prune             *bool         `yaml:"prune" doc:"delete what left Git; true is the default, false keeps it and says so"`
	ServiceAccount    string        `yaml:"serviceAccount" doc:"service account in the namespace of the instance that is impersonated for all objects of this app"`
	Helm              Helm          `yaml:"helm" doc:"settings of a Helm chart in path"`
	Ignore            []Ignore      `yaml:"ignore" doc:"fields that are left to others: neither applied nor drift"`
	ForeignFields     string        `yaml:"foreignFields" enum:"report,revert,keep" doc:"what happens to fields that others added under objects of this app; report is the default"`
	DeletionBudget    Budget        `yaml:"deletionBudget" doc:"how many objects one run may prune; more needs the trailer Gitops-Allow-Deletions in the commit"`
	Health            []Health      `yaml:"health" doc:"how objects of a kind are doing, as CEL expressions over the variable object"`
	Allow             Allow         `yaml:"allow" doc:"confines the app; what is not named here is refused before anything is written"`
	AllowPlainSecrets bool          `yaml:"allowPlainSecrets" doc:"accept Secrets whose values are readable in Git"`
	AgeKeys           []string      `yaml:"ageKeys" doc:"names of the keys of SOPS that this app may use, as in the credentials; an app that allow or serviceAccount confines uses no others, another one uses all by default"`
	AllowSealedValues []ObjectRule  `yaml:"allowSealedValues" doc:"objects besides Secrets in which values of files that SOPS encrypted, and of Secrets in substitute.from, may stand; they are masked all the same. Who may read such an object reads them"`
	Substitute        *Substitute   `yaml:"substitute" doc:"replaces ${NAME} in the manifests; off when absent"`
	Layout            string        `yaml:"layout" enum:"plain,flux" doc:"how a directory without kustomization.yaml and Chart.yaml is read: plain (the default) refuses a kustomization further down, flux reads it as Flux does"`
}

// Helm is the form of helm.
type Helm struct {
	Release string         `yaml:"release" doc:"name of the release; the name of the app is the default"`
	Values  []string       `yaml:"values" doc:"values files from the directory of the chart, later ones win"`
	Set     map[string]any `yaml:"set" doc:"values by path, such as image.tag: 1.2.3; they win over the files"`
}

// Ignore is the form of an entry of ignore. What is left out matches everything.
type Ignore struct {
	Group     string            `yaml:"group" doc:"API group"`
	Kind      string            `yaml:"kind" doc:"kind"`
	Namespace string            `yaml:"namespace" doc:"namespace"`
	Name      string            `yaml:"name" doc:"name"`
	Labels    map[string]string `yaml:"labels" doc:"labels that the object must carry in Git"`
	Paths     []string          `yaml:"paths" doc:"JSON pointers such as /spec/replicas; * stands for one element"`
	Managers  []string          `yaml:"managers" doc:"field managers: whatever they own is theirs"`
}

// Budget is the form of deletionBudget.
type Budget struct {
	Count   *int `yaml:"count" doc:"objects at most; 20 is the default"`
	Percent *int `yaml:"percent" doc:"share of the app's objects at most, when it is more than five of them; 30 is the default"`
}

// Health is the form of an entry of health: at least one expression.
type Health struct {
	Group       string `yaml:"group" doc:"API group; empty is any"`
	Kind        string `yaml:"kind" required:"true" doc:"kind"`
	Healthy     string `yaml:"healthy" doc:"true when the object works"`
	Degraded    string `yaml:"degraded" doc:"true when it does not, and waiting will not mend it"`
	Progressing string `yaml:"progressing" doc:"true while it is on its way"`
	Suspended   string `yaml:"suspended" doc:"true when it is switched off"`
	Message     string `yaml:"message" doc:"a string that says why"`
}

// Allow is the form of allow. A list that is left out allows everything, one that is empty is refused.
type Allow struct {
	Namespaces []string `yaml:"namespaces" doc:"namespaces that objects may lie in; then cluster-scoped objects need their kind in kinds, but for these Namespaces themselves"`
	Kinds      []string `yaml:"kinds" doc:"kinds: Deployment for one of Kubernetes' own, Widget.example.com for others"`
}

// Substitute is the form of substitute.
type Substitute struct {
	Vars map[string]any `yaml:"vars" doc:"values by name: strings, booleans and whole numbers"`
	From []From         `yaml:"from" doc:"objects in the namespace of the instance whose data are further values; later ones win, vars win over all. A confined app reads what it may contain, one with a serviceAccount what that may read"`
}

// From is the form of an entry of substitute.from.
type From struct {
	Kind  string   `yaml:"kind" required:"true" enum:"ConfigMap,Secret" doc:"what it is"`
	Name  string   `yaml:"name" required:"true" doc:"its name"`
	Plain []string `yaml:"plain" doc:"values of a Secret that are no secrets, such as the name of a domain: they may be used in every object, and are shown; * and ? as in names of files. Other values of a Secret may be used in data and stringData of Secrets only"`
}

// ObjectRule is the form of an entry of allowSealedValues.
type ObjectRule struct {
	Group string `yaml:"group" doc:"API group; empty is any"`
	Kind  string `yaml:"kind" required:"true" doc:"kind"`
	Name  string `yaml:"name" doc:"name; * and ? as in names of files; empty is any"`
}
