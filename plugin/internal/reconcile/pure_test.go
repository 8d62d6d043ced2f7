package reconcile

import (
	"testing"

	"k8s.io/client-go/rest"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object/objecttest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record/store"
)

// reconcilerOf knows the kinds of the tests and reaches no server.
func reconcilerOf(t *testing.T) *Reconciler {
	t.Helper()
	client, err := cluster.Connect(&rest.Config{Host: "https://127.0.0.1:1"}, "test", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range objecttest.Kinds {
		client.Learn(k)
	}
	return &Reconciler{Cluster: client, Records: &store.Store{Cluster: client, Namespace: "gitops-system", Tool: "kubectl-gitops/v1"}}
}
