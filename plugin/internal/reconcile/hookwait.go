package reconcile

import (
	"context"
	"errors"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/hooks"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/wait"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record/store"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// preSync runs the PreSync hooks.
func (p *pass) preSync(ctx context.Context) error {
	return p.hookRunner().Run(ctx, desired.PreSync, hooks.All)
}

// needNamespaces tells whether a PreSync hook lives in a Namespace that this commit creates.
func (p *pass) needNamespaces() bool {
	if !p.hooks.AreDue() {
		return false
	}
	return slices.ContainsFunc(desired.HooksOf(p.hooks.List, desired.PreSync, p.rec.Due), func(h *desired.Object) bool {
		return slices.ContainsFunc(p.plan.Steps, func(s *plan.Step) bool {
			return s.Ref.Kind.Kind == "Namespace" && s.Group == "" && s.Name == h.Namespace
		})
	})
}

// syncHooks runs the Sync hooks of waves below next, all of them when there is no next stage. Nothing runs after a
// failure.
func (p *pass) syncHooks(ctx context.Context, next *desired.Stage) error {
	if len(p.failed) > 0 || next != nil && next.Phase < desired.PhaseWaves {
		return nil
	}
	return p.hookRunner().Run(ctx, desired.Sync, func(h *desired.HookSettings) bool {
		return next == nil || next.Phase > desired.PhaseWaves || h.Weight < next.Wave
	})
}

// postSync runs the PostSync hooks once everything is healthy, cleans up after hooks that left Git, and records that
// the hooks of these manifests have run.
func (p *pass) postSync(ctx context.Context) error {
	if p.opts.DryRun || len(p.failed) > 0 || p.opts.drift != nil || p.isHeld() {
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
func (p *pass) afterFailure(err error) error {
	if err == nil && len(p.failed) == 0 || errors.Is(err, wait.ErrInterrupted) || errors.Is(err, store.ErrBusy) || errors.Is(err, errNothingToDo) ||
		p.plan == nil || !p.hooks.AreDue() || p.rec.Due == "" || p.opts.DryRun || p.ctx.Err() != nil {
		return err
	}
	if failure := p.hookRunner().Run(p.ctx, desired.SyncFail, hooks.All); failure != nil {
		p.Say(report.Warning, "%v", failure)
	}
	return err
}
