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
func (rd *run) unreadable(ctx context.Context, why error) Outcome {
	if rd.list != nil && len(rd.target.Only) > 0 && !rd.finding().sameRef() {
		return Outcome{Listed: true, Err: why} // of a ref that this run must not move the list to
	}
	if err := rd.concluding().saveProblem(ctx, why); err != nil {
		return Outcome{Listed: true, Err: errors.Join(why, err)}
	}
	apps, err := rd.revertDrift(ctx)
	return Outcome{Apps: apps, Listed: true, Err: errors.Join(why, err)}
}

// revertDrift reverts drift to what the records hold, from the commit that was applied last, while gitops.yaml cannot be used.
// Nothing else is written. It returns the results of the apps that drifted.
func (rd *run) revertDrift(ctx context.Context) ([]AppOutcome, error) {
	rd.revertOnly, rd.apps = true, rd.finding().recorded()
	if len(rd.apps) == 0 || rd.commit == "" || rd.finding().ofWorkingTree() || ctx.Err() != nil || rd.finding().choose() != nil {
		return nil, nil
	}
	if err := rd.observing().makePasses(ctx); err != nil {
		return nil, err
	}
	rd.observing().observe(ctx)
	var open []*pass.Pass
	for _, p := range rd.passes {
		if p.Failure == nil && !p.Listed.NotSelected && p.Reverting().HasDrifted() {
			open = append(open, p)
		}
	}
	concurrent.Each(ctx, len(open), build.AtOnce, func(i int) { open[i].Failure = open[i].Reverting().PlanRevert(ctx) })
	rd.working().work(ctx)
	var out []AppOutcome
	for _, p := range rd.passes {
		if !p.Listed.NotSelected && !p.Listed.IsUpToDate() {
			out = append(out, AppOutcome{*p.Report, p.ShownEffects(), p.Failure})
		}
	}
	return out, nil
}

// ofWorkingTree reports whether the source is a working tree and no commit. No record can name such a state.
func (rd finding) ofWorkingTree() bool {
	o := rd.opened[rd.commit]
	return o.tree != nil && o.tree.Objects == nil
}

// recorded returns the apps that gitops.yaml listed when it could be used last, with their recorded settings.
func (rd finding) recorded() []app.App {
	if rd.list == nil {
		return nil
	}
	var apps []app.App
	for _, name := range rd.list.Apps {
		if rec := rd.records.Apps[name]; rec != nil && rd.lists(rec) {
			apps = append(apps, recorded.Settings(rec))
		}
	}
	return apps
}

// withheld returns why the source showed an earlier commit than the ref points at, nil when it did not.
func (rd concluding) withheld() error {
	if h, ok := rd.Source.(source.Gate); ok {
		_, why := h.Withheld()
		return why
	}
	return nil
}
