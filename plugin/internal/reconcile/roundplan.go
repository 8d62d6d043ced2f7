package reconcile

import (
	"context"
	"errors"
	"fmt"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/tell"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/wait"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// plan finds out what is to be done for each app, before anything is written for any of them. What is refused of one
// app does not hold up the others.
func (rd *round) plan(ctx context.Context) {
	var open []*pass
	for _, p := range rd.passes {
		if p.failure == nil && !rd.decide(ctx, p) {
			open = append(open, p)
		}
	}
	if len(open) == 0 || ctx.Err() != nil {
		return
	}
	open = rd.renderOpen(ctx, open)
	rd.claims()
	rd.lookWider(ctx)
	rd.handovers()
	for _, p := range open {
		if p.failure == nil && !p.listed.late && !p.listed.slow {
			p.failure = p.planning().planListed(ctx)
		}
		if errors.Is(p.failure, errNothingToDo) {
			p.listed.idle, p.failure = true, nil
		}
	}
	rd.guardRetired(ctx)
}

// decide tells whether the pass has nothing to do, from the record and the cluster alone.
func (rd *round) decide(ctx context.Context, p *pass) bool {
	if p.listed.retired {
		p.Report.Cause = report.CauseCommit
		return false
	}
	if p.listed.aside && p.listed.holds != nil && p.listed.holds.Commit == p.commit {
		return true // nobody asked, and Git has nothing new
	}
	err := p.reading().decide(ctx)
	if errors.Is(err, errNothingToDo) {
		p.listed.idle = true
		return true
	}
	p.failure = err
	return err != nil
}

// claims refuses objects that two apps define. Neither is believed.
func (rd *round) claims() {
	type claim struct {
		*pass
		*desired.Object
	}
	first := map[record.Key]claim{}
	wrong := map[*pass]manifest.Problems{}
	for _, p := range rd.passes {
		for _, o := range p.desired {
			c, twice := first[o.Key()]
			if !twice {
				first[o.Key()] = claim{p, o}
				continue
			}
			for _, pair := range [][2]claim{{c, {p, o}}, {{p, o}, c}} {
				me, other := pair[0], pair[1]
				wrong[me.pass] = append(wrong[me.pass], manifest.Problem{Origin: me.Origin, Object: me.ID(),
					Message: fmt.Sprintf("is also in the app %s, at %s", other.app.Name, other.Origin), Hint: "keep it in one of the two"})
			}
		}
	}
	for p, problems := range wrong {
		p.failure = problems
	}
}

// lookWider lists what no record knew to look for, once for all apps with the same rights.
func (rd *round) lookWider(ctx context.Context) {
	for _, g := range rd.groups {
		all := &pass{env: g.env, Teller: &tell.Teller{Report: &report.App{}}, job: job{opts: passOptions{}}, known: known{rec: &record.Record{Inventory: &record.Inventory{}}, live: g.live}, tools: tools{track: wait.NewTracker()}, wanted: wanted{newKinds: map[cluster.Kind]bool{}}}
		var open []*pass
		for _, p := range g.passes {
			if p.failure != nil || len(p.desired) == 0 {
				continue
			}
			if p.listed.shared != g.live { // it was looked at alone
				p.failure = p.reading().observeDesired(ctx)
				continue
			}
			open = append(open, p)
			all.desired = append(all.desired, p.desired...)
			for _, o := range p.desired {
				p.track.Refs[o.Key()] = o.Ref
			}
			for k := range p.newKinds {
				all.newKinds[k] = true
			}
		}
		if len(open) == 0 {
			continue
		}
		err := all.reading().observeDesired(ctx)
		for _, p := range open {
			if err == nil || ctx.Err() != nil {
				p.failure = err
				continue
			}
			p.live = p.ownPart() // one app's trouble is not that of the others
			p.failure = p.reading().observeDesired(ctx)
		}
	}
}
