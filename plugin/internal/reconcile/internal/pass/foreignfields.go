package pass

import (
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
)

// noteAll reports what others added to objects that were written since we wrote them.
func (p reading) noteAll() {
	e := p.Execution()
	for k, row := range p.Record.All() {
		if u := p.Live.Member(k, p.Set); u != nil && p.States[k] == live.InSync && u.GetResourceVersion() != row.ResourceVersion {
			e.NoteForeign(row, u)
		}
	}
}
