package pass

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

// Remove ends the management of an app. With prune it deletes the objects that are proven ours, and runs the hooks of the
// removal; without a record of the objects it fails. Otherwise it removes our label from them. Then it deletes the record.
// After a failure, the record keeps what is left.
func (p removal) Remove(ctx context.Context, prune bool) error {
	if err := p.Reading().Load(ctx); err != nil {
		return err
	}
	if p.Record.Rebuilt && prune {
		return hint.Errorf("the inventory is lost: nothing proves which objects are the app's",
			"run reconcile, which rebuilds it, or leave out --prune-apps")
	}
	if err := p.Reading().observeRecorded(ctx); err != nil {
		return err
	}
	p.Plan = plan.Make(p.Planning().planInput(nil))
	if err := p.Planning().listBeforePrune(ctx); err != nil {
		return err
	}
	p.Plan = plan.Make(p.Planning().planInput(nil))
	take := p.removeAll
	if !prune {
		take = p.releaseAll
	}
	if err := take(ctx); err != nil || len(p.Exec.Failed) > 0 {
		return errors.Join(err, p.saveRest(ctx))
	}
	if prune {
		if err := p.hookRunner().Clean(ctx); err != nil {
			return errors.Join(err, p.saveRest(ctx))
		}
	}
	return p.Records.Remove(ctx, p.App.Name)
}

// removeAll deletes the objects, and runs the PreDelete hooks before and the PostDelete hooks after.
func (p removal) removeAll(ctx context.Context) error {
	p.App.Health = p.Record.Health
	p.App.Timeout = cmp.Or(recorded.Settings(p.Record).Timeout, p.App.Timeout)
	p.Wait.Timeout = p.App.Timeout
	if err := errors.Join(p.Reading().CompileHealth(ctx), p.Planning().takeKept()); err != nil {
		return err
	}
	if p.Hooks.AreDue() {
		p.Record.SetDue(p.Hooks.Due)
	}
	return runParts(ctx, p.Pass, deletingParts(p.Pass))
}

// releaseAll removes our label from every object that is proven ours.
func (p removal) releaseAll(ctx context.Context) error {
	errs := make([]error, len(p.Plan.Prunes))
	concurrent.Each(ctx, len(p.Plan.Prunes), apply.AtOnce, func(i int) {
		r := p.Plan.Prunes[i]
		if p.Live.IsAbsent(r.Row.Ref.Kind) || r.Live == nil {
			return
		}
		live, err := p.Applier().ProvenOurs(ctx, r)
		if err == nil && live != nil {
			err = p.Applier().Release(ctx, r.Row, live)
		}
		if err != nil {
			errs[i] = fmt.Errorf("%s: %w", r.Row.Ref, err)
		}
	})
	return errors.Join(append(errs, ctx.Err())...)
}

// saveRest records the objects that could not be deleted.
func (p removal) saveRest(ctx context.Context) error {
	ctx, cancel := wait.Lingering(ctx, wait.SaveGrace)
	defer cancel()
	p.Record.MarkPending()
	if !p.Record.HasParent() {
		if _, err := p.Records.LoadParent(ctx, p.Record, p.App.Name); err != nil {
			return err
		}
	}
	if p.Record.Report == nil {
		return nil
	}
	return p.Records.Save(ctx, p.Record)
}
