package reconcile

import (
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
)

// misunderstood words what the annotations of an object say that means nothing here.
func misunderstood(o *object) []manifest.Problem {
	var out []manifest.Problem
	for _, message := range desired.Misunderstood(o.manifest.GetAnnotations()) {
		out = append(out, manifest.Problem{Origin: o.origin, Object: o.ID(), Message: message})
	}
	return out
}
