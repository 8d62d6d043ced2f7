package reconcile

import (
	"context"
	"errors"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/apps/recorded"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/concurrent"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/build"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/pass"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
)

// unreadable is the run at a commit whose gitops.yaml cannot be used. why is the reason.
func (r *run) unreadable(ctx context.Context, why error) Outcome {
	if r.list != nil && len(r.target.Only) > 0 && !r.finding().sameRef() {
		return Outcome{Listed: true, Err: why} // of a ref that this run must not move the list to
	}
	if err := r.concluding().saveProblem(ctx, why); err != nil {
		return Outcome{Listed: true, Err: errors.Join(why, err)}
	}
	apps, err := r.revertDrift(ctx)
	return Outcome{Apps: apps, Listed: true, Err: errors.Join(why, err)}
}

// revertDrift reverts drift to what the records hold, from the commit that was applied last, while gitops.yaml cannot be used.
// Nothing else is written. It returns the results of the apps that drifted.
func (r *run) revertDrift(ctx context.Context) ([]AppOutcome, error) {
	r.revertOnly, r.apps = true, r.finding().recorded()
	if len(r.apps) == 0 || r.commit == "" || r.finding().ofWorkingTree() || ctx.Err() != nil || r.finding().choose() != nil {
		return nil, nil
	}
	if err := r.observing().makePasses(ctx); err != nil {
		return nil, err
	}
	r.observing().observe(ctx)
	var open []*pass.Pass
	for _, p := range r.passes {
		if p.Failure == nil && !p.Listed.NotSelected && p.Reverting().HasDrifted() {
			open = append(open, p)
		}
	}
	concurrent.Each(ctx, len(open), build.AtOnce, func(i int) { open[i].Failure = open[i].Reverting().PlanRevert(ctx) })
	r.working().work(ctx)
	var out []AppOutcome
	for _, p := range r.passes {
		if !p.Listed.NotSelected && !p.Listed.IsUpToDate() {
			out = append(out, AppOutcome{*p.Report, p.ShownEffects(), p.Failure})
		}
	}
	return out, nil
}

// ofWorkingTree reports whether the source is a working tree and no commit. No record can name such a state.
func (r finding) ofWorkingTree() bool {
	o := r.opened[r.commit]
	return o.tree != nil && o.tree.Objects == nil
}

// recorded returns the apps that gitops.yaml listed when it could be used last, with their recorded settings.
func (r finding) recorded() []app.App {
	if r.list == nil {
		return nil
	}
	var apps []app.App
	for _, name := range r.list.Apps {
		if rec := r.records.Apps[name]; rec != nil && r.lists(rec) {
			app := recorded.Settings(rec)
			app.Suspend = r.list.Suspends(name)
			apps = append(apps, app)
		}
	}
	return apps
}

// withheld returns why the source showed an earlier commit than the ref points at, nil when it did not.
func (r concluding) withheld() error {
	if h, ok := r.Source.(source.Gate); ok {
		_, why := h.Withheld()
		return why
	}
	return nil
}
