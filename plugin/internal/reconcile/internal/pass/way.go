package pass

import (
	"cmp"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// Behind returns the row in the list of apps of an app that is not at the commit, or left gitops.yaml and has objects.
func (p ending) Behind() (record.Behind, bool) {
	b := record.Behind{App: p.App.Name}
	l := p.Listed
	if p.Record != nil {
		b.At = cmp.Or(l.AppliedBefore, p.At(p.Record).Commit)
	}
	switch {
	case l.State == Gone:
		return b, false
	case p.Failure != nil && l.State == Applied && len(p.Exec.Failed) == 0 && !l.LeftList && l.NotPruned == "":
		return b, false // all is applied; its own record says that it is not healthy
	case p.Failure != nil:
		b.Failed, b.Message = true, p.Report.Message
	case l.Why != "":
		b.Message = l.Why
	case l.NotPruned != "":
		b.Message = l.NotPruned
	case l.LeftList:
		b.Message = "it left gitops.yaml and still has objects"
	default:
		return b, false
	}
	b.Message, _, _ = strings.Cut(b.Message, "\n")
	p.noteRender(&b)
	return b, true
}

// noteRender adds the state of the render to the row of the app.
func (p ending) noteRender(b *record.Behind) {
	if p.unrendered == nil {
		return
	}
	p.Env.Renders.Describe(p.App.Name, p.Commit, p.Config, p.Failure != nil, p.Listed.State == WaitsForRender, b)
}
