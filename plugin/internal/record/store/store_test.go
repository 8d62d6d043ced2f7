package store

import (
	"encoding/json"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

func TestParentOfSomebodyElseIsRefused(t *testing.T) {
	s := &Store{Namespace: "instance", Tool: "kubectl-gitops/v1.2.3"}
	parent := func(tooling, id string) *unstructured.Unstructured {
		u := &unstructured.Unstructured{}
		u.SetName(record.ParentName("shop"))
		u.SetAnnotations(map[string]string{record.AnnotationTooling: tooling})
		u.SetLabels(map[string]string{record.LabelID: id})
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

func TestAttackReferences(t *testing.T) {
	var pod any
	if err := json.Unmarshal([]byte(`{"volumes":[{"secret":{"secretName":"git"}},{"configMap":{"name":"ca"}},{"projected":{"sources":[{"secret":{"name":"keys"}}]}},{"emptyDir":{}}],
		"imagePullSecrets":[{"name":"pull"}],"containers":[{"name":"reconcile","env":[{"name":"A","valueFrom":{"secretKeyRef":{"name":"env","key":"a"}}}],"envFrom":[{"secretRef":{"name":"all"}}]}]}`), &pod); err != nil {
		t.Fatal(err)
	}
	got := references(pod, "")
	slices.Sort(got)
	if want := []string{"ConfigMap/ca", "Secret/all", "Secret/env", "Secret/git", "Secret/keys", "Secret/pull"}; !slices.Equal(got, want) {
		t.Errorf("X10 got %v", got)
	}
}
