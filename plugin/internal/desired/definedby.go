package desired

import (
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
)

// DefinedBy returns the key of the CRD that would define the kind of an object. Kinds of Kubernetes itself have no CRD, so
// nothing has that key.
func DefinedBy(r object.Ref) object.Key {
	return object.Key{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition", Name: r.Resource + "." + r.Group}
}
