package pass

import (
	"errors"
	"maps"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/wait"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// Finish ends the pass that came to err: nil, ErrNothingToDo, ErrSuspended or a failure. It waits for the health that an
// earlier run left open, runs SyncFail hooks after a failure, saves the record if there is something new, and returns the
// report. The error is nil for an app that is up to date or suspended. Otherwise its secret values are masked.
func (p ending) Finish(err error) (report.App, error) {
	if errors.Is(err, ErrSuspended) {
		return p.LeaveSuspended()
	}
	upToDate := errors.Is(err, ErrNothingToDo)
	if upToDate {
		err = p.recheckHealth()
	}
	if err == nil {
		err = p.owned
	}
	err = p.writing().afterFailure(err)
	if why := p.withheld(err); why != nil && err == nil {
		p.withheldCommit, err = true, why
	}
	if (err == nil || errors.Is(err, wait.ErrInterrupted)) && len(p.Exec.Failed) > 0 {
		err = errors.Join(err, p.FirstFailure())
	}
	if err == nil {
		p.rememberSource()
	} else {
		p.warnForgotten()
	}
	rep := p.Report
	rep.Result = report.ResultSucceeded
	switch {
	case err != nil:
		err = p.Conceal(err)
		rep.Result, rep.Message = report.ResultFailed, err.Error()
		if hints := hint.Of(err); len(hints) > 0 {
			rep.Hint = hints[0]
		}
	case rep.Counts.Reverted > 0 && rep.Counts.Reverted == rep.Counts.Changed():
		rep.Result = report.ResultReverted
	}
	p.countHealth()
	rep.Duration = metav1.Duration{Duration: p.Now().Sub(p.Started).Round(time.Millisecond)}
	if saveErr := p.saveResult(upToDate, err); saveErr != nil {
		if err == nil {
			rep.Result, rep.Message = report.ResultFailed, saveErr.Error()
		}
		err = errors.Join(err, saveErr)
	}
	rep.AllHealthy = p.Record != nil && p.Record.Inventory != nil && p.Record.AllHealthy
	return *rep, err
}

// recheckHealth waits for the health of an app that is up to date, if the last run ended before all objects were healthy.
func (p ending) recheckHealth() error {
	if p.Record.AllHealthy {
		return nil
	}
	var keys []object.Key
	for _, row := range p.Record.Sorted() {
		keys = append(keys, object.KeyOf(row.Ref))
	}
	switch {
	case p.Opts.DryRun:
		return nil
	case p.Opts.Loop:
		return p.Wait.Once(p.ctx, p.waitsFor(keys), p.Record.LastApplied)
	}
	return p.Wait.Healthy(p.ctx, p.waitsFor(keys), nil)
}

// countHealth counts the objects of the report by their last known health.
func (p ending) countHealth() {
	p.Report.Objects = report.Objects{}
	var waited map[object.Key]bool // nobody looked at the others; nil for all
	if p.App.Wait != nil {
		waited = map[object.Key]bool{}
		for _, k := range p.waitsFor(slices.Collect(maps.Keys(p.Track.Refs))) {
			waited[k] = true
		}
	}
	for k := range p.Track.Refs {
		h := health.Unknown
		if _, known := p.Track.After[k]; known {
			h, _ = p.Track.HealthOf(k)
		} else if p.Track.AssumedHealthy[k] && (waited == nil || waited[k]) {
			h = health.Healthy
		}
		p.Report.Objects.Add(h)
	}
	p.Report.Health = p.Report.Objects.Worst()
	if p.Report.Objects.Total == 0 {
		p.Report.Health = health.Unknown
	}
}
