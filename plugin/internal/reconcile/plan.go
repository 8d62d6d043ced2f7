package reconcile

import (
	"context"
	"errors"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan/crossapp"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/pass"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/tell"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/wait"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// plan finds out what is to be done for each app, before anything is written for any of them. What is refused of one
// app does not hold up the others.
func (r deciding) plan(ctx context.Context) {
	var open []*pass.Pass
	for _, p := range r.passes {
		if p.Failure == nil && !r.decide(ctx, p) {
			open = append(open, p)
		}
	}
	if len(open) == 0 || ctx.Err() != nil {
		return
	}
	open = r.renderOpen(ctx, open)
	r.claims()
	r.observeDesired(ctx)
	r.handovers()
	for _, p := range open {
		if p.Failure == nil && p.Listed.State != pass.WaitsForKinds && p.Listed.State != pass.WaitsForRender {
			p.Failure = p.Planning().PlanListed(ctx)
		}
		if errors.Is(p.Failure, pass.ErrNothingToDo) {
			p.Listed.State, p.Failure = pass.UpToDate, nil
		}
	}
	r.guardRemovals(ctx)
}

// decide tells whether the pass has nothing to do, from the record and the cluster alone.
func (r deciding) decide(ctx context.Context, p *pass.Pass) bool {
	if p.Listed.LeftList {
		p.Report.Cause = report.CauseCommit
		return false
	}
	if p.Listed.NotSelected && p.Listed.AppliedAt != nil && p.Listed.AppliedAt.Commit == p.Commit {
		return true // nobody asked, and Git has nothing new
	}
	if why := p.Listed.StillWaits; why != "" {
		p.Listed.State, p.Listed.Why, p.Report.Pending = pass.WaitsForSomebody, why, p.App.Manual
		return true
	}
	err := p.Reading().Decide(ctx)
	if errors.Is(err, pass.ErrNothingToDo) {
		if p.Listed.State == pass.Open {
			p.Listed.State = pass.UpToDate
		}
		return true
	}
	p.Failure = err
	return err != nil
}

// claims refuses objects that two apps define.
func (r deciding) claims() {
	for name, problems := range crossapp.Conflicts(r.others()) {
		r.passOf(name).Failure = problems
	}
}

// observeDesired lists what no record knew to look for, once for all apps with the same rights.
func (r deciding) observeDesired(ctx context.Context) {
	for _, g := range r.groups {
		all := &pass.Pass{Env: g.Env, Teller: &tell.Teller{Report: &report.App{}}, Job: pass.Job{Opts: pass.Options{}}, Known: pass.Known{Record: &record.Record{Inventory: &record.Inventory{}}, Live: g.live}, Tools: pass.Tools{Track: wait.NewTracker()}, Wanted: pass.Wanted{NewKinds: map[cluster.Kind]bool{}}}
		var open []*pass.Pass
		for _, p := range g.passes {
			if p.Failure != nil || len(p.Desired) == 0 {
				continue
			}
			if p.Listed.Shared != g.live { // it was looked at alone
				p.Failure = p.Reading().ObserveDesired(ctx)
				continue
			}
			open = append(open, p)
			all.Desired = append(all.Desired, p.Desired...)
			for _, o := range p.Desired {
				p.Track.Refs[o.Key()] = o.Ref
			}
			for k := range p.NewKinds {
				all.NewKinds[k] = true
			}
		}
		if len(open) == 0 {
			continue
		}
		err := all.Reading().ObserveDesired(ctx)
		for _, p := range open {
			if err == nil || ctx.Err() != nil {
				p.Failure = err
				continue
			}
			p.Live = p.OwnPart() // one app's trouble is not that of the others
			p.Failure = p.Reading().ObserveDesired(ctx)
		}
	}
}
