package reconcile

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/pass"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record/store"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/sources"
)

// Reconciler runs the apps of one instance on one cluster. Its fields are set before the first call. Run and Remove must not
// run at the same time.
type Reconciler struct {
	Cluster *cluster.Client    // reads and writes objects, with the rights of the instance
	Records *store.Store       // loads and saves records
	Source  source.Source      // commits and checkouts
	From    report.Source      // names Source in records; Path is set per app
	Tool    string             // our version
	Signed  bool               // Source shows signed commits only
	Now     func() time.Time   // the clock
	Events  func(report.Event) // receives events; may be nil
	// Render renders a directory of the checkout; nil stands for render.Dir.
	Render func(ctx context.Context, root *os.Root, path string, o render.Options) ([]manifest.Object, error)

	// Resolve asks what the ref of a source of an app stands for now; nil asks nobody.
	Resolve func(ctx context.Context, s render.NamedSource) (sources.Version, error)

	// Apps reads gitops.yaml in a directory of the checkout; found is false when there is none. nil never finds one.
	Apps func(root *os.Root, dir string) (apps []app.App, found bool, err error)

	own          *pass.Env // of the instance itself; made when it is needed first
	mu           sync.Mutex
	impersonated map[string]*pass.Env // by service account
	checked      *checked             // the gitops.yaml that was read last
	current      *run                 // the run that is under way, or the last one
}

// Options are the settings of one run.
type Options struct {
	Cause   report.Cause // why the run was started, when neither a commit nor drift turns up
	DryRun  bool         // the API server is asked and stores nothing
	Upgrade bool         // ranges of versions mean the newest, where gitops.lock.yaml does not say otherwise
	Commit  string       // hash that the ref points at, if that is known; "" polls
	// Timeout is the time budget of apps of a gitops.yaml whose settings have none; zero is app.DefaultTimeout.
	Timeout time.Duration
	Records *record.Loaded // what the command has loaded already; nil loads. The first run of a Session uses it
}

// forPasses returns the options of the passes of a run.
func (o Options) forPasses() pass.Options {
	return pass.Options{Cause: o.Cause, DryRun: o.DryRun, Upgrade: o.Upgrade, Commit: o.Commit, Timeout: o.Timeout}
}

// Target is what a run works on: the apps that the gitops.yaml in the directory App.Path lists or, where there is no such file,
// App itself.
type Target struct {
	App   app.App  // directory, and the settings of a single app
	Only  []string // names of the apps to run; all when empty
	Flags []string // given flags that set what gitops.yaml sets: it is an error to have both
}

// Outcome is the result of a run over all apps of a target.
type Outcome struct {
	Apps   []AppOutcome // in the order of the file, then those that left it
	Listed bool         // a gitops.yaml lists the apps
	Err    error        // why the run did not reach the apps, or did not save their list
}

// Failed joins all errors of the run, nil when there is none.
func (o Outcome) Failed() error {
	errs := []error{o.Err}
	for _, a := range o.Apps {
		errs = append(errs, a.Err)
	}
	return errors.Join(errs...)
}

// AppOutcome is the result of a run for one app.
type AppOutcome struct {
	Report  report.App      // what changed, and how the app is doing
	Effects []report.Effect // of a dry run: each object before and after
	Err     error           // with hints, secret values masked; nil on success
}

// checked is the gitops.yaml that was read last.
type checked struct {
	commit   string
	apps     []app.App
	revision source.Revision
}
