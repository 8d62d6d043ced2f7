package pass

import (
	"cmp"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// Behind returns the row in the list of apps of an app that is not at the commit, or left gitops.yaml and has objects.
func (p ending) Behind() (record.Behind, bool) {
	l := p.Listed
	var message string
	switch {
	case l.State == Gone:
		return record.Behind{}, false
	case p.Failure != nil && l.State == Applied && len(p.Exec.Failed) == 0 && !l.LeftList && l.NotPruned == "":
		return record.Behind{}, false // all is applied; its own record says that it is not healthy
	case p.Failure != nil:
		message = p.Report.Message
	case l.Why != "":
		message = l.Why
	case l.NotPruned != "":
		message = l.NotPruned
	case l.LeftList:
		message = "it left gitops.yaml and still has objects"
	default:
		return record.Behind{}, false
	}
	at := ""
	if p.Record != nil {
		at = cmp.Or(l.AppliedBefore, p.At(p.Record).Commit)
	}
	b := record.NewBehind(p.App.Name, at, message, p.Failure != nil)
	p.noteRender(&b)
	return b, true
}

// WaitsForSomebody reports whether an app that is behind waits for somebody to name it, or to resume it. Others may wait for it.
func (p ending) WaitsForSomebody() bool {
	return (p.Report.Pending || p.App.Suspend) && p.mayWait()
}

// NoteWaiting notes in the row of an app that it waits for somebody. An app with sync: manual that somebody named, and that waits
// for another app, is planned again: its row would say for which app, and not for whom.
func (p ending) NoteWaiting(b *record.Behind) {
	if p.mayWait() && (!p.App.Manual || p.WaitsForSomebody()) {
		b.NoteWaiting(p.Listed.setting)
	}
}

// mayWait reports whether nothing but a wait for another app, or for somebody, keeps the app behind.
func (p ending) mayWait() bool {
	l := p.Listed
	return p.Failure == nil && !l.LeftList && (l.State == Waiting || l.State == WaitsForSomebody)
}

// noteRender adds the state of the render to the row of the app.
func (p ending) noteRender(b *record.Behind) {
	if p.unrendered == nil {
		return
	}
	p.Env.Renders.Describe(p.App.Name, p.Commit, p.Config, p.Failure != nil, p.Listed.State == WaitsForRender, b)
}
