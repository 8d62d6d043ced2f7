package reconcile

import (
	"errors"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// errSuspended ends a pass over an app that is suspended. A dry run says what would be done nevertheless.
var errSuspended = errors.New("suspended")

// checkSuspended ends the pass when the app is suspended. A suspension that is over leaves the record with its next
// save; nothing is written for its sake.
func (p reading) checkSuspended() error {
	if !p.rec.Suspended.At(p.Now()) {
		p.rec.Suspended = nil
		return nil
	}
	if p.opts.DryRun {
		p.Say(report.Warning, "%s is %s; this is what would be done otherwise", p.app.Name, p.rec.Suspended)
		return nil
	}
	return errSuspended
}

// leaveSuspended is the report of a pass that left the app alone.
func (p ending) leaveSuspended() (report.App, error) {
	p.Report.Result, p.Report.Suspended, p.Report.Health = report.ResultSucceeded, p.rec.Suspended, health.Unknown
	p.Report.Revision, p.Report.Message = p.rec.Revision, p.rec.Suspended.String()
	return *p.Report, nil
}
