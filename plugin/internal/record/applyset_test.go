package record

import (
	"slices"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// The first two are in kubectl's own tests, the third follows from the same formula.
func TestApplySetID(t *testing.T) {
	tests := []struct{ name, namespace, kind, group, want string }{
		{"my-set", "test", "Secret", "", "applyset-0eFHV8ySqp7XoShsGvyWFQD3s96yqwHmzc4e0HR1dsY-v1"},
		{"my-set", "", "ApplySet", "company.com", "applyset-rhp1a-HVAVT_dFgyEygyA1BEB82HPp2o10UiFTpqtAs-v1"},
		{"my-set", "test", "ConfigMap", "", "applyset-gixR4KUFBNRxOPyC-scYMHmBW0ziohNNkE_oCmTLycQ-v1"},
	}
	for _, test := range tests {
		if got := ApplySetID(test.name, test.namespace, test.kind, test.group); got != test.want {
			t.Errorf("%s: got %s, want %s", test.kind, got, test.want)
		}
	}
}

func TestHintsNameKindsAndNamespacesOnce(t *testing.T) {
	rows := map[Key]Row{}
	for _, ref := range []cluster.Ref{
		{Kind: widgets, Name: "one"}, {Kind: widgets, Name: "two"}, {Kind: configMaps, Namespace: "b", Name: "x"},
		{Kind: configMaps, Namespace: "a", Name: "x"}, {Kind: configMaps, Namespace: "instance", Name: "x"},
	} {
		rows[KeyOf(ref)] = Row{Ref: ref}
	}
	kinds, namespaces := hints(rows, "instance")
	if !slices.Equal(kinds, []string{"ConfigMap", "Widget.example.com"}) || !slices.Equal(namespaces, []string{"a", "b"}) {
		t.Errorf("got %v and %v", kinds, namespaces)
	}
}

func TestParentOfSomebodyElseIsRefused(t *testing.T) {
	s := &Store{Namespace: "instance", Tool: "kubectl-gitops/v1.2.3"}
	parent := func(tooling, id string) *unstructured.Unstructured {
		u := &unstructured.Unstructured{}
		u.SetName(ParentName("shop"))
		u.SetAnnotations(map[string]string{annotationTooling: tooling})
		u.SetLabels(map[string]string{LabelID: id})
		return u
	}
	for _, ours := range []string{"kubectl-gitops/v1.2.3", "kubectl-gitops/v9", "kubectl-gitops/v0.0.0-x+y"} {
		if err := s.checkParent(parent(ours, s.ID("shop")), "shop"); err != nil {
			t.Errorf("%s: %v", ours, err)
		}
	}
	for name, u := range map[string]*unstructured.Unstructured{
		"another tool": parent("kubectl/v1.37", s.ID("shop")), "no tool": parent("", s.ID("shop")),
		"a longer name": parent("kubectl-gitops/fork/v1", s.ID("shop")), "a copy": parent("kubectl-gitops/v1", s.ID("other")),
	} {
		if err := s.checkParent(u, "shop"); err == nil || len(hint.Of(err)) == 0 {
			t.Errorf("%s: want an error with a hint, got %v", name, err)
		}
	}
}
