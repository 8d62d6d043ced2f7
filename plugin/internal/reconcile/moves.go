package reconcile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/pass"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// handovers finds the objects that Git moved between apps. None of them may be pruned by the app they leave, whatever
// happens to the other one. While it is not known what an app holds, nothing is pruned at all: it may have moved there.
func (rd deciding) handovers() {
	holders := map[record.Key]*pass.Pass{}
	var unknown []*pass.Pass
	for _, p := range rd.passes {
		if (p.Failure != nil || p.Listed.WaitsForRender) && !p.Listed.LeftList || p.Record == nil {
			unknown = append(unknown, p)
		}
		for _, k := range pass.Claimed(p) {
			holders[k] = p
		}
	}
	for _, giver := range rd.passes {
		if giver.Failure != nil || giver.Record == nil {
			continue
		}
		rendered := giver.Listed.LeftList || giver.Listed.WaitsForKinds || len(giver.Desired) > 0
		if !rendered {
			continue // as recorded
		}
		wants := map[record.Key]bool{}
		for _, k := range pass.Claimed(giver) {
			wants[k] = true
		}
		for k, row := range giver.Record.Rows {
			if wants[k] {
				continue
			}
			taker := holders[k]
			if taker == nil || taker == giver {
				if i := slices.IndexFunc(unknown, func(p *pass.Pass) bool { return p != giver && p.MayContain(row) }); i >= 0 {
					giver.HandOver(k) // perhaps
					giver.Listed.NotPruned = fmt.Sprintf("nothing is pruned while it is not known what the app %s holds", unknown[i].App.Name)
				}
				continue
			}
			rd.moves = append(rd.moves, move{giver, taker, k})
			giver.HandOver(k)
			if u := taker.Live.Object(k); u != nil && plan.OtherSet(u, giver.Set) == "" &&
				(row.UID == u.GetUID() || row.UID == "" && live.AppliedByUs(u)) {
				taker.TakeOver(k, &plan.Handover{App: giver.App.Name, Set: giver.Set, Row: row})
			}
		}
	}
	slices.SortStableFunc(rd.moves, func(a, b move) int { return slices.Index(rd.passes, a.from) - slices.Index(rd.passes, b.from) })
}

// dropGiven takes the rows of objects that other apps have taken over, and recorded, out of the records of the givers.
func (rd concluding) dropGiven(ctx context.Context) error {
	left := map[*pass.Pass]bool{}
	for _, m := range rd.moves {
		if row := m.to.Record.Rows[m.key]; row.UID == "" || pass.FailedOn(m.to, m.key) {
			m.from.Listed.NotPruned = fmt.Sprintf("%s goes to the app %s, which has not taken it over yet", m.key.Name, m.to.App.Name)
			continue
		}
		if _, have := m.from.Record.Rows[m.key]; have {
			delete(m.from.Record.Rows, m.key)
			left[m.from] = true
		}
	}
	var errs []error
	for _, p := range slices.SortedFunc(maps.Keys(left), func(a, b *pass.Pass) int { return slices.Index(rd.passes, a) - slices.Index(rd.passes, b) }) {
		if !p.Listed.LeftList || len(p.Record.Rows) > 0 {
			errs = append(errs, rd.Records.Save(ctx, p.Record))
		}
	}
	return errors.Join(errs...)
}
