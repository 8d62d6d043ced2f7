package app

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
)

func TestAllow(t *testing.T) {
	ref := func(group, kind, namespace, name string) object.Ref {
		return object.Ref{Kind: object.Kind{Group: group, Version: "v1", Kind: kind, Namespaced: namespace != ""}, Namespace: namespace, Name: name}
	}
	tenant := Allow{Namespaces: []string{"shop"}, Kinds: []string{"Deployment", "Widget.example.com", "ClusterRole"}}
	for _, c := range []struct {
		allow Allow
		ref   object.Ref
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

// TestKeys: which keys of SOPS an app may use, nil for all.
func TestKeys(t *testing.T) {
	for name, c := range map[string]struct {
		app  App
		want []string
	}{
		"all":                             {App{}, nil},
		"those it names":                  {App{AgeKeys: []string{"a"}}, []string{"a"}},
		"none of a confined app":          {App{Allow: Allow{Namespaces: []string{"shop"}}}, []string{}},
		"none of one with an account":     {App{ServiceAccount: "shop"}, []string{}},
		"those that a confined app names": {App{ServiceAccount: "shop", AgeKeys: []string{"a"}}, []string{"a"}},
	} {
		if got := c.app.Keys(); (got == nil) != (c.want == nil) || len(got) != len(c.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestHoldsCredentials(t *testing.T) {
	for key, want := range map[string]bool{"password": true, "shop.agekey": true, KeyNotify: true, "config.yaml": false} {
		secret := &unstructured.Unstructured{Object: map[string]any{"data": map[string]any{key: "eA=="}}}
		if got := HoldsCredentials(secret); got != want {
			t.Errorf("%s: %v", key, got)
		}
	}
}
