package reconcile

import (
	"maps"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// maxForeign bounds how many objects the record remembers having told foreign fields of.
const maxForeign = 200

// noteForeign tells once what people added to an object of ours beside what Git sets, and remembers that in the record.
func (p *pass) noteForeign(row record.Row, u metav1.Object) {
	if p.app.ForeignFields == ForeignKeep || p.app.ForeignFields == ForeignRevert || p.opts.DryRun || row.CreateOnly {
		return
	}
	text := live.Beside(u)
	if p.rec.Foreign[row.ID()] == text || text != "" && len(p.rec.Foreign) >= maxForeign {
		return
	}
	if text == "" { // the next save forgets it: that alone is no reason to write
		delete(p.rec.Foreign, row.ID())
		return
	}
	p.remarked = true
	if p.rec.Foreign == nil {
		p.rec.Foreign = map[string]string{}
	}
	p.rec.Foreign[row.ID()] = text
	p.Remark(report.Change{Object: row.ID(), Short: p.Short(row.Ref), Action: report.Unchanged, Note: text})
}

// forgetForeign drops what was told of objects that are no longer the app's.
func (p *pass) forgetForeign() {
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
func (p *pass) noteAll() {
	for k, row := range p.rec.Rows {
		if u := p.live.Member(k, p.id); u != nil && p.states[k] == live.InSync && u.GetResourceVersion() != row.ResourceVersion {
			p.noteForeign(row, u)
		}
	}
}
