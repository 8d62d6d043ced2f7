package execute

import (
	"context"
	"fmt"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// GuardUnplanned checks the deletion budget before an object is recreated although Ask did not plan that: the API server
// refused to revert it, or has changed its mind since. It fails when the budget is exceeded. Several goroutines may call it.
func (e *Execution) GuardUnplanned(ctx context.Context, s *plan.Step) error {
	if e.DryRun {
		return nil // guardForeseen counts it
	}
	e.unplanned.mu.Lock()
	defer e.unplanned.mu.Unlock()
	var anew []*plan.Step
	for _, other := range e.Plan.Steps {
		if other.Recreate != "" && other.Key() != s.Key() {
			anew = append(anew, other)
		}
	}
	all := append(append(anew, e.unplanned.steps...), s)
	err := e.guardRecreations(ctx, all)
	if err == nil {
		e.unplanned.steps = append(e.unplanned.steps, s)
	}
	return err
}

// GuardPlanned makes a dry run fail where the run would recreate more objects than the deletion budget allows.
func (e *Execution) GuardPlanned(ctx context.Context) error {
	if !e.DryRun {
		return nil
	}
	return e.guardRecreations(ctx, e.recreated)
}

// guardRecreations refuses to recreate and prune more objects together than the deletion budget and the commit messages
// allow.
func (e *Execution) guardRecreations(ctx context.Context, anew []*plan.Step) error {
	if len(anew) == 0 || e.Hooks.Hooks.RemovalGoesOn() {
		return nil
	}
	doomed, spared := e.Plan.Deletions()
	n, total, budget := len(doomed)+len(anew), e.Record.Len()-spared, e.Budget
	r := &plan.Excess{N: n, Verb: "delete and recreate", What: report.Plural(len(anew), "object"), Advice: "nothing was written; to allow it, commit with the trailer"}
	switch {
	case n > budget.Count:
		r.Reason = fmt.Sprintf("the deletion budget is %d objects", budget.Count)
	case n > budget.Free && n*100 > budget.Percent*total:
		r.Reason = fmt.Sprintf("the deletion budget is %d %% of %d objects", budget.Percent, total)
	default:
		return nil
	}
	a := e.Allowed(ctx)
	if a.Deletions >= n {
		return nil
	}
	for _, s := range anew {
		var one plan.Prune
		one.Row.Ref = s.Ref
		r.Deletions = append(r.Deletions, one)
	}
	if len(doomed) > 0 {
		r.What += fmt.Sprintf(" and to prune %d", len(doomed))
	}
	return r.Refuse(a)
}
