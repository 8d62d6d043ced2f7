package reconcile

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/observe"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/build"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/pass"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record/store"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
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

func (r *Reconciler) tell(kind report.EventKind, app, format string, args ...any) {
	if r.Events != nil {
		r.Events(report.Event{Kind: kind, App: app, Text: fmt.Sprintf(format, args...)})
	}
}

// env returns what passes with our own rights share.
func (r *Reconciler) env() *pass.Env {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.own == nil {
		r.own = r.newEnv(r.Cluster)
	}
	return r.own
}

func (r *Reconciler) newEnv(client *cluster.Client) *pass.Env {
	return &pass.Env{Cluster: client, Records: r.Records, Source: r.Source, From: r.From, Tool: r.Tool, Signed: r.Signed, Now: r.Now, Events: r.Events, Render: r.Render,
		Memory: pass.Memory{Renders: build.NewRenders(), Reader: &observe.Reader{Cluster: client}}}
}

// as returns what passes share that read and write objects as a service account in the namespace of the instance, and
// records with our own rights. An empty name is ourselves.
func (r *Reconciler) as(serviceAccount string) (*pass.Env, error) {
	if serviceAccount == "" {
		return r.env(), nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.impersonated[serviceAccount]; e != nil {
		return e, nil
	}
	client, err := r.Cluster.As("system:serviceaccount:" + r.Records.Namespace + ":" + serviceAccount)
	if err != nil {
		return nil, err
	}
	if r.impersonated == nil {
		r.impersonated = map[string]*pass.Env{}
	}
	e := r.newEnv(client)
	e.Home = r.Cluster
	r.impersonated[serviceAccount] = e
	return e, nil
}

// newListedPass is newPass for an app of a gitops.yaml.
func (r *Reconciler) newListedPass(ctx context.Context, app App, dir string, opts pass.Options) (*pass.Pass, error) {
	deputy, err := r.as(app.ServiceAccount)
	if err != nil {
		return nil, err
	}
	return pass.NewListed(ctx, deputy, app, dir, opts)
}
