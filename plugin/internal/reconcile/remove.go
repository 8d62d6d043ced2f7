package reconcile

import (
	"context"
	"fmt"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/apps/recorded"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/pass"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// Remove ends the management of an app. With prune it deletes the objects of the app, with the proof that a run asks for, and
// runs the hooks of the removal. Otherwise the objects stay and lose our label. Then it deletes the record. Objects that must
// not be deleted stay in both cases: those with pruning disabled, and containers that existed before the app. So do all objects
// of an app with onRemoval: keep.
//
// The settings are those of the record. Everything is deleted with the rights of the service account of the app, and hooks may
// contain only what the app may contain, whoever asks for the removal. The error is in the report, too. records are what the
// caller has loaded; nil loads them.
func (r *Reconciler) Remove(ctx context.Context, name string, prune bool, records *record.Loaded) (report.App, error) {
	app, opts, by := app.App{Name: name, Timeout: app.DefaultTimeout}, pass.Options{Cause: report.CauseManual}, r.env()
	var err error
	if records == nil {
		records, err = r.Records.Load(ctx)
	}
	if err == nil {
		if rec := records.Apps[name]; rec != nil && rec.Inventory != nil {
			said := recorded.Settings(rec)
			app.ServiceAccount, app.Allow = said.ServiceAccount, said.Allow
			prune = prune && !said.KeepOnRemoval
		}
	}
	opts.Records = records
	if err == nil && prune {
		by, err = r.envFor(app.ServiceAccount)
	}
	if err != nil {
		return report.App{Name: name, Result: report.ResultFailed, Message: err.Error()}, err
	}
	p := pass.New(ctx, by, app, opts)
	err = p.Removal().Remove(ctx, prune)
	if err == nil && len(p.Exec.Failed) > 0 {
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

// StaysOnRemoval reports whether the objects of the app of a record stay when the app is removed, as its settings say. It is
// false for a record that cannot be read.
func StaysOnRemoval(rec *record.Record) bool {
	return rec != nil && rec.Inventory != nil && recorded.Settings(rec).KeepOnRemoval
}

// RemovalHooks returns the hooks that run when the app of a record is removed with its objects, one line each. It fails when
// the record cannot be read.
func RemovalHooks(rec *record.Record) ([]string, error) {
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
