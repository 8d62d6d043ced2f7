package pass

import (
	"maps"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
)

// forgetForeign drops what was told of objects that are no longer the app's.
func (p ending) forgetForeign() {
	if len(p.Record.Foreign) == 0 {
		return
	}
	ours := make(map[string]bool, p.Record.Len())
	for _, row := range p.Record.All() {
		ours[row.ID()] = true
	}
	maps.DeleteFunc(p.Record.Foreign, func(id, _ string) bool { return !ours[id] })
}

// noteAll looks for what others added to objects that were written since we wrote them.
func (p reading) noteAll() {
	e := p.Execution()
	for k, row := range p.Record.All() {
		if u := p.Live.Member(k, p.Set); u != nil && p.States[k] == live.InSync && u.GetResourceVersion() != row.ResourceVersion {
			e.NoteForeign(row, u)
		}
	}
}
