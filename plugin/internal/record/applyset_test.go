package record

import (
	"slices"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
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
	inv := NewInventory("shop")
	for _, ref := range []object.Ref{
		{Kind: widgets, Name: "one"}, {Kind: widgets, Name: "two"}, {Kind: configMaps, Namespace: "b", Name: "x"},
		{Kind: configMaps, Namespace: "a", Name: "x"}, {Kind: configMaps, Namespace: "instance", Name: "x"},
	} {
		inv.WriteAhead(ref, false)
	}
	kinds, namespaces := inv.Hints("instance")
	if !slices.Equal(kinds, []string{"ConfigMap", "Widget.example.com"}) || !slices.Equal(namespaces, []string{"a", "b"}) {
		t.Errorf("got %v and %v", kinds, namespaces)
	}
}
