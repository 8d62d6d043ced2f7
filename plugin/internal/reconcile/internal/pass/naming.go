package pass

import (
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
)

// noteSpread finds out whether the app has objects in more than one namespace. Names alone do not tell them apart then.
func (p planning) noteSpread() {
	var s object.Spread
	for k := range p.Record.All() {
		s.See(k.Namespace)
	}
	for _, o := range slices.Concat(p.Desired, p.Hooks.List) {
		s.See(o.Namespace)
	}
	p.Report.Spread = s.Many()
}
