package reconcile

import (
	"maps"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
)

// forgetForeign drops what was told of objects that are no longer the app's.
func (p ending) forgetForeign() {
	if len(p.rec.Foreign) == 0 {
		return
	}
	ours := make(map[string]bool, len(p.rec.Rows))
	for _, row := range p.rec.Rows {
		ours[row.ID()] = true
	}
	maps.DeleteFunc(p.rec.Foreign, func(id, _ string) bool { return !ours[id] })
}

// noteAll looks for what others added to objects that were written since we wrote them.
func (p reading) noteAll() {
	for k, row := range p.rec.Rows {
		if u := p.live.Member(k, p.id); u != nil && p.states[k] == live.InSync && u.GetResourceVersion() != row.ResourceVersion {
			p.execution().NoteForeign(row, u)
		}
	}
}
