package pass

import (
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
)

// noteSpread finds out whether the app has objects in several namespaces. Reports then name the namespace of each object.
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
