package rbac

import (
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
)

// BuiltIn returns how Kubernetes itself serves a kind, without asking a cluster; false when the kind is not of
// Kubernetes' own groups.
func BuiltIn(gvk schema.GroupVersionKind) (object.Kind, bool) {
	return object.Guess(gvk), object.BuiltInGroup(gvk.Group)
}
