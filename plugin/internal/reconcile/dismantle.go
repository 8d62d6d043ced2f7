package reconcile

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/apps/recorded"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/concurrent"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/apply"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/wait"
)

func (p removal) dismantle(ctx context.Context, prune bool) error {
	if err := p.reading().load(ctx); err != nil {
		return err
	}
	if p.rec.Rebuilt && prune {
		return hint.Errorf("the inventory is lost: nothing proves which objects are the app's",
			"run reconcile, which rebuilds it, or leave out --prune-apps")
	}
	if err := p.reading().observeRecorded(ctx); err != nil {
		return err
	}
	p.plan = plan.Make(p.planInput(nil))
	if err := p.planning().lookBeforePrune(ctx); err != nil {
		return err
	}
	p.plan = plan.Make(p.planInput(nil))
	take := p.removeAll
	if !prune {
		take = p.releaseAll
	}
	if err := take(ctx); err != nil || len(p.exec.Failed) > 0 {
		return errors.Join(err, p.saveRest(ctx))
	}
	if prune {
		if err := p.hookRunner().Clean(ctx); err != nil {
			return errors.Join(err, p.saveRest(ctx))
		}
	}
	return p.Records.Remove(ctx, p.app.Name)
}

// removeAll deletes the objects, with the hooks of the removal before and after.
func (p removal) removeAll(ctx context.Context) error {
	p.app.Health = p.rec.Health
	p.app.Timeout = cmp.Or(recorded.Settings(p.rec).Timeout, p.app.Timeout)
	p.wait.Timeout = p.app.Timeout
	if err := errors.Join(p.reading().compileHealth(ctx), p.planning().takeKept()); err != nil {
		return err
	}
	if p.hooks.AreDue() {
		p.rec.SetDue(p.hooks.Due)
	}
	return p.runParts(ctx, p.deletingParts())
}

// releaseAll takes our label off every object that is proven ours.
func (p removal) releaseAll(ctx context.Context) error {
	errs := make([]error, len(p.plan.Prunes))
	concurrent.Each(ctx, len(p.plan.Prunes), apply.AtOnce, func(i int) {
		r := p.plan.Prunes[i]
		if p.live.IsAbsent(r.Row.Ref.Kind) || r.Live == nil {
			return
		}
		live, err := p.applier().ProvenOurs(ctx, r)
		if err == nil && live != nil {
			err = p.applier().Release(ctx, r.Row, live)
		}
		if err != nil {
			errs[i] = fmt.Errorf("%s: %w", r.Row.Ref, err)
		}
	})
	return errors.Join(append(errs, ctx.Err())...)
}

// saveRest records what could not be deleted.
func (p removal) saveRest(ctx context.Context) error {
	ctx, cancel := wait.Lingering(ctx, wait.SaveGrace)
	defer cancel()
	p.rec.Pending = true
	if !p.rec.HasParent() {
		if _, err := p.Records.LoadParent(ctx, p.rec, p.app.Name); err != nil {
			return err
		}
	}
	if p.rec.Report == nil {
		return nil
	}
	return p.Records.Save(ctx, p.rec)
}
