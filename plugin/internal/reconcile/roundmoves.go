package reconcile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// move is a row of one app whose object another one holds according to Git.
type move struct {
	from, to *pass
	key      record.Key
}

// handovers finds the objects that Git moved between apps. None of them may be pruned by the app they leave, whatever
// happens to the other one. While it is not known what an app holds, nothing is pruned at all: it may have moved there.
func (rd *round) handovers() {
	holders := map[record.Key]*pass{}
	var unknown []*pass
	for _, p := range rd.passes {
		if (p.failure != nil || p.listed.slow) && !p.listed.retired || p.rec == nil {
			unknown = append(unknown, p)
		}
		for _, k := range p.claimed() {
			holders[k] = p
		}
	}
	for _, giver := range rd.passes {
		if giver.failure != nil || giver.rec == nil {
			continue
		}
		rendered := giver.listed.retired || giver.listed.late || len(giver.desired) > 0
		if !rendered {
			continue // as recorded
		}
		wants := map[record.Key]bool{}
		for _, k := range giver.claimed() {
			wants[k] = true
		}
		for k, row := range giver.rec.Rows {
			if wants[k] {
				continue
			}
			taker := holders[k]
			if taker == nil || taker == giver {
				if i := slices.IndexFunc(unknown, func(p *pass) bool { return p != giver && p.mayContain(row) }); i >= 0 {
					giver.givesAway(k) // perhaps
					giver.listed.keeps = fmt.Sprintf("nothing is pruned while it is not known what the app %s holds", unknown[i].app.Name)
				}
				continue
			}
			rd.moves = append(rd.moves, move{giver, taker, k})
			giver.givesAway(k)
			if u := taker.live.Object(k); u != nil && plan.OtherSet(u, giver.id) == "" &&
				(row.UID == u.GetUID() || row.UID == "" && live.AppliedByUs(u)) {
				taker.takesOver(k, &plan.Handover{App: giver.app.Name, Set: giver.id, Row: row})
			}
		}
	}
	slices.SortStableFunc(rd.moves, func(a, b move) int { return slices.Index(rd.passes, a.from) - slices.Index(rd.passes, b.from) })
}

// dropGiven takes the rows of objects that other apps have taken over, and recorded, out of the records of the givers.
func (rd *round) dropGiven(ctx context.Context) error {
	left := map[*pass]bool{}
	for _, m := range rd.moves {
		if row := m.to.rec.Rows[m.key]; row.UID == "" || m.to.failedOn(m.key) {
			m.from.listed.keeps = fmt.Sprintf("%s goes to the app %s, which has not taken it over yet", m.key.Name, m.to.app.Name)
			continue
		}
		if _, have := m.from.rec.Rows[m.key]; have {
			delete(m.from.rec.Rows, m.key)
			left[m.from] = true
		}
	}
	var errs []error
	for _, p := range slices.SortedFunc(maps.Keys(left), func(a, b *pass) int { return slices.Index(rd.passes, a) - slices.Index(rd.passes, b) }) {
		if !p.listed.retired || len(p.rec.Rows) > 0 {
			errs = append(errs, rd.Records.Save(ctx, p.rec))
		}
	}
	return errors.Join(errs...)
}
