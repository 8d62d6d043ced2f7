package record

import (
	"encoding/json"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
)

// TestAttackReserved: records do not come from Git, under whatever name and in whatever namespace.
func TestAttackReserved(t *testing.T) {
	const instance = "gitops-system"
	for _, test := range []struct {
		name, namespace, text string
		refused               bool
	}{
		{"X11 the inventory of an app", instance, `{"kind":"Secret","metadata":{"name":"gitops-shop-inventory"}}`, true},
		{"X11 a further part of it", instance, `{"kind":"Secret","metadata":{"name":"gitops-shop-inventory-3"}}`, true},
		{"X11 that of another instance", "other", `{"kind":"Secret","metadata":{"name":"gitops-shop-inventory"}}`, true},
		{"X11 a list of apps", instance, `{"kind":"Secret","metadata":{"name":"gitops-list-0123456789"}}`, true},
		{"X11 the report of an app", instance, `{"kind":"ConfigMap","metadata":{"name":"gitops-shop"}}`, true},
		{"X11 a lease of the name", instance, `{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"gitops-shop"}}`, true},
		{"X11 a name that the server completes", instance, `{"kind":"Secret","metadata":{"generateName":"gitops-list-"}}`, true},
		{"X11 the label of an app", "other", `{"kind":"Secret","metadata":{"name":"x","labels":{"kubectl-gitops.dev/app":"shop"}}}`, true},
		{"X11 the label of a list", "other", `{"kind":"Secret","metadata":{"name":"x","labels":{"kubectl-gitops.dev/app-list":"true"}}}`, true},
		{"X11 the label of a part", "other", `{"kind":"Secret","metadata":{"name":"x","labels":{"kubectl-gitops.dev/inventory-shard":"0"}}}`, true},
		{"X11 the type of records", "other", `{"kind":"Secret","type":"kubectl-gitops.dev/inventory","metadata":{"name":"x"}}`, true},
		{"X11 a parent of another instance", "other", `{"kind":"ConfigMap","metadata":{"name":"gitops-shop","labels":{"applyset.kubernetes.io/id":"x"}}}`, true},
		{"X11 a parent by its annotation", "other", `{"kind":"ConfigMap","metadata":{"name":"x","annotations":{"applyset.kubernetes.io/tooling":"kubectl-gitops/v1"}}}`, true},
		{"X11 a suspension", "other", `{"kind":"Secret","metadata":{"name":"x","annotations":{"kubectl-gitops.dev/suspended":"{}"}}}`, true},
		{"X11 a Namespace that says that a run created it", "", `{"kind":"Namespace","metadata":{"name":"x","labels":{"kubectl-gitops.dev/created-by":"gitops-system"}}}`, true},
		{"X11 beside it: a Secret of the instance", instance, `{"kind":"Secret","metadata":{"name":"variables"}}`, false},
		{"X11 beside it: a Secret whose name begins alike", instance, `{"kind":"Secret","metadata":{"name":"gitops-variables"}}`, false},
		{"X11 beside it: a ConfigMap elsewhere", "other", `{"kind":"ConfigMap","metadata":{"name":"gitops-shop"}}`, false},
		{"X11 beside it: a Deployment", instance, `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"gitops-shop"}}`, false},
		{"X11 beside it: a Namespace", "", `{"kind":"Namespace","metadata":{"name":"x","labels":{"a":"b"}}}`, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			u := &unstructured.Unstructured{}
			if err := json.Unmarshal([]byte(test.text), &u.Object); err != nil {
				t.Fatal(err)
			}
			ref := object.Ref{Kind: object.Kind{Group: u.GroupVersionKind().Group, Version: "v1", Kind: u.GetKind()}, Namespace: test.namespace, Name: u.GetName()}
			if why := Reserved(ref, u, instance); (why != "") != test.refused {
				t.Errorf("got %q", why)
			}
		})
	}
}
