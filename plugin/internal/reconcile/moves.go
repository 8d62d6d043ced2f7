package reconcile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan/crossapp"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/pass"
)

// others is what is known of each app for those beside it.
func (r deciding) others() []crossapp.App {
	apps := make([]crossapp.App, len(r.passes))
	for i, p := range r.passes {
		apps[i] = crossapp.App{Name: p.App.Name, Set: p.Set, Allow: p.App.Allow, Record: p.Record, Live: p.Live, Desired: p.Desired, Claims: pass.Claimed(p),
			Failed: p.Failure != nil, LeftList: p.Listed.LeftList, Waits: p.Listed.State == pass.WaitsForRender || p.Listed.State == pass.WaitsForSomebody,
			Complete: p.Listed.LeftList || p.Listed.State == pass.WaitsForKinds || len(p.Desired) > 0}
	}
	return apps
}

// handovers tells the apps which objects move between them. None of these may be pruned by the app that it leaves.
func (r deciding) handovers() {
	for _, m := range crossapp.Moves(r.others()) {
		from, to := r.passOf(m.From), r.passOf(m.To)
		from.HandOver(m.Key)
		if to == nil {
			from.Listed.NotPruned = m.Why
			continue
		}
		r.moves = append(r.moves, move{from, to, m.Key})
		if m.Handover != nil {
			to.TakeOver(m.Key, m.Handover)
		}
	}
}

// passOf returns the pass of an app, nil when there is none.
func (r *run) passOf(name string) *pass.Pass {
	if i := slices.IndexFunc(r.passes, func(p *pass.Pass) bool { return p.App.Name == name }); i >= 0 {
		return r.passes[i]
	}
	return nil
}

// dropGiven takes the rows of objects that other apps have taken over, and recorded, out of the records of the givers.
func (r concluding) dropGiven(ctx context.Context) error {
	left := map[*pass.Pass]bool{}
	for _, m := range r.moves {
		if row, _ := m.to.Record.Row(m.key); row.UID == "" || pass.FailedOn(m.to, m.key) {
			m.from.Listed.NotPruned = fmt.Sprintf("%s goes to the app %s, which has not taken it over yet", m.key.Name, m.to.App.Name)
			continue
		}
		if m.from.Record.HandedOver(m.key, m.to.Record.Inventory) {
			left[m.from] = true
		}
	}
	var errs []error
	for _, p := range slices.SortedFunc(maps.Keys(left), func(a, b *pass.Pass) int { return slices.Index(r.passes, a) - slices.Index(r.passes, b) }) {
		if !p.Listed.LeftList || p.Record.Len() > 0 {
			errs = append(errs, r.Records.Save(ctx, p.Record))
		}
	}
	return errors.Join(errs...)
}
