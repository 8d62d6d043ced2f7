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
		return nil
	}
	if p.Opts.DryRun {
		p.Say(report.Warning, "%s is %s; without the suspension, a run would do this", p.App.Name, p.Record.Suspended)
		return nil
	}
	return ErrSuspended
}

// LeaveSuspended returns the report of a suspended app, which was left alone. The error is always nil.
func (p ending) LeaveSuspended() (report.App, error) {
	p.Report.Result, p.Report.Suspended, p.Report.Health = report.ResultSucceeded, p.Record.Suspended, health.Unknown
	p.Report.Revision, p.Report.Message = p.Record.Revision, p.Record.Suspended.String()
	return *p.Report, nil
}
