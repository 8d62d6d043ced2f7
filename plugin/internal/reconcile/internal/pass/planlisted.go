package pass

import (
	"context"
	"errors"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/build"
)

// RenderListed renders an app of a gitops.yaml. Failure has the error, unless the app can wait: for its render
// (WaitsForRender), or for kinds that its dependencies define (WaitsForKinds).
func (p reading) RenderListed(ctx context.Context) {
	if p.Listed.LeftList {
		return // nothing
	}
	p.Failure = p.Render(ctx)
	if p.Failure == nil {
		p.Failure = p.Planning().Confine()
		return
	}
	if errors.Is(p.Failure, build.ErrSlow) {
		WaitForRender(p.Pass)
		return
	}
	r := p.Env.Renders.Of(p.App.Name)
	if r == nil || r.Commit != p.Commit || r.Settings != p.Config || len(p.App.DependsOn) == 0 {
		return
	}
	defined, _ := desired.DefinedKinds(p.App.Allow, r.Objects)
	for _, o := range r.Objects {
		var unknown *cluster.UnknownKindError
		if _, err := p.Cluster.KindOr(ctx, o.GroupVersionKind(), defined); errors.As(err, &unknown) {
			p.Listed.State, p.Failure = WaitsForKinds, nil
			return
		}
	}
}

// OwnPart returns the objects of the app in the snapshot that all apps of one identity share.
func (p *Pass) OwnPart() *live.Snapshot {
	keys := make([]object.Key, 0, p.Record.Len()+len(p.Desired))
	for k := range p.Record.All() {
		keys = append(keys, k)
	}
	for _, o := range p.Desired {
		keys = append(keys, o.Key())
	}
	return p.Listed.Shared.Part(keys)
}

// PlanListed plans an app of a gitops.yaml, and checks owners and rights. ErrNothingToDo means that it is up to date.
func (p planning) PlanListed(ctx context.Context) error {
	if p.Listed.LeftList {
		if err := p.PlanRemoval(); err != nil {
			return err
		}
		if p.Record.Len() == 0 {
			p.Plan = &plan.Plan{}
			return nil
		}
	}
	if p.Listed.IsOwn() {
		return p.planWhole(ctx) // its record names the commit even if nothing changes
	}
	p.Plan = plan.Make(p.planInput(p.Desired))
	p.planHooks()
	sameSettings := !p.Hooks.AreDue() && p.Hooks.AreKept(p.Record) && p.Record.Config == p.Config && p.Record.Tool == p.Tool && !p.Record.Pending && p.Record.Due == "" && !p.Record.Rebuilt
	if sameSettings && !p.Listed.LeftList && len(p.Plan.Steps)+len(p.Plan.Prunes)+len(p.Plan.Refused) == 0 {
		if err := p.writing().renameShares(ctx); err != nil {
			return err
		}
		p.Report.Counts.Unchanged = len(p.Plan.Unchanged)
		keys := p.keys()
		if err := p.readUnknownHealth(ctx, keys); err != nil {
			return err
		}
		p.leaveDrift(keysOf(p.Plan.Drifted))
		p.Ending().noteInputs()
		return ErrNothingToDo
	}
	if why := p.Plan.Waits(p.App, plan.Caller{Named: p.Opts.Named, DryRun: p.Opts.DryRun}, p.Hooks.AreDue()); why != "" && !p.Listed.LeftList {
		p.Listed.State, p.Listed.Why, p.Report.Pending = Waiting, why, true
		return nil
	}
	if p.Listed.NotSelected {
		p.Listed.State, p.Listed.Why = Waiting, "not applied yet"
		return nil
	}
	p.Live = p.OwnPart()
	return p.planWhole(ctx)
}

// planWhole makes the plan, and checks owners and rights.
func (p planning) planWhole(ctx context.Context) error {
	if err := p.makePlan(ctx); err != nil {
		return err
	}
	if err := p.checkOwners(ctx); err != nil {
		return err
	}
	return p.checkRights(ctx)
}
