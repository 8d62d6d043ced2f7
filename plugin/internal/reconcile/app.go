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
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/apply"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/build"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/execute"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/preflight"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record/store"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
)

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
	renders  *build.Renders
	fights   apply.Contested              // what was reverted lately
	rules    health.Cache                 // of apps
	reader   observe.Reader               // of the cluster
	rights   preflight.Rights             // what the user was found to be allowed
	refusals execute.Refusals             // by app: keys of the objects whose changes the server refused
	allowed  map[[2]string]plan.Allowance // by the messages of commits, of the range that was asked for last

	identity preflight.Identity
	unowned  sync.Map // uids of objects with our labels that are not ours, told already
	owners   sync.Map // owners that objects were taken over from and that are not in the cluster, told already

	deputies map[string]*Reconciler // by the service account that they act as
	checked  *checked
}

func (r *Reconciler) memory() *memory {
	if r.kept == nil {
		r.kept = &memory{reader: observe.Reader{Cluster: r.Cluster}, renders: build.NewRenders(), deputies: map[string]*Reconciler{}}
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
// It covers every field of the app, and the version of what its variables come from, "" when they come from nowhere.
func (r *Reconciler) settings(app App, variables string) string {
	var substitute any
	if s := app.Substitute; s != nil {
		substitute = []any{s.Vars, variables}
	}
	raw, err := json.Marshal([]any{app, r.From.Repo, r.Tool, r.Signed, substitute})
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(raw)
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}
