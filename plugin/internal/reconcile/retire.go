package reconcile

import (
	"fmt"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// guardRetired holds the apps that left gitops.yaml in one commit to one deletion budget. Each alone may be too small for
// its own: a directory that moved away from under a glob takes many with it.
func (rd *round) guardRetired() {
	var leaving []*pass
	var doomed []removal
	for _, p := range rd.passes {
		if !p.listed.retired || p.listed.aside || p.failure != nil || p.plan == nil || p.goesOn() {
			continue
		}
		if gone, _ := p.plan.doomed(); len(gone) > 0 {
			leaving, doomed = append(leaving, p), append(doomed, gone...)
		}
	}
	total := 0
	for _, rec := range rd.records {
		if rd.lists(rec) {
			total += len(rec.Rows)
		}
	}
	n, budget := len(doomed), DefaultBudget
	small := n <= budget.Count && (n <= budget.Free || n*100 <= budget.Percent*total)
	if len(leaving) < 2 || small || allowedDeletions(rd.message) >= n {
		return
	}
	err := hint.Errorf(fmt.Sprintf("refused to prune %s of %s that left gitops.yaml together: the deletion budget is %d objects and %d %% of %d\n%s",
		plural(n, "object"), plural(len(leaving), "app"), budget.Count, budget.Percent, total, listOf(doomed)),
		"nothing was pruned; if it is meant, commit with the trailer %s: %d", trailerAllow, n)
	for _, p := range leaving {
		p.failure = err
	}
}
