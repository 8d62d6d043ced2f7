package reconcile

import (
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired/desiredtest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/pass"
)

func TestAllow(t *testing.T) {
	ref := func(group, kind, namespace, name string) cluster.Ref {
		return cluster.Ref{Kind: cluster.Kind{Group: group, Version: "v1", Kind: kind, Namespaced: namespace != ""}, Namespace: namespace, Name: name}
	}
	tenant := Allow{Namespaces: []string{"shop"}, Kinds: []string{"Deployment", "Widget.example.com", "ClusterRole"}}
	for _, c := range []struct {
		allow Allow
		ref   cluster.Ref
		may   bool
	}{
		{Allow{}, ref("", "Secret", "kube-system", "x"), true},
		{tenant, ref("apps", "Deployment", "shop", "x"), true},
		{tenant, ref("apps", "Deployment", "other", "x"), false},
		{tenant, ref("apps.example.com", "Deployment", "shop", "x"), false}, // not one of Kubernetes' own
		{tenant, ref("example.com", "Widget", "shop", "x"), true},
		{tenant, ref("example.org", "Widget", "shop", "x"), false},
		{tenant, ref("", "Secret", "shop", "x"), false},
		{tenant, ref("rbac.authorization.k8s.io", "ClusterRole", "", "x"), true}, // named
		{tenant, ref("", "Namespace", "", "shop"), true},
		{tenant, ref("", "Namespace", "", "other"), false},
		{Allow{Namespaces: []string{"shop"}}, ref("", "Secret", "shop", "x"), true},
		{Allow{Namespaces: []string{"shop"}}, ref("rbac.authorization.k8s.io", "ClusterRole", "", "x"), false},
		{Allow{Kinds: []string{"Secret"}}, ref("", "Secret", "anywhere", "x"), true},
	} {
		if why, _ := c.allow.Refuses(c.ref); (why == "") != c.may {
			t.Errorf("%+v in %+v: %q", c.ref.ID(), c.allow, why)
		}
	}
}

func TestHooksAreConfinedToo(t *testing.T) {
	hook := desiredtest.Object("Job", "migrate", "argocd.argoproj.io/hook=PreSync")
	hook.Namespace = "kube-system"
	p := &pass.Pass{Job: pass.Job{App: App{Allow: Allow{Namespaces: []string{"shop"}}}}, Wanted: pass.Wanted{Hooks: plan.Hooks{List: []*desired.Object{hook}}}}
	if err := p.Planning().Confine(); err == nil {
		t.Error("a hook in a namespace of others is allowed")
	}
	p.App.Allow.Namespaces = []string{"kube-system"}
	if err := p.Planning().Confine(); err != nil {
		t.Error(err)
	}
}
