package pass

import (
	"cmp"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
)

// Confine returns manifest.Problems with all objects and hooks that the settings do not allow the app to contain. If there are
// any, the app wants no object any more, and so conflicts with no other app.
func (p planning) Confine() error {
	var problems manifest.Problems
	for _, o := range slices.Concat(p.Desired, p.Hooks.List) {
		if why, advice := p.App.Allow.Refuses(o.Ref); why != "" {
			problems = append(problems, manifest.Problem{Origin: o.Origin, Object: o.ID(), Message: why, Hint: advice})
		}
	}
	if len(problems) == 0 {
		return nil
	}
	p.Desired, p.Hooks.List = nil, nil
	slices.SortStableFunc(problems, func(a, b manifest.Problem) int {
		return cmp.Or(cmp.Compare(a.Origin.File, b.Origin.File), cmp.Compare(a.Origin.Line, b.Origin.Line))
	})
	return problems
}
