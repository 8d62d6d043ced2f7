package pass

import (
	"errors"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// ErrSuspended ends the pass of a suspended app. A dry run only warns, and goes on.
var ErrSuspended = errors.New("suspended")

// checkSuspended returns ErrSuspended when the app is suspended. An expired suspension leaves the record with its next save.
func (p reading) checkSuspended() error {
	if !p.Record.Suspended.At(p.Now()) {
		p.Record.EndSuspension()
	}
	s := suspensionOf(p.Pass)
	switch {
	case s == nil:
		return nil
	case p.Opts.DryRun:
		p.Say(report.Warning, "%s is %s; without the suspension, a run would do this", p.App.Name, s)
		return nil
	}
	return ErrSuspended
}

// suspensionOf returns the suspension of the app: that of its record or, of an app that is in gitops.yaml, the one that the file
// says. It is nil when there is none.
func suspensionOf(p *Pass) *report.Suspension {
	if s := p.Record.Suspended; s != nil || !p.App.Suspend || p.Listed.IsOwn() || p.Listed.LeftList {
		return s
	}
	return &report.Suspension{InFile: true}
}

// LeaveSuspended returns the report of a suspended app, which was left alone. The error is always nil.
func (p ending) LeaveSuspended() (report.App, error) {
	s := suspensionOf(p.Pass)
	p.Report.Result, p.Report.Suspended, p.Report.Health = report.ResultSucceeded, s, health.Unknown
	p.Report.Revision, p.Report.Message = p.Record.Revision, s.String()
	return *p.Report, nil
}
