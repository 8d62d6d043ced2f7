package reconcile

import (
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
)

// misunderstood words what the annotations of an object say that means nothing here.
func misunderstood(o *object) []render.Problem {
	var out []render.Problem
	for _, message := range desired.Misunderstood(o.manifest.GetAnnotations()) {
		out = append(out, render.Problem{Origin: o.origin, Object: o.ID(), Message: message})
	}
	return out
}
