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
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record/store"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
)

// Reconciler runs passes against one cluster for one instance.
type Reconciler struct {
	Cluster *cluster.Client
	Records *store.Store
	Source  source.Source
	From    report.Source // names Source in records; Path is set per app
	Tool    string        // our version
	Signed  bool          // Source shows signed commits only
	Now     func() time.Time
	Events  func(report.Event) // may be nil
	// Render renders a directory of the checkout; nil stands for render.Dir.
	Render func(ctx context.Context, root *os.Root, path string, o render.Options) ([]manifest.Object, error)

	// Apps reads gitops.yaml in a directory of the checkout; found is false when there is none. nil never finds one.
	Apps func(root *os.Root, dir string) (apps []app.App, found bool, err error)

	own          *pass.Env // made when it is needed first
	mu           sync.Mutex
	impersonated map[string]*pass.Env // by the service account that they act as
	checked      *checked             // the gitops.yaml that was read last
}

// Options are the settings of one run.
type Options struct {
	Cause  report.Cause // what made us run, when neither a commit nor drift turns up
	DryRun bool         // ask the server, write nothing
	Commit string       // what the ref points at, when that is known; "" polls
	// Timeout is the budget of apps of a gitops.yaml that say none; zero is app.DefaultTimeout.
	Timeout time.Duration
}

// forPasses are the options of the passes of a run.
func (o Options) forPasses() pass.Options {
	return pass.Options{Cause: o.Cause, DryRun: o.DryRun, Commit: o.Commit, Timeout: o.Timeout}
}

// Target says what a run works on: the apps that the gitops.yaml in the directory of App lists or, where there is no
// such file, App itself.
type Target struct {
	App   app.App
	Only  []string // these apps alone; all when empty
	Flags []string // flags that were given and say what gitops.yaml says: they exclude each other
}

// Outcome is what a run over all apps of a target came to. Err is what kept it from getting to the apps, or from saving
// their list.
type Outcome struct {
	Apps   []AppOutcome // in the order of the file, then those that left it
	Listed bool         // by a gitops.yaml
	Err    error
}

// Failed joins all errors of the run, nil when there is none.
func (o Outcome) Failed() error {
	errs := []error{o.Err}
	for _, a := range o.Apps {
		errs = append(errs, a.Err)
	}
	return errors.Join(errs...)
}

// AppOutcome is what a run came to for one app. Effects is filled by dry runs.
type AppOutcome struct {
	Report  report.App
	Effects []report.Effect
	Err     error
}

// checked is the gitops.yaml that was read last.
type checked struct {
	commit   string
	apps     []app.App
	revision source.Revision
}
