package desired

import (
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// DefinedBy is the CRD that defines the kind of an object, if one does.
func DefinedBy(r object.Ref) record.Key {
	return record.Key{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition", Name: r.Resource + "." + r.Group}
}
