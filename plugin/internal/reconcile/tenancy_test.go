package reconcile

import (
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired/desiredtest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/pass"
)

func TestHooksAreConfinedToo(t *testing.T) {
	hook := desiredtest.Object("Job", "migrate", "argocd.argoproj.io/hook=PreSync")
	hook.Namespace = "kube-system"
	p := &pass.Pass{Job: pass.Job{App: app.App{Allow: app.Allow{Namespaces: []string{"shop"}}}}, Wanted: pass.Wanted{Hooks: plan.Hooks{List: []*desired.Object{hook}}}}
	if err := p.Planning().Confine(); err == nil {
		t.Error("a hook in a namespace of others is allowed")
	}
	p.App.Allow.Namespaces = []string{"kube-system"}
	if err := p.Planning().Confine(); err != nil {
		t.Error(err)
	}
}
