package pass

import (
	"context"
	"errors"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/hooks"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/wait"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record/store"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// postSync runs the PostSync hooks and then the tests once everything is healthy, cleans up after hooks, and records that they have run.
func (p writing) postSync(ctx context.Context) error {
	if p.Opts.DryRun || len(p.Exec.Failed) > 0 || p.Opts.Only != nil || p.Listed.revertsOnly() {
		return nil
	}
	if p.Hooks.AreDue() {
		if len(p.Track.Unhealthy(p.waitsFor(p.keys()))) > 0 {
			return nil // a loop: a later pass goes on
		}
		for _, phase := range []string{desired.PostSync, desired.Test} {
			if err := p.hookRunner().Run(ctx, phase, hooks.All); err != nil {
				return err
			}
		}
		p.Record.Finished(p.Hooks.Release)
	}
	if len(p.Hooks.List) == 0 && !p.Hooks.AreDue() && len(p.Record.Runs) == 0 {
		p.Record.NoteRelease("")
	}
	return p.hookRunner().Clean(ctx)
}

// afterFailure runs the SyncFail hooks when a pass with hooks failed. It returns err unchanged.
func (p writing) afterFailure(err error) error {
	if err == nil && len(p.Exec.Failed) == 0 || errors.Is(err, wait.ErrInterrupted) || errors.Is(err, store.ErrBusy) || errors.Is(err, ErrNothingToDo) ||
		p.Plan == nil || !p.Hooks.AreDue() || p.Record.Due == "" || p.Opts.DryRun || p.ctx.Err() != nil {
		return err
	}
	if failure := p.hookRunner().Run(p.ctx, desired.SyncFail, hooks.All); failure != nil {
		p.Say(report.Warning, "%v", failure)
	}
	return err
}
