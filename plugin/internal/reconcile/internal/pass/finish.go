package pass

import (
	"errors"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/wait"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// Finish words the result, saves the record where something is new and returns the report.
func (p ending) Finish(err error) (report.App, error) {
	if errors.Is(err, ErrSuspended) {
		return p.LeaveSuspended()
	}
	idle := errors.Is(err, ErrNothingToDo)
	if idle {
		err = p.recheckHealth()
	}
	if err == nil {
		err = p.owned
	}
	err = p.writing().afterFailure(err)
	if why := p.heldBack(err); why != nil && err == nil {
		p.held, err = true, why
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
	if saveErr := p.saveResult(idle, err); saveErr != nil {
		if err == nil {
			rep.Result, rep.Message = report.ResultFailed, saveErr.Error()
		}
		err = errors.Join(err, saveErr)
	}
	rep.Settled = p.Record != nil && p.Record.Inventory != nil && p.Record.Settled
	return *rep, err
}

// recheckHealth ends a pass without work whose last run ended before all was healthy.
func (p ending) recheckHealth() error {
	if p.Record.Settled {
		return nil
	}
	var keys []record.Key
	for _, row := range p.Record.Sorted() {
		keys = append(keys, record.KeyOf(row.Ref))
	}
	switch {
	case p.Opts.DryRun:
		return nil
	case p.Opts.Loop:
		return p.Wait.Once(keys, p.Record.LastApplied)
	}
	return p.Wait.Healthy(p.ctx, keys, nil)
}

// countHealth counts the objects by the health they were last seen in.
func (p ending) countHealth() {
	p.Report.Objects = report.Objects{}
	for k := range p.Track.Refs {
		h := health.Unknown
		if _, known := p.Track.After[k]; known {
			h, _ = p.Track.HealthOf(k)
		} else if p.Track.AssumedHealthy[k] {
			h = health.Healthy
		}
		p.Report.Objects.Add(h)
	}
	p.Report.Health = p.Report.Objects.Worst()
	if p.Report.Objects.Total == 0 {
		p.Report.Health = health.Unknown
	}
}
