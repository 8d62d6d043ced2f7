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

// unreadable is the run at a commit whose gitops.yaml cannot be used.
func (rd *run) unreadable(ctx context.Context, why error) Outcome {
	if rd.list != nil && len(rd.target.Only) > 0 && !rd.finding().sameRef() {
		return Outcome{Listed: true, Err: why} // that of a ref which this run may not move the list to
	}
	if err := rd.concluding().saveProblem(ctx, why); err != nil {
		return Outcome{Listed: true, Err: errors.Join(why, err)}
	}
	apps, err := rd.revertDrift(ctx)
	return Outcome{Apps: apps, Listed: true, Err: errors.Join(why, err)}
}

// revertDrift keeps the apps as their records have them while the gitops.yaml of the commit cannot be used: what drifted of
// them is reverted, from the commit that was applied last, and nothing else is written. It returns what it came to for
// the apps that drifted.
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
	concurrent.Each(ctx, len(open), build.AtOnce, func(i int) { open[i].Failure = open[i].Reverting().PlanHeld(ctx) })
	rd.working().work(ctx)
	var out []AppOutcome
	for _, p := range rd.passes {
		if !p.Listed.NotSelected && !p.Listed.IsUpToDate() {
			out = append(out, AppOutcome{*p.Report, p.ShownEffects(), p.Failure})
		}
	}
	return out, nil
}

// ofWorkingTree tells whether what was read is no commit: there is nothing then that a record could hold the apps at.
func (rd finding) ofWorkingTree() bool {
	o := rd.opened[rd.commit]
	return o.tree != nil && o.tree.Objects == nil
}

// recorded lists the apps that gitops.yaml named when it could be used last, as their records have them.
func (rd finding) recorded() []app.App {
	if rd.list == nil {
		return nil
	}
	var apps []app.App
	for _, name := range rd.list.Apps {
		if rec := rd.records[name]; rec != nil && rd.lists(rec) {
			apps = append(apps, recorded.Settings(rec))
		}
	}
	return apps
}

// heldBack says why the round was about an earlier commit than the ref points at.
func (rd concluding) heldBack() error {
	if h, ok := rd.Source.(source.Gate); ok {
		_, why := h.Withheld()
		return why
	}
	return nil
}
