package reconcile

import (
	"context"
	"fmt"
	"sync"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// guardUnforeseen holds a recreation to the deletion budget that was not foreseen when the budget was looked at: the server
// refuses a revert, or has changed its mind since.
func (p *pass) guardUnforeseen(ctx context.Context, s *plan.Step) error {
	if p.opts.DryRun {
		return nil // guardForeseen counts it
	}
	p.unforeseen.mu.Lock()
	defer p.unforeseen.mu.Unlock()
	var anew []*plan.Step
	for _, other := range p.plan.Steps {
		if other.Recreate != "" && other.Key() != s.Key() {
			anew = append(anew, other)
		}
	}
	all := append(append(anew, p.unforeseen.steps...), s)
	err := p.guardRecreations(ctx, all)
	if err == nil {
		p.unforeseen.steps = append(p.unforeseen.steps, s)
	}
	return err
}

// recreations are steps that a pass recreates without having foreseen it.
type recreations struct {
	mu    sync.Mutex
	steps []*plan.Step
}

// guardForeseen lets a dry run end as the run would that recreates too much.
func (p *pass) guardForeseen(ctx context.Context) error {
	if !p.opts.DryRun {
		return nil
	}
	return p.guardRecreations(ctx, p.recreated)
}

// guardRecreations refuses to recreate more objects than the deletion budget allows, with those that are pruned.
func (p *pass) guardRecreations(ctx context.Context, anew []*plan.Step) error {
	if len(anew) == 0 || p.hooks.RemovalGoesOn() {
		return nil
	}
	doomed, spared := p.plan.Deletions()
	n, total, budget := len(doomed)+len(anew), len(p.rec.Rows)-spared, p.app.Budget
	r := &plan.Excess{N: n, Verb: "delete and recreate", What: report.Plural(len(anew), "object"), Advice: "nothing was written; if it is meant, commit with the trailer"}
	switch {
	case n > budget.Count:
		r.Reason = fmt.Sprintf("the deletion budget is %d objects", budget.Count)
	case n > budget.Free && n*100 > budget.Percent*total:
		r.Reason = fmt.Sprintf("the deletion budget is %d %% of %d objects", budget.Percent, total)
	default:
		return nil
	}
	a := p.allowed(ctx, p.tip, p.commit, p.bases()...)
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
