package reconcile

import (
	"fmt"
	"strings"
	"testing"
)

// crdOf is a CustomResourceDefinition as JSON.
func crdOf(name, group, kind, plural, scope, more string) string {
	return fmt.Sprintf(`{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":%q%s},"spec":{"group":%q,
		"scope":%q,"names":{"kind":%q,"plural":%q},"versions":[{"name":"v1","served":true},{"name":"v1alpha1","served":false}]}}`, name, more, group, scope, kind, plural)
}

// TestAttackDefinitions: which CustomResourceDefinitions say what kinds are.
func TestAttackDefinitions(t *testing.T) {
	annotated := func(name, value string) string { return fmt.Sprintf(`,"annotations":{%q:%q}`, name, value) }
	for _, test := range []struct {
		name    string
		allow   Allow
		crd     string
		kinds   int
		problem string
	}{
		{"X1 beside it: a definition that is applied", Allow{}, crdOf("gadgets.example.com", "example.com", "Gadget", "gadgets", "Cluster", ""), 1, ""},
		{"X1 beside it: one that the app may contain", Allow{Namespaces: []string{"a"}, Kinds: []string{"CustomResourceDefinition"}},
			crdOf("gadgets.example.com", "example.com", "Gadget", "gadgets", "Namespaced", ""), 1, ""},
		{"X1 beside it: a hook that is applied all the same", Allow{}, crdOf("gadgets.example.com", "example.com", "Gadget", "gadgets", "Cluster", annotated("helm.sh/hook", "pre-install")), 1, ""},
		{"X1 one that the app may not contain", Allow{Namespaces: []string{"a"}}, crdOf("gadgets.example.com", "example.com", "Gadget", "gadgets", "Cluster", ""), 0, ""},
		{"X1 one that is ignored", Allow{}, crdOf("gadgets.example.com", "example.com", "Gadget", "gadgets", "Cluster", annotated("kubectl-gitops.dev/ignore", "enabled")), 0, ""},
		{"X1 one that Flux would ignore", Allow{}, crdOf("gadgets.example.com", "example.com", "Gadget", "gadgets", "Cluster", annotated("kustomize.toolkit.fluxcd.io/reconcile", "disabled")), 0, ""},
		{"X1 a hook that is skipped", Allow{}, crdOf("gadgets.example.com", "example.com", "Gadget", "gadgets", "Cluster", annotated("argocd.argoproj.io/hook", "Skip")), 0, ""},
		{"X1 a hook of a test", Allow{}, crdOf("gadgets.example.com", "example.com", "Gadget", "gadgets", "Cluster", annotated("helm.sh/hook", "test")), 0, ""},
		{"X1 a hook of the removal", Allow{}, crdOf("gadgets.example.com", "example.com", "Gadget", "gadgets", "Cluster", annotated("helm.sh/hook", "pre-delete")), 0, ""},
		{"X1 the core group", Allow{}, crdOf("configmaps.", "", "ConfigMap", "configmaps", "Cluster", ""), 0, "the group \"\" is Kubernetes' own"},
		{"X1 a group of Kubernetes", Allow{}, crdOf("clusterrolebindings.rbac.authorization.k8s.io", "rbac.authorization.k8s.io", "ClusterRoleBinding", "clusterrolebindings", "Namespaced", ""), 0, "is Kubernetes' own"},
		{"X1 a group without a dot", Allow{}, crdOf("gadgets.acme", "acme", "Gadget", "gadgets", "Cluster", ""), 0, "it needs a dot"},
		{"X1 a plural that leads up", Allow{}, crdOf("../../clusterrolebindings.example.com", "example.com", "Gadget", "../../clusterrolebindings", "Namespaced", ""), 0, "is not the plural of a kind"},
		{"X1 a plural with a subresource", Allow{}, crdOf("gadgets/status.example.com", "example.com", "Gadget", "gadgets/status", "Namespaced", ""), 0, "is not the plural of a kind"},
		{"X1 an escaped plural", Allow{}, crdOf("a%2fb.example.com", "example.com", "Gadget", "a%2fb", "Namespaced", ""), 0, "is not the plural of a kind"},
		{"X1 no plural", Allow{}, crdOf(".example.com", "example.com", "Gadget", "", "Namespaced", ""), 0, "is not the plural of a kind"},
		{"X1 a name of something else", Allow{}, crdOf("widgets.example.com", "example.com", "Gadget", "gadgets", "Namespaced", ""), 0, "its name is not"},
		{"X1 a group with a path", Allow{}, crdOf("gadgets.example.com/v1/x", "example.com/v1/x", "Gadget", "gadgets", "Namespaced", ""), 0, "is not an API group"},
		{"X1 a kind with a path", Allow{}, crdOf("gadgets.example.com", "example.com", "a/Gadget", "gadgets", "Namespaced", ""), 0, "is not valid"},
		{"X1 no scope", Allow{}, crdOf("gadgets.example.com", "example.com", "Gadget", "gadgets", "", ""), 0, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			kinds, problems := definedKinds(test.allow, rendered(t, test.crd))
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
		_, problems := definedKinds(Allow{}, rendered(t, crdOf("gadgets.example.com", "example.com", "Gadget", "gadgets", "Cluster", ""),
			crdOf("others.example.com", "example.com", "Gadget", "others", "Namespaced", "")))
		if problems == nil || !strings.Contains(problems.Error(), "defines Gadget.example.com, as gadgets.example.com at app.yaml:1 does") {
			t.Errorf("%v", problems)
		}
	})
}
