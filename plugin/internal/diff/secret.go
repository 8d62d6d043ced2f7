package diff

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	kube "github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
)

// What kubectl diff shows in place of a Secret's value.
const (
	masked       = "***"
	maskedBefore = "*** (before)"
	maskedAfter  = "*** (after)"
)

func isSecret(u *unstructured.Unstructured) bool {
	return u != nil && kube.IsSecret(u.GetAPIVersion(), u.GetKind())
}

// isPublic tells whether a top-level field of a Secret holds no values.
func isPublic(field string) bool {
	switch field {
	case "apiVersion", "kind", "metadata", "type", "immutable":
		return true
	}
	return false
}

func object(u *unstructured.Unstructured) map[string]any {
	if u == nil {
		return nil
	}
	return u.Object
}

func annotations(u *unstructured.Unstructured) map[string]any {
	metadata, _ := object(u)["metadata"].(map[string]any)
	m, _ := metadata["annotations"].(map[string]any)
	return m
}
