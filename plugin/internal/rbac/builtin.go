package rbac

import (
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
)

// BuiltIn returns how Kubernetes itself serves a kind, without a request. It returns false for a kind of another API group:
// the returned Kind is a guess then, namespaced and with the usual plural.
func BuiltIn(gvk schema.GroupVersionKind) (object.Kind, bool) {
	return object.Guess(gvk), object.BuiltInGroup(gvk.Group)
}
