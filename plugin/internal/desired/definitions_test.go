package desired

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object/objecttest"
)

// TestAttackDefinitions: which CustomResourceDefinitions say what kinds are.
func TestAttackDefinitions(t *testing.T) {
	annotated := func(name, value string) string { return fmt.Sprintf(`,"annotations":{%q:%q}`, name, value) }
	for _, test := range []struct {
		name    string
		allow   app.Allow
		crd     string
		kinds   int
		problem string
	}{
		{"X1 beside it: a definition that is applied", app.Allow{}, objecttest.CRD("gadgets.example.com", "example.com", "Gadget", "gadgets", "Cluster", ""), 1, ""},
		{"X1 beside it: one that the app may contain", app.Allow{Namespaces: []string{"a"}, Kinds: []string{"CustomResourceDefinition"}},
			objecttest.CRD("gadgets.example.com", "example.com", "Gadget", "gadgets", "Namespaced", ""), 1, ""},
		{"X1 beside it: a hook that is applied all the same", app.Allow{}, objecttest.CRD("gadgets.example.com", "example.com", "Gadget", "gadgets", "Cluster", annotated("helm.sh/hook", "pre-install")), 1, ""},
		{"X1 one that the app may not contain", app.Allow{Namespaces: []string{"a"}}, objecttest.CRD("gadgets.example.com", "example.com", "Gadget", "gadgets", "Cluster", ""), 0, ""},
		{"X1 one that is ignored", app.Allow{}, objecttest.CRD("gadgets.example.com", "example.com", "Gadget", "gadgets", "Cluster", annotated("kubectl-gitops.dev/ignore", "enabled")), 0, ""},
		{"X1 one that Flux would ignore", app.Allow{}, objecttest.CRD("gadgets.example.com", "example.com", "Gadget", "gadgets", "Cluster", annotated("kustomize.toolkit.fluxcd.io/reconcile", "disabled")), 0, ""},
		{"X1 a hook that is skipped", app.Allow{}, objecttest.CRD("gadgets.example.com", "example.com", "Gadget", "gadgets", "Cluster", annotated("argocd.argoproj.io/hook", "Skip")), 0, ""},
		{"X1 a hook of a test", app.Allow{}, objecttest.CRD("gadgets.example.com", "example.com", "Gadget", "gadgets", "Cluster", annotated("helm.sh/hook", "test")), 0, ""},
		{"X1 a hook of the removal", app.Allow{}, objecttest.CRD("gadgets.example.com", "example.com", "Gadget", "gadgets", "Cluster", annotated("helm.sh/hook", "pre-delete")), 0, ""},
		{"X1 the core group", app.Allow{}, objecttest.CRD("configmaps.", "", "ConfigMap", "configmaps", "Cluster", ""), 0, "the group \"\" is Kubernetes' own"},
		{"X1 a group of Kubernetes", app.Allow{}, objecttest.CRD("clusterrolebindings.rbac.authorization.k8s.io", "rbac.authorization.k8s.io", "ClusterRoleBinding", "clusterrolebindings", "Namespaced", ""), 0, "is Kubernetes' own"},
		{"X1 a group without a dot", app.Allow{}, objecttest.CRD("gadgets.acme", "acme", "Gadget", "gadgets", "Cluster", ""), 0, "it needs a dot"},
		{"X1 a plural that leads up", app.Allow{}, objecttest.CRD("../../clusterrolebindings.example.com", "example.com", "Gadget", "../../clusterrolebindings", "Namespaced", ""), 0, "is not the plural of a kind"},
		{"X1 a plural with a subresource", app.Allow{}, objecttest.CRD("gadgets/status.example.com", "example.com", "Gadget", "gadgets/status", "Namespaced", ""), 0, "is not the plural of a kind"},
		{"X1 an escaped plural", app.Allow{}, objecttest.CRD("a%2fb.example.com", "example.com", "Gadget", "a%2fb", "Namespaced", ""), 0, "is not the plural of a kind"},
		{"X1 no plural", app.Allow{}, objecttest.CRD(".example.com", "example.com", "Gadget", "", "Namespaced", ""), 0, "is not the plural of a kind"},
		{"X1 a name of something else", app.Allow{}, objecttest.CRD("widgets.example.com", "example.com", "Gadget", "gadgets", "Namespaced", ""), 0, "its name is not"},
		{"X1 a group with a path", app.Allow{}, objecttest.CRD("gadgets.example.com/v1/x", "example.com/v1/x", "Gadget", "gadgets", "Namespaced", ""), 0, "is not an API group"},
		{"X1 a kind with a path", app.Allow{}, objecttest.CRD("gadgets.example.com", "example.com", "a/Gadget", "gadgets", "Namespaced", ""), 0, "is not valid"},
		{"X1 no scope", app.Allow{}, objecttest.CRD("gadgets.example.com", "example.com", "Gadget", "gadgets", "", ""), 0, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			kinds, problems := DefinedKinds(test.allow, objecttest.Rendered(t, test.crd))
			told := ""
			if problems != nil {
				told = problems.Error()
			}
			if len(kinds) != test.kinds || !strings.Contains(told, test.problem) || (told == "") != (test.problem == "") {
				t.Errorf("%v, %s", kinds, told)
			}
		})
	}
	t.Run("X1 two that define one kind", func(t *testing.T) {
		_, problems := DefinedKinds(app.Allow{}, objecttest.Rendered(t, objecttest.CRD("gadgets.example.com", "example.com", "Gadget", "gadgets", "Cluster", ""),
			objecttest.CRD("others.example.com", "example.com", "Gadget", "others", "Namespaced", "")))
		if problems == nil || !strings.Contains(problems.Error(), "defines Gadget.example.com, as gadgets.example.com at app.yaml:1 does") {
			t.Errorf("%v", problems)
		}
	})
}
