package reconcile

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/observe"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record/store"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
)

// App is one named set of objects from one directory, and how to treat it. The flags of one app or an entry of
// gitops.yaml fill it.
type App struct {
	Name              string        // DNS label, unique in the instance
	Path              string        // from the repository root
	Namespace         string        // for namespaced objects that name none; created when missing
	DependsOn         []string      // apps that must be applied and healthy before this one is applied
	Timeout           time.Duration // budget to apply and become healthy
	KeepRemoved       bool          // prune: false
	AllowPlainSecrets bool
	Budget            Budget
	ServiceAccount    string // impersonated for everything this app does, in the namespace of the instance
	Ignore            []Ignore
	ForeignFields     ForeignFields
	Health            []HealthRule
	Allow             Allow
	Helm              Helm
	Substitute        *Substitute  // nil leaves ${NAME} as it is
	AgeKeys           []string     `json:",omitempty"` // names of the keys of SOPS that it may use; see App.keys
	AllowSealedValues []ObjectRule `json:",omitempty"` // objects besides Secrets in which values of encrypted files and Secrets may stand
	Layout            string       `json:",omitempty"` // how a directory without a kustomization is read; see render.Options
}

// Helm are the settings of a chart in the app's directory.
type Helm struct {
	Release string         // the name of the app when empty
	Values  []string       // files from the directory of the chart, later ones win
	Set     map[string]any // strings, booleans and whole numbers by path: "image.tag"
}

// Substitute replaces ${NAME} in the manifests.
type Substitute struct {
	Vars map[string]any   // strings, booleans and whole numbers; wins over From
	From []SubstituteFrom // later ones win

	values  map[string]any    // of From and Vars together; set by a pass
	secret  map[string]string // names whose values come from Secrets, and the name of the Secret
	plain   []string          // those of secret that may be used everywhere, and shown
	version string            // of what From names
}

// SubstituteFrom names a ConfigMap or Secret in the namespace of the instance. Plain names the values of a Secret that are none
// to hide; * and ? stand for any characters and for one.
type SubstituteFrom struct {
	Kind, Name string
	Plain      []string `json:",omitempty"`
}

// ObjectRule names objects by group, kind and name.
type ObjectRule = manifest.ObjectRule

// Ignore leaves fields to others: they are neither applied nor drift. Empty selectors match everything.
type Ignore struct {
	Group, Kind, Namespace, Name string
	Labels                       map[string]string
	Paths                        []string // JSON pointers, "*" stands for one element
	Managers                     []string // whatever these managers own
}

// ForeignFields says what happens to keys that others added under objects we own.
type ForeignFields string

// What can happen to foreign fields: told, taken away, or left alone without a word. Empty is report.
const (
	ForeignReport ForeignFields = "report"
	ForeignRevert ForeignFields = "revert"
	ForeignKeep   ForeignFields = "keep"
)

// HealthRule says in CEL how objects of a kind are doing.
type HealthRule = health.Rule

// Allow confines an app: the namespaces and kinds ("Kind" or "Kind.group") it may contain. Empty allows all.
type Allow struct{ Namespaces, Kinds []string }

// Budget bounds how many objects one pass may prune: at most Count, and at most Percent of the app's objects.
// Up to Free deletions are always within the percentage, so that small apps can lose an object.
type Budget struct{ Count, Percent, Free int }

// DefaultBudget is used by apps that set none.
var DefaultBudget = Budget{Count: 20, Percent: 30, Free: 5}

// DefaultTimeout is the budget of apps that set none.
const DefaultTimeout = 5 * time.Minute

// Source reads one ref of one repository.
type Source interface {
	// Poll returns what the ref points at now.
	Poll(ctx context.Context) (commit string, err error)
	// Open makes the files of a commit readable until the tree is closed.
	Open(ctx context.Context, commit string) (*Tree, error)
	// Commits lists what from does not reach and to does, see source.Repo.Commits.
	Commits(ctx context.Context, from, to string, paths ...string) ([]source.Commit, error)
}

// Tree is the files of one commit.
type Tree struct {
	Root     *os.Root
	Revision source.Revision
	Objects  *source.Objects // Git's names for the files; nil where they are no commit's
	Close    func()
}

// Reconciler runs passes against one cluster for one instance.
type Reconciler struct {
	Cluster *cluster.Client
	Records *store.Store
	Source  Source
	From    report.Source // names Source in records; Path is set per app
	Tool    string        // our version
	Signed  bool          // Source shows signed commits only
	Now     func() time.Time
	Events  func(report.Event) // may be nil
	// Render renders a directory of the checkout; nil stands for render.Dir.
	Render func(ctx context.Context, root *os.Root, path string, o render.Options) ([]manifest.Object, error)

	// Apps reads gitops.yaml in a directory of the checkout; found is false when there is none. nil never finds one.
	Apps func(root *os.Root, dir string) (apps []App, found bool, err error)

	kept *memory         // made when it is needed first
	home *cluster.Client // with our own rights, of one that acts as a service account
}

// memory is what the passes of one process leave to the later ones.
type memory struct {
	mu       sync.Mutex
	rendered map[string]*rendering    // last commit rendered, by app
	failed   map[string]*failedRender // last render that failed since, by app
	slow     map[string]*slowRender   // apps whose render does not fit into its slice
	fights   fights                   // what was reverted lately
	rules    health.Cache             // of apps
	reader   observe.Reader           // of the cluster
	rights   rights                   // what the user was found to be allowed
	server   server                   // what charts see of it
	custom   map[string][]string      // kinds that the server serves, by version of their group, as far as charts asked in vain
	refusals sync.Map                 // by app: keys of the objects whose changes the server refused
	allowed  map[[2]string]allowance  // by the messages of commits, of the range that was asked for last

	identity  atomic.Value // uid of the cluster's namespace kube-system, "" when it may not be read
	strangers sync.Map     // uids of objects with our labels that are not ours, told already
	owners    sync.Map     // owners that objects were taken over from and that are not in the cluster, told already

	deputies map[string]*Reconciler // by the service account that they act as
	checked  *checked
}

func (r *Reconciler) memory() *memory {
	if r.kept == nil {
		r.kept = &memory{reader: observe.Reader{Cluster: r.Cluster}, rendered: map[string]*rendering{}, failed: map[string]*failedRender{}, slow: map[string]*slowRender{}, deputies: map[string]*Reconciler{}}
	}
	return r.kept
}

// reader reads the cluster with the rights of this identity.
func (r *Reconciler) reader() *observe.Reader { return &r.memory().reader }

// Options are the settings of one run.
type Options struct {
	Cause  report.Cause // what made us run, when neither a commit nor drift turns up
	DryRun bool         // ask the server, write nothing
	Loop   bool         // part of a loop: do not wait for the health of an earlier run again
	Commit string       // what the ref points at, when that is known; "" polls
	// Timeout is the budget of apps of a gitops.yaml that say none; zero is DefaultTimeout.
	Timeout time.Duration

	drift   *driftOnly                                   // set by a loop whose watches say what to look at
	forgive bool                                         // set by a loop whose last turn succeeded: a poll that fails once is not worth a write
	open    func(context.Context, string) (*Tree, error) // set where several apps share a checkout
	records map[string]*record.Record                    // set where they were loaded already
	ranOut  *atomic.Int32                                // renders of this run that did not fit into their slice, of several apps

	// commits lists a range of commits, set where several apps ask for the same.
	commits func(ctx context.Context, from, to string, paths []string) ([]source.Commit, error)
}

// driftOnly narrows a pass to objects that may have drifted: everything else is known to be as the last pass left it.
type driftOnly struct {
	rec  *record.Record
	apps map[string]string
	keys []record.Key
}

func (r *Reconciler) tell(kind report.EventKind, app, format string, args ...any) {
	if r.Events != nil {
		r.Events(report.Event{Kind: kind, App: app, Text: fmt.Sprintf(format, args...)})
	}
}

// settings is a digest of everything but the commit that shapes what is applied: when it changes, all is planned anew.
// It covers every field of the app.
func (r *Reconciler) settings(app App) string {
	raw, err := json.Marshal([]any{app, r.From.Repo, r.Tool, r.Signed, app.Substitute.settings()})
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(raw)
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}
