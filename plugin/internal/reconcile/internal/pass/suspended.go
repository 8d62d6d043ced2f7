package pass

import (
	"errors"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// ErrSuspended ends a pass over an app that is suspended. A dry run says what would be done nevertheless.
var ErrSuspended = errors.New("suspended")

// checkSuspended ends the pass when the app is suspended. A suspension that is over leaves the record with its next
// save; nothing is written for its sake.
func (p reading) checkSuspended() error {
	if !p.Record.Suspended.At(p.Now()) {
		p.Record.EndSuspension()
		return nil
	}
	if p.Opts.DryRun {
		p.Say(report.Warning, "%s is %s; this is what would be done otherwise", p.App.Name, p.Record.Suspended)
		return nil
	}
	return ErrSuspended
}

// LeaveSuspended is the report of a pass that left the app alone.
func (p ending) LeaveSuspended() (report.App, error) {
	p.Report.Result, p.Report.Suspended, p.Report.Health = report.ResultSucceeded, p.Record.Suspended, health.Unknown
	p.Report.Revision, p.Report.Message = p.Record.Revision, p.Record.Suspended.String()
	return *p.Report, nil
}
