package execute

import (
	"context"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/apply"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/wait"
)

// Ask finds out, before the first write of the app, which changes the API server refuses and which objects are to be
// recreated. When it refuses a change, nothing of the commit is written, and only drift is reverted: half a commit may be
// worse than none. The error then names the first refused object. Ask also fails when recreations exceed the deletion
// budget.
//
// It sends one dry run for each object that exists and changes. It does not ask about objects that are created. It does not
// ask about a change that comes alone either: the write gives the same answer. In a dry run it does nothing.
func (e *Execution) Ask(ctx context.Context) error {
	if e.DryRun {
		return nil
	}
	var anew []*plan.Step
	for _, s := range e.Plan.Steps {
		if apply.IsReplaced(s) {
			s.Recreate = apply.AsAsked
		}
	}
	refused := e.askAbout(ctx, e.toAsk())
	if ctx.Err() != nil {
		return wait.ErrInterrupted
	}
	for _, s := range e.Plan.Steps {
		if s.Recreate != "" {
			anew = append(anew, s)
		}
	}
	if err := e.guardRecreations(ctx, anew); err != nil || len(refused) == 0 {
		return err
	}
	return e.refuse(ctx, refused)
}

// toAsk lists the steps to send a dry run for.
func (e *Execution) toAsk() []*plan.Step {
	alone := len(e.Plan.Steps)+len(e.Plan.Prunes) == 1
	hooked := e.Hooks.Hooks.AreDue() && len(desired.HooksOf(e.Hooks.Hooks.List, desired.PreSync, e.Record.Due)) > 0 // they may change the answer of the server
	var out []*plan.Step
	for _, s := range e.Plan.Steps {
		changes := s.Changed && s.Live != nil && s.State != live.Terminating && !s.Policy.CreateOnly
		if changes && (s.Policy.Recreate || !alone && !hooked) {
			out = append(out, s)
		}
	}
	return out
}

// askAbout sends the dry runs. Steps that the last run of this process found refused come first, and while one of them still
// is, the others are not asked: a commit that cannot be applied is tried again and again.
func (e *Execution) askAbout(ctx context.Context, steps []*plan.Step) []apply.Refused {
	before := e.Refusals.before(e.Say.Report.Name)
	first := slices.DeleteFunc(slices.Clone(steps), func(s *plan.Step) bool { return !slices.Contains(before, s.Key()) })
	rest := slices.DeleteFunc(slices.Clone(steps), func(s *plan.Step) bool { return slices.Contains(before, s.Key()) })
	refused := e.Applier.Ask(ctx, first)
	if len(refused) == 0 {
		refused = e.Applier.Ask(ctx, rest)
	}
	var keys []object.Key
	for _, r := range refused {
		keys = append(keys, r.Key())
	}
	e.Refusals.keep(e.Say.Report.Name, keys)
	return refused
}

// refuse ends the run of an app when the API server refuses changes of it. Drift is still reverted.
func (e *Execution) refuse(ctx context.Context, refused []apply.Refused) error {
	steps := slices.DeleteFunc(slices.Clone(e.Plan.Steps), func(s *plan.Step) bool { return s.Changed })
	for _, r := range refused {
		e.record(r.Step, apply.Outcome{Err: r.Err})
	}
	err := e.Say.FirstFailure("nothing of this commit was written for the app: it is applied when the API server accepts all of it")
	if len(steps) == 0 {
		return err
	}
	if guard := e.CheckCluster(ctx); guard != nil {
		return guard
	}
	failed := e.Failed
	e.Failed = map[object.Key]bool{} // a refused change blocks no revert
	for len(steps) > 0 {
		n := 1
		for n < len(steps) && steps[n].Stage == steps[0].Stage {
			n++
		}
		if e.applyStage(ctx, steps[:n]); ctx.Err() != nil {
			break
		}
		steps = steps[n:]
	}
	for k := range failed {
		e.Failed[k] = true
	}
	return err
}

// before returns what the last run of this process found refused of an app.
func (r *Refusals) before(app string) []object.Key {
	keys, _ := r.keys.Load(app)
	list, _ := keys.([]object.Key)
	return list
}

func (r *Refusals) keep(app string, keys []object.Key) { r.keys.Store(app, keys) }
