package reconcile

import (
	"context"
	"errors"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/hooks"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/wait"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record/store"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// postSync runs the PostSync hooks once everything is healthy, cleans up after hooks that left Git, and records that
// the hooks of these manifests have run.
func (p writing) postSync(ctx context.Context) error {
	if p.opts.DryRun || len(p.exec.Failed) > 0 || p.opts.drift != nil || p.isHeld() {
		return nil
	}
	if p.hooks.AreDue() {
		if len(p.track.Unhealthy(p.keys())) > 0 {
			return nil // a loop: a later pass goes on
		}
		if err := p.hookRunner().Run(ctx, desired.PostSync, hooks.All); err != nil {
			return err
		}
		p.rec.Due, p.rec.Hooks.Release = "", p.hooks.Release
	}
	if len(p.hooks.List) == 0 && !p.hooks.AreDue() && len(p.rec.Runs) == 0 {
		p.rec.Hooks.Release = ""
	}
	return p.hookRunner().Clean(ctx)
}

// afterFailure runs the SyncFail hooks when a pass with hooks failed, and keeps the failure.
func (p writing) afterFailure(err error) error {
	if err == nil && len(p.exec.Failed) == 0 || errors.Is(err, wait.ErrInterrupted) || errors.Is(err, store.ErrBusy) || errors.Is(err, errNothingToDo) ||
		p.plan == nil || !p.hooks.AreDue() || p.rec.Due == "" || p.opts.DryRun || p.ctx.Err() != nil {
		return err
	}
	if failure := p.hookRunner().Run(p.ctx, desired.SyncFail, hooks.All); failure != nil {
		p.Say(report.Warning, "%v", failure)
	}
	return err
}
