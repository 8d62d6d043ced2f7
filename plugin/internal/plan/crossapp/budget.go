package crossapp

import (
	"fmt"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// Budget holds the apps that leave gitops.yaml in one commit to one deletion budget. Each alone may be too small for its own: a
// directory that moved away from under a glob takes many with it. leaving are the deletions of each such app that has some, total
// counts the objects of all apps of the list. It returns nil when they are within the budget.
func Budget(leaving [][]plan.Prune, total int) *plan.Excess {
	var deletions []plan.Prune
	for _, l := range leaving {
		deletions = append(deletions, l...)
	}
	n, budget := len(deletions), app.DefaultBudget
	small := n <= budget.Count && (n <= budget.Free || n*100 <= budget.Percent*total)
	if len(leaving) < 2 || small {
		return nil
	}
	return &plan.Excess{N: n, Deletions: deletions, Advice: "nothing was pruned; to allow it, commit with the trailer",
		What:   fmt.Sprintf("%s of %s that left gitops.yaml together", report.Plural(n, "object"), report.Plural(len(leaving), "app")),
		Reason: fmt.Sprintf("the deletion budget is %d objects and %d %% of %d", budget.Count, budget.Percent, total)}
}
