package execute

import (
	"context"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/apply"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/wait"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// Ask finds out, before the first write of the app, which changes of its objects the server refuses, and which objects are
// to be recreated. When a change is refused nothing of the commit is written: half of it may be worse than none. Drift is
// reverted all the same.
//
// It asks by dry runs, one for each object that exists and changes. What is created is not asked about: without it nothing
// is half switched. Neither is a change that comes alone: its write is the question.
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

// toAsk lists the steps that a dry run is worth.
func (e *Execution) toAsk() []*plan.Step {
	alone := len(e.Plan.Steps)+len(e.Plan.Prunes) == 1
	hooked := e.Hooks.Hooks.AreDue() && len(desired.HooksOf(e.Hooks.Hooks.List, desired.PreSync, e.Record.Due)) > 0 // they may change what the server says
	var out []*plan.Step
	for _, s := range e.Plan.Steps {
		changes := s.Changed && s.Live != nil && s.State != live.Terminating && !s.Policy.CreateOnly
		if changes && (s.Policy.Recreate || !alone && !hooked) {
			out = append(out, s)
		}
	}
	return out
}

// askAbout makes the dry runs. Those that were refused by a pass of this process before come first, and settle it alone
// while they still are: a commit that cannot be applied is tried again and again.
func (e *Execution) askAbout(ctx context.Context, steps []*plan.Step) []apply.Refused {
	before := e.Refusals.before(e.Say.Report.Name)
	first := slices.DeleteFunc(slices.Clone(steps), func(s *plan.Step) bool { return !slices.Contains(before, s.Key()) })
	rest := slices.DeleteFunc(slices.Clone(steps), func(s *plan.Step) bool { return slices.Contains(before, s.Key()) })
	refused := e.Applier.Ask(ctx, first)
	if len(refused) == 0 {
		refused = e.Applier.Ask(ctx, rest)
	}
	var keys []record.Key
	for _, r := range refused {
		keys = append(keys, r.Key())
	}
	e.Refusals.keep(e.Say.Report.Name, keys)
	return refused
}

// refuse ends a pass some of whose changes the server refuses. What drifted is reverted.
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
	e.Failed = map[record.Key]bool{} // what is refused holds up no revert
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

// before returns what was refused of an app by the last pass of this process.
func (m *Refusals) before(app string) []record.Key {
	keys, _ := m.keys.Load(app)
	list, _ := keys.([]record.Key)
	return list
}

func (m *Refusals) keep(app string, keys []record.Key) { m.keys.Store(app, keys) }
