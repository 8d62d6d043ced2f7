package reconcile

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/apps/recorded"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/concurrent"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/apply"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/wait"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// Dismantle ends the management of an app: with prune its objects are deleted, as a pass prunes them and with the same
// proof, and the hooks of its removal run; otherwise they stay and lose our label. When that is done, the record is
// deleted. Objects that may not be deleted (prune: disabled, and what was there before the app) stay in both cases.
//
// The app is the one of the record: what is deleted, and every hook, goes with the rights of its service account and within
// what it is allowed to contain, whoever asks for the removal.
func (r *Reconciler) Dismantle(ctx context.Context, name string, prune bool) (report.App, error) {
	app, opts, by := App{Name: name, Timeout: DefaultTimeout}, Options{Cause: report.CauseManual}, r.env()
	records, err := r.Records.Load(ctx)
	if rec := records[name]; rec != nil && rec.Inventory != nil {
		said := recorded.Settings(rec)
		app.ServiceAccount, app.Allow = said.ServiceAccount, said.Allow
	}
	opts.records = records
	if err == nil && prune {
		by, err = r.as(app.ServiceAccount)
	}
	if err != nil {
		return report.App{Name: name, Result: report.ResultFailed, Message: err.Error()}, err
	}
	p := newPass(ctx, by, app, opts)
	err = p.removal().dismantle(ctx, prune)
	if err == nil && len(p.exec.Failed) > 0 {
		err = p.FirstFailure()
	}
	if err != nil && prune && app.ServiceAccount != "" {
		err = hint.With(err, "%s is removed with the rights of its service account %s in namespace %s, as it was applied; without --prune-apps its objects stay",
			name, app.ServiceAccount, r.Records.Namespace)
	}
	switch {
	case err != nil:
		err = p.Conceal(err)
		p.Report.Result, p.Report.Message = report.ResultFailed, err.Error()
	default:
		p.Report.Result = report.ResultSucceeded
	}
	return *p.Report, err
}

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

// Farewell lists the hooks that run when the app of a record is removed with its objects, in words.
func Farewell(rec *record.Record) ([]string, error) {
	hooks, err := plan.KeptHooks(rec)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, phase := range []string{desired.PreDelete, desired.PostDelete} {
		for _, o := range desired.HooksOf(hooks, phase, record.HooksDelete) {
			text := fmt.Sprintf("%s hook %s", phase, plan.NameGiven(o))
			if o.Namespace != "" {
				text += " in " + o.Namespace
			}
			out = append(out, text)
		}
	}
	return out, nil
}
