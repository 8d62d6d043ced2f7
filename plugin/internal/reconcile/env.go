package reconcile

import (
	"context"
	"fmt"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/observe"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/build"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/pass"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

func (r *Reconciler) tell(kind report.EventKind, app, format string, args ...any) {
	if r.Events != nil {
		r.Events(report.Event{Kind: kind, App: app, Text: fmt.Sprintf(format, args...)})
	}
}

// env returns what passes share that use the rights of the instance.
func (r *Reconciler) env() *pass.Env {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.own == nil {
		r.own = r.newEnv(r.Cluster)
	}
	return r.own
}

func (r *Reconciler) newEnv(client *cluster.Client) *pass.Env {
	renders := build.NewRenders()
	renders.Apps = r.Apps
	return &pass.Env{Cluster: client, Records: r.Records, Source: r.Source, From: r.From, Tool: r.Tool, Signed: r.Signed, Now: r.Now, Events: r.Events, Render: r.Render,
		Renders: renders, Reader: &observe.Reader{Cluster: client}}
}

// envFor returns what passes share that act as a service account in the namespace of the instance, and load and save records
// with the rights of the instance. "" is the instance itself.
func (r *Reconciler) envFor(serviceAccount string) (*pass.Env, error) {
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

// newListedPass returns a pass for an app of the gitops.yaml in dir, with the rights of its service account.
func (r *Reconciler) newListedPass(ctx context.Context, app app.App, dir string, opts pass.Options) (*pass.Pass, error) {
	env, err := r.envFor(app.ServiceAccount)
	if err != nil {
		return nil, err
	}
	return pass.NewListed(ctx, env, app, dir, opts)
}
