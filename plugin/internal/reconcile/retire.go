package reconcile

import (
	"context"
	"fmt"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/pass"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// guardRemovals holds the apps that left gitops.yaml in one commit to one deletion budget. Each alone may be too small for
// its own: a directory that moved away from under a glob takes many with it.
func (rd deciding) guardRemovals(ctx context.Context) {
	var leaving []*pass.Pass
	var doomed []plan.Prune
	for _, p := range rd.passes {
		if !p.Listed.LeftList || p.Listed.NotSelected || p.Failure != nil || p.Plan == nil || p.Hooks.RemovalGoesOn() {
			continue
		}
		if gone, _ := p.Plan.Deletions(); len(gone) > 0 {
			leaving, doomed = append(leaving, p), append(doomed, gone...)
		}
	}
	total := 0
	for _, rec := range rd.records {
		if rd.finding().lists(rec) {
			total += len(rec.Rows)
		}
	}
	n, budget := len(doomed), DefaultBudget
	small := n <= budget.Count && (n <= budget.Free || n*100 <= budget.Percent*total)
	if len(leaving) < 2 || small {
		return
	}
	var bases []string
	for _, p := range leaving {
		bases = append(bases, p.Bases()...)
	}
	slices.Sort(bases)
	a := rd.env().Allowed(ctx, rd.tip, rd.commit, slices.Compact(bases)...)
	if a.Deletions >= n {
		return
	}
	r := plan.Excess{N: n, Deletions: doomed, Advice: "nothing was pruned; if it is meant, commit with the trailer",
		What:   fmt.Sprintf("%s of %s that left gitops.yaml together", report.Plural(n, "object"), report.Plural(len(leaving), "app")),
		Reason: fmt.Sprintf("the deletion budget is %d objects and %d %% of %d", budget.Count, budget.Percent, total)}
	err := r.Refuse(a)
	for _, p := range leaving {
		p.Failure = err
	}
}
