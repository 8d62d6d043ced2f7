package object

import (
	"os"
	"testing"

	"sigs.k8s.io/yaml"
)

// TestAttackKindsOfRecords: what a record says about a kind is checked before a request is formed of it.
func TestAttackKindsOfRecords(t *testing.T) {
	for _, test := range []struct {
		name string
		kind Kind
		fine bool
	}{
		{"X1 beside it: a ConfigMap", Kind{Version: "v1", Kind: "ConfigMap", Resource: "configmaps", Namespaced: true}, true},
		{"X1 beside it: Endpoints", Kind{Version: "v1", Kind: "Endpoints", Resource: "endpoints", Namespaced: true}, true},
		{"X1 beside it: a custom resource", Kind{Group: "example.com", Version: "v1beta1", Kind: "Policy", Resource: "policies"}, true},
		{"X1 a ConfigMap that is a binding", Kind{Version: "v1", Kind: "ConfigMap", Resource: "secrets", Namespaced: true}, false},
		{"X1 a binding that lies in a namespace", Kind{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "ClusterRoleBinding", Resource: "clusterrolebindings", Namespaced: true}, false},
		{"X1 a resource that leads up", Kind{Group: "example.com", Version: "v1", Kind: "Gadget", Resource: "../x"}, false},
		{"X1 a resource with a subresource", Kind{Group: "example.com", Version: "v1", Kind: "Gadget", Resource: "gadgets/status"}, false},
		{"X1 no resource", Kind{Group: "example.com", Version: "v1", Kind: "Gadget"}, false},
		{"X1 a version that is a path", Kind{Group: "example.com", Version: "v1/namespaces/x", Kind: "Gadget", Resource: "gadgets"}, false},
		{"X1 a group in capitals", Kind{Group: "Example.com", Version: "v1", Kind: "Gadget", Resource: "gadgets"}, false},
		{"X1 no kind", Kind{Group: "example.com", Version: "v1", Resource: "gadgets"}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := test.kind.Check(); (err == nil) != test.fine {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestAttackTypes: apiVersion, kind and name as no server takes them are refused, and what could be read as a Secret is
// secret. Package render reads the table of files that the push half has.
func TestAttackTypes(t *testing.T) {
	data, err := os.ReadFile("testdata/types.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var list []struct {
		Name, APIVersion, Kind string
		Fine, Secret           bool
	}
	if err := yaml.UnmarshalStrict(data, &list); err != nil {
		t.Fatal(err)
	}
	for _, c := range list {
		t.Run("X7 "+c.Name, func(t *testing.T) {
			if _, err := ParseType(c.APIVersion, c.Kind); (err == nil) != c.Fine {
				t.Errorf("%v", err)
			}
			if IsSecret(c.APIVersion, c.Kind) != c.Secret {
				t.Errorf("secret: %v", !c.Secret)
			}
		})
	}
}
