package rbac_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/rbac"
)

// rules renders grants as YAML, as a Role holds them.
func rules(t *testing.T, grants []rbac.Grant) string {
	t.Helper()
	out, err := yaml.Marshal(rbac.Rules(grants))
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestGrantsAreMergedIntoFewRules(t *testing.T) {
	got := rules(t, []rbac.Grant{
		rbac.Apply("", "services", "shop"),
		rbac.Apply("apps", "deployments", "shop"),
		rbac.Apply("", "configmaps", "shop"),
		{Resource: "configmaps", Verbs: []string{"update", "get"}},
		{Resource: "pods", Verbs: []string{"get"}},
		{Resource: "pods", Verbs: []string{"list"}},
		{Group: "rbac.authorization.k8s.io", Resource: "clusterroles", Verbs: []string{"bind"}, Names: []string{"view", "edit"}},
		{URL: "/metrics", Verbs: []string{"get"}},
	})
	want := `- nonResourceURLs:
  - /metrics
  verbs:
  - get
- apiGroups:
  - ""
  resources:
  - configmaps
  verbs:
  - create
  - delete
  - get
  - list
  - patch
  - update
  - watch
- apiGroups:
  - ""
  resources:
  - services
  verbs:
  - create
  - delete
  - get
  - list
  - patch
  - watch
- apiGroups:
  - ""
  resources:
  - pods
  verbs:
  - get
  - list
- apiGroups:
  - apps
  resources:
  - deployments
  verbs:
  - create
  - delete
  - get
  - list
  - patch
  - watch
- apiGroups:
  - rbac.authorization.k8s.io
  resourceNames:
  - edit
  - view
  resources:
  - clusterroles
  verbs:
  - bind
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestARoleInGitTakesWhatItGives(t *testing.T) {
	k, known := rbac.BuiltIn(schema.GroupVersionKind{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "ClusterRole"})
	if !known || k.Resource != "clusterroles" || k.Namespaced {
		t.Fatalf("%+v", k)
	}
	var role map[string]any
	if err := yaml.Unmarshal([]byte(`rules: [{apiGroups: ["", apps], resources: [secrets], resourceNames: [a], verbs: [get]}, {nonResourceURLs: [/healthz], verbs: [get]}]`), &role); err != nil {
		t.Fatal(err)
	}
	grants := rbac.RightsFor([]rbac.Object{{Ref: object.Ref{Kind: k, Name: "x"}, Manifest: &unstructured.Unstructured{Object: role}}})
	want := []rbac.Grant{
		rbac.Apply("rbac.authorization.k8s.io", "clusterroles", ""),
		{Resource: "secrets", Verbs: []string{"get"}, Names: []string{"a"}},
		{Group: "apps", Resource: "secrets", Verbs: []string{"get"}, Names: []string{"a"}},
		{URL: "/healthz", Verbs: []string{"get"}},
	}
	if diff := cmp.Diff(want, grants); diff != "" {
		t.Error(diff)
	}
}

func TestKindsOfKubernetesNeedNoCluster(t *testing.T) {
	for kind, want := range map[schema.GroupVersionKind]string{
		{Version: "v1", Kind: "Endpoints"}:                                         "endpoints",
		{Group: "networking.k8s.io", Version: "v1", Kind: "NetworkPolicy"}:         "networkpolicies",
		{Group: "networking.k8s.io", Version: "v1", Kind: "Ingress"}:               "ingresses",
		{Group: "storage.k8s.io", Version: "v1", Kind: "StorageClass"}:             "storageclasses",
		{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}:          "customresourcedefinitions",
		{Group: "policy", Version: "v1", Kind: "PodDisruptionBudget"}:              "poddisruptionbudgets",
		{Group: "flowcontrol.apiserver.k8s.io", Version: "v1", Kind: "FlowSchema"}: "flowschemas",
	} {
		if k, known := rbac.BuiltIn(kind); !known || k.Resource != want {
			t.Errorf("%v is %+v", kind, k)
		}
	}
	if _, known := rbac.BuiltIn(schema.GroupVersionKind{Group: "gateway.networking.k8s.io", Version: "v1", Kind: "Gateway"}); known {
		t.Error("a CRD's group is not Kubernetes' own")
	}
}

func TestBindingsNeedTheRightToBind(t *testing.T) {
	binding := func(kind, role string) rbac.Object {
		k := object.Kind{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "RoleBinding", Resource: "rolebindings", Namespaced: true}
		return rbac.Object{Ref: object.Ref{Kind: k, Namespace: "shop", Name: "x"}, Manifest: &unstructured.Unstructured{Object: map[string]any{"roleRef": map[string]any{"kind": kind, "name": role}}}}
	}
	binds := func(o rbac.Object) string {
		for _, g := range rbac.RightsFor([]rbac.Object{o}) {
			if slices.Contains(g.Verbs, "bind") {
				return g.Resource + "/" + strings.Join(g.Names, ",") + " in " + g.Namespace
			}
		}
		return ""
	}
	for want, o := range map[string]rbac.Object{"clusterroles/view in shop": binding("ClusterRole", "view"), "roles/reader in shop": binding("Role", "reader"), "": binding("Role", "")} {
		if got := binds(o); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	own := rbac.Rules(append(rbac.Own("gitops-system"), rbac.Impersonate("gitops-system", "shop")))
	if len(own) != 4 {
		t.Errorf("%d rules: %v", len(own), own)
	}
}
