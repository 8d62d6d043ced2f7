package render

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chart"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/pins"
)

// Options are the settings of one render. The zero value is the strictest. Functions may be nil.
type Options struct {
	AllowPlainSecrets bool // accept Secrets whose values are readable in Git
	RemoteBases       bool // let Kustomize fetch bases from elsewhere; false refuses them before any request
	Limits            Limits
	Helm              *Helm // for a directory with a Chart.yaml; nil stands for the zero value
	Capabilities      Capabilities
	Charts                         // charts from elsewhere
	Trees                          // trees of files from elsewhere
	AgeKeys           KeyFile      // decrypt what SOPS encrypted for them
	Keys              []string     `json:"-"`          // names of the key files that AgeKeys may contain; nil for all
	KeysHint          string       `json:",omitempty"` // the hint when AgeKeys cannot decrypt a file; "" for a general one
	Substitute        *Substitute  // nil leaves ${NAME} as it is
	MayHold           []ObjectRule `json:",omitempty"` // objects besides Secrets that may contain values of encrypted files and of Secrets
	EveryHook         bool         `json:",omitempty"` // charts: also return tests and rollbacks, which a run never applies
	Layout            string       `json:",omitempty"` // LayoutFlux, or "" (see Dir)
	Overlay           *Overlay     `json:",omitempty"` // changes what was rendered, before Substitute; nil changes nothing

	Listeners

	progress func(file string) // told which file is rendered now; may be nil
	warning  func(text string) // told what is odd but no error; may be nil
}

// Charts are charts from elsewhere.
type Charts struct {
	Archives map[string][]byte // that were fetched, by chart.Need.Key
	Chart    *NamedChart       `json:",omitempty"` // rendered instead of the directory
	Values   []GivenValues     `json:",omitempty"` // of the chart, over those of Helm.Values; later ones win
	Pins     []pins.Entry      `json:",omitempty"` // versions that are meant by ranges; gitops.lock.yaml comes first
	Lock     pins.Lock         `json:"-"`          // instead of the gitops.lock.yaml of the checkout, unless nil
}

// Listeners are called with what a render did. Each may be nil.
type Listeners struct {
	// Fetched is called for each fetched chart, before it is rendered. An error of Fetched refuses the chart.
	Fetched func(Dependency) error `json:"-"`
	// SourceFetched is called for each tree from elsewhere, after all was rendered. An error of SourceFetched refuses the render.
	SourceFetched func(FetchedSource) error `json:"-"`

	// Lacking fetches contents that the checkout lacks, as source.Tree.Lacking does; nil where all are there. Files that a render
	// reads and that are not there are fetched together, and then it begins anew.
	Lacking func(ctx context.Context, paths []string) error `json:"-"`

	// Inputs is called after a render that succeeded, with everything in the checkout that the result depends on. Paths start
	// at the root of the checkout. A directory stands for all that is below it. A path where nothing lies means that a new
	// file there could change the result. Together with the other options, these paths determine the objects. Inputs is not
	// called when there are too many of them.
	Inputs func(paths []string) `json:"-"`

	// Files is called after a render that succeeded, with each file that was read and each symbolic link on the way to it.
	Files     func(names []string) `json:"-"`
	ListFiles bool                 `json:",omitempty"` // must be set when Files is: the child then sends the names

	// Asked is called after a render that succeeded, with what the templates of a chart may ask Capabilities about (see
	// chart.Chart.Asked).
	Asked func(names []string) `json:"-"`
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

// Helm are the settings of a chart. The zero value renders the chart with its own values.
type Helm struct {
	Release   string // default: the last element of the chart's path, or the chart's name at the root
	Namespace string // .Release.Namespace; default "default"
	// Values are values files: paths from the directory of the chart or, with a leading slash, from the root of the
	// repository. They win over the values of the chart, and later files win over earlier ones.
	Values []string
	// Set has single values by path, which wins over Values. Paths are those of `helm --set`: image.tag, list[0].name, and
	// \. for a dot in a key.
	Set      map[string]any
	Inline   *Inline `json:",omitempty"` // values over those of Values
	CRDs     string  `json:",omitempty"` // what becomes of files in crds/: CRDsCreate, CRDsSkip, "" for objects as all others
	Tests    bool    `json:",omitempty"` // test hooks are rendered, too
	Upgrade  bool    // not the first install: .Release.IsUpgrade
	Revision int     // .Release.Revision; 0 stands for 1

	Generated Generated `json:",omitempty"` // what becomes of values that the chart makes up anew in each render
}

// GivenValues are values of a chart from a ConfigMap or Secret: Text is YAML, or with TargetPath one value for that path, which wins over
// Helm.Inline. From names the object for messages. Values of a Secret are hidden.
type GivenValues struct {
	From, Text, TargetPath string
	Secret                 bool
	Origin                 Origin // where the app names the object
}

// NamedChart is a chart that has to be fetched, and where an app names it. Values files of Helm without a leading slash are files in
// its archive. Resolved is the version that was fetched.
type NamedChart struct {
	chart.Need
	Origin   Origin
	Resolved string `json:",omitempty"`
}

// NameChart names a chart of a repository: its URL, the name, and a version or range. secret names the Secret with credentials, at is where all this is
// written.
func NameChart(repository, name, version, secret string, at Origin) *NamedChart {
	return &NamedChart{Need: chart.Need{Name: name, Version: version, Repository: repository, Secret: secret}, Origin: at}
}

// Inline is a mapping of values as YAML, and where it is written.
type Inline struct {
	YAML   string
	Origin Origin
}

// What Helm.CRDs can say.
const (
	CRDsCreate = "create" // annotations ask to create them where they are missing, and to leave them alone then
	CRDsSkip   = "skip"   // they are left out
)

// Generated says what becomes of values that a chart makes up anew in each render.
type Generated string

// What becomes of such values. "" refuses them.
const (
	GeneratedKeep Generated = "keep" // Object.Generated says where they are
	GeneratedShow Generated = "show" // the same, and generated.Shown is in their place
)

// Capabilities are what charts see of the API server. The zero value is a current Kubernetes without custom resources.
type Capabilities struct {
	KubeVersion string   // such as v1.37.2
	APIVersions []string // all that the server has: v1, apps/v1, apps/v1/Deployment, ...; nil stands for Kubernetes' own
}

// LayoutFlux is the value of Options.Layout that reads a directory without a kustomization as the kustomize-controller of Flux
// does. It generates a kustomization with every *.yaml and *.yml file below, and with every directory below that has a
// kustomization of its own. Files that the source-controller of Flux leaves out of its artifacts are skipped: those in
// .sourceignore files, those of its default patterns, and symbolic links.
const LayoutFlux = "flux"

// DialectFlux is the value of Substitute.Dialect that replaces text as Flux does.
const DialectFlux = "flux"

// Substitute are the variables that replace ${NAME} in the string values of rendered objects.
//
//   - ${NAME} becomes the value of NAME. It is an error when there is none
//   - ${NAME:=text} and ${NAME:-text} become text when there is no value
//   - $${NAME} becomes ${NAME}
//
// A string that is nothing but ${NAME} becomes a number or a boolean when the value is one. A value is inserted as it is: it never
// becomes a key or a list, and references in it are not replaced. Objects with the annotation
// kubectl-gitops.dev/substitute: disabled, or with the annotation of Flux that means the same, are not changed.
//
// With Dialect DialectFlux, all this is otherwise: expressions are those of package envsubst, and the text of each object is replaced,
// keys included, as YAML that is read again afterwards. A variable that is not set is empty. Without any variable, and without Always,
// nothing is replaced.
type Substitute struct {
	Vars map[string]any // strings, booleans and numbers
	// Secret has the variables that come from a Secret, each with the name of the Secret. Only data and stringData of Secrets,
	// and objects that Options.MayHold names, may use them. With DialectFlux all objects may; what becomes of the values is masked.
	Secret map[string]string
	// Plain are the names in Secret whose values are not secret: all objects may use them, and they are shown.
	Plain []string

	Dialect string `json:",omitempty"` // DialectFlux, or "" for the strict one
	Always  bool   `json:",omitempty"` // DialectFlux replaces without any variable, too
	// Unread says that there are more variables, which are not known here. With DialectFlux, an expression that needs a variable that
	// is not in Vars stays as it is written.
	Unread bool `json:",omitempty"`

	made map[string]string // what became of hidden values in objects; of one render
}

// forOneRender returns a copy that may be changed.
func (s *Substitute) forOneRender() *Substitute {
	if s == nil {
		return nil
	}
	own := *s
	own.made = map[string]string{}
	return &own
}

// Hides tells whether the value of a variable may not be shown.
func (s *Substitute) hides(name string) bool {
	_, fromSecret := s.Secret[name]
	return fromSecret && !slices.Contains(s.Plain, name)
}

// insertedText is the text that a value of a variable is inserted as.
func insertedText(value any) (text string, scalar bool) {
	switch v := value.(type) {
	case string:
		return strings.ReplaceAll(v, "\n", ""), true
	case float64: // numbers went through JSON
		return strconv.FormatFloat(v, 'f', -1, 64), true
	case bool, int, int64:
		return fmt.Sprint(v), true
	}
	return "", false
}

// keeps reports whether a text holds an expression that stays until all variables are known.
func (s *Substitute) keeps(text string) bool {
	return s != nil && s.Unread && strings.Contains(text, "${")
}

// KeyFile is the text of a file of age identities, one in each line. It prints as ***.
type KeyFile string

// String returns *** instead of the keys.
func (KeyFile) String() string { return masked }

// GoString returns *** instead of the keys.
func (KeyFile) GoString() string { return masked }
