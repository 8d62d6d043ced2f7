package render

import (
	"maps"
	"slices"
)

// Options say what a render allows. The zero value is the strictest.
type Options struct {
	AllowPlainSecrets bool // accept Secrets whose values are readable in Git
	RemoteBases       bool // let Kustomize fetch bases from elsewhere; false refuses them before any request
	Limits            Limits
	Helm              *Helm // of a directory with a Chart.yaml; nil stands for the zero value
	Capabilities      Capabilities
	Archives          map[string][]byte // charts that others depend on, by chart.Need.Key
	AgeKeys           KeyFile           // decrypt what SOPS encrypted for them
	Keys              []string          `json:"-"`          // names of the files of keys that AgeKeys may hold; nil for all
	KeysHint          string            `json:",omitempty"` // what to do where AgeKeys does not decrypt; "" for what Dir says
	Substitute        *Substitute       // nil leaves ${NAME} as it is
	MayHold           []ObjectRule      `json:",omitempty"` // objects besides Secrets in which values of encrypted files and Secrets may stand
	EveryHook         bool              `json:",omitempty"` // charts: tests and rollbacks, which are never applied, too
	Layout            string            `json:",omitempty"` // LayoutFlux, or "" for what Dir says of directories without a kustomization

	// Fetched is told each chart that another depends on and that was fetched, before it is rendered. Its error refuses the
	// chart. It may be nil.
	Fetched func(Dependency) error `json:"-"`

	// Inputs is told what of the checkout a render that succeeded depends on, in paths from its root: files and
	// directories with all that is below them, and names at which nothing lies. None is told where these are too many.
	// Together with the other options they determine the objects. It may be nil.
	Inputs func(paths []string) `json:"-"`

	// Files is told every file that a render that succeeded has read, and the links on the way. It may be nil.
	Files     func(names []string) `json:"-"`
	ListFiles bool                 `json:",omitempty"` // set where Files is, so that the child sends them

	// Asked is told, by a render that succeeded, what the templates of a chart may ask Capabilities about, as chart.Chart.Asked
	// has it. It may be nil.
	Asked func(names []string) `json:"-"`

	progress func(file string) // told which file is rendered now; may be nil
	warning  func(text string) // told what is odd but no error; may be nil
}

func (o Options) warn(text string) {
	if o.warning != nil {
		o.warning(text)
	}
}

func (o Options) tellInputs(paths []string) {
	if o.Inputs != nil {
		o.Inputs(paths)
	}
}

func (o Options) tellFiles(t *tree) {
	if o.Files != nil && o.ListFiles {
		o.Files(slices.Sorted(maps.Keys(t.opened)))
	}
}

// tellAsked tells Options.Asked what the chart may have asked about.
func (o Options) tellAsked(names []string) {
	if o.Asked != nil && len(names) > 0 {
		o.Asked(names)
	}
}

// Helm says how a chart is rendered. The zero value renders it with its own values.
type Helm struct {
	Release   string // default: the last element of the chart's path, or the chart's name at the root
	Namespace string // .Release.Namespace; default "default"
	// Values are files whose values go over the chart's own, later ones over earlier ones: paths from the chart's
	// directory, or from the repository's root with a leading slash.
	Values []string
	// Set maps paths as in `helm --set` (image.tag, list[0].name, a dot in a key as \.) to scalars. They go over Values.
	Set      map[string]any
	Upgrade  bool // not the first install: .Release.IsUpgrade
	Revision int  // .Release.Revision; 0 stands for 1
}

// Capabilities are what charts see of the server. The zero value stands for a current Kubernetes without custom resources.
type Capabilities struct {
	KubeVersion string   // such as v1.37.2
	APIVersions []string // all that the server has: v1, apps/v1, apps/v1/Deployment, ...; nil stands for Kubernetes' own
}

// LayoutFlux reads a directory without a kustomization as Flux' kustomize-controller does: it generates a kustomization
// that lists every *.yaml and *.yml file below, and each directory below that has a kustomization of its own. What Flux'
// source-controller leaves out of its artifacts is left out: .sourceignore files, its default patterns, symbolic links.
const LayoutFlux = "flux"

// Substitute replaces ${NAME} in the string values of rendered objects.
//
//   - ${NAME} is the value of NAME, and an error when there is none
//   - ${NAME:=text} is text when there is none; ${NAME:-text} is the same
//   - $${NAME} is ${NAME}
//
// A value of an object that is nothing but ${NAME} becomes a number or a boolean when that is what NAME is. Values are
// put in as they are: they never become keys, lists or further references. Objects annotated
// kubectl-gitops.dev/substitute: disabled, or with Flux' annotation of that meaning, are left alone.
type Substitute struct {
	Vars map[string]any // strings, booleans and numbers
	// Secret names the variables that came from a Secret, each with the name of the Secret: they may be used in data and
	// stringData of Secrets only, and in objects that Options.MayHold allows.
	Secret map[string]string
	// Plain names those of Secret that may be used everywhere, and shown.
	Plain []string
}

// Hides tells whether the value of a variable may not be shown.
func (s *Substitute) hides(name string) bool {
	_, fromSecret := s.Secret[name]
	return fromSecret && !slices.Contains(s.Plain, name)
}

// KeyFile is the text of a file of age identities, one a line. It is never printed.
type KeyFile string

// String hides the keys.
func (KeyFile) String() string { return masked }

// GoString hides the keys.
func (KeyFile) GoString() string { return masked }
