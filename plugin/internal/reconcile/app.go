package reconcile

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
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

	own      *env // made when it is needed first
	mu       sync.Mutex
	deputies map[string]*env // by the service account that they act as
	checked  *checked        // the gitops.yaml that was read last
}

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
