package record

import "github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"

// Contains tells whether deleting the one object takes the other along: it is its Namespace, or defines its kind.
func Contains(holder, ref object.Ref) bool {
	if !IsContainer(holder.Kind) {
		return false
	}
	if holder.Kind.Kind == "Namespace" {
		return ref.Namespace == holder.Name
	}
	return ref.Resource+"."+ref.Group == holder.Name
}
