package reconcile

import (
	"context"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan/crossapp"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/pass"
)

// guardRemovals holds the apps that left gitops.yaml in one commit to one deletion budget. Each alone may be too small for
// its own: a directory that moved away from under a glob takes many with it.
func (r deciding) guardRemovals(ctx context.Context) {
	var leaving []*pass.Pass
	var deletions [][]plan.Prune
	for _, p := range r.passes {
		if !p.Listed.LeftList || p.Listed.NotSelected || p.Failure != nil || p.Plan == nil || p.Hooks.RemovalGoesOn() {
			continue
		}
		if gone, _ := p.Plan.Deletions(); len(gone) > 0 {
			leaving, deletions = append(leaving, p), append(deletions, gone)
		}
	}
	total := 0
	for _, rec := range r.records.Apps {
		if r.finding().lists(rec) {
			total += rec.Len()
		}
	}
	excess := crossapp.Budget(deletions, total)
	if excess == nil {
		return
	}
	var bases []string
	for _, p := range leaving {
		bases = append(bases, p.Bases()...)
	}
	slices.Sort(bases)
	a := r.env().Allowed(ctx, r.tip, r.commit, slices.Compact(bases)...)
	if a.Deletions >= excess.N {
		return
	}
	err := excess.Refuse(a)
	for _, p := range leaving {
		p.Failure = err
	}
}
