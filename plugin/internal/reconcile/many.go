package reconcile

import (
	"context"
	"errors"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/build"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// renderListed renders what one app of several is to hold.
func (p reading) renderListed(ctx context.Context) {
	if p.listed.retired {
		return // nothing
	}
	p.failure = p.render(ctx)
	if p.failure == nil {
		p.failure = p.confine()
		return
	}
	if errors.Is(p.failure, build.ErrSlow) {
		p.waitForRender()
		return
	}
	r := p.env.renders.Of(p.app.Name)
	if r == nil || r.Commit != p.commit || r.Settings != p.config || len(p.app.DependsOn) == 0 {
		return
	}
	defined, _ := desired.DefinedKinds(p.app.Allow, r.Objects)
	for _, o := range r.Objects {
		var unknown *cluster.UnknownKindError
		if _, err := p.Cluster.KindOr(ctx, o.GroupVersionKind(), defined); errors.As(err, &unknown) {
			p.listed.late, p.failure = true, nil
			return
		}
	}
}

// ownPart is the share of the app in what its group has listed.
func (p *pass) ownPart() *live.Snapshot {
	keys := make([]record.Key, 0, len(p.rec.Rows)+len(p.desired))
	for k := range p.rec.Rows {
		keys = append(keys, k)
	}
	for _, o := range p.desired {
		keys = append(keys, o.Key())
	}
	return p.listed.shared.Part(keys)
}

// planListed plans one app of several. errNothingToDo means that Git has nothing new for it.
func (p planning) planListed(ctx context.Context) error {
	if p.listed.retired {
		if err := p.planRemoval(); err != nil {
			return err
		}
		if len(p.rec.Rows) == 0 {
			p.plan = &plan.Plan{}
			return nil
		}
	}
	p.plan = plan.Make(p.planInput(p.desired))
	p.planHooks()
	settled := !p.hooks.AreDue() && p.hooks.AreKept(p.rec) && p.rec.Config == p.config && p.rec.Tool == p.Tool && !p.rec.Pending && p.rec.Due == "" && !p.rec.Rebuilt
	if settled && !p.listed.retired && len(p.plan.Steps)+len(p.plan.Prunes)+len(p.plan.Refused) == 0 {
		if err := p.writing().renameShares(ctx); err != nil {
			return err
		}
		p.Report.Counts.Unchanged = len(p.plan.Unchanged)
		keys := p.keys()
		if err := p.readUnsettled(ctx, keys); err != nil {
			return err
		}
		p.ending().noteInputs()
		return errNothingToDo
	}
	if p.listed.aside {
		p.listed.waits = "not applied yet"
		return nil
	}
	p.live = p.ownPart()
	if err := p.makePlan(ctx); err != nil {
		return err
	}
	if err := p.checkOwners(ctx); err != nil {
		return err
	}
	return p.checkRights(ctx)
}
