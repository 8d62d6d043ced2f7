package execute

import (
	"cmp"
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/concurrent"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/diff"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/apply"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/hooks"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/wait"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// Apply runs the steps of the plan stage by stage, and the steps of one stage in parallel. Failures of objects are kept in
// Failed and do not stop the others. But a step is skipped when its Namespace, its CRD, an object that it depends on or an
// earlier wave failed. Hooks of the phases PreSync and Sync run in between. The error is one that ends the run of the app:
// an interrupt, a failed hook, or a wave that did not get healthy.
func (e *Execution) Apply(ctx context.Context) error {
	steps := e.Plan.Steps
	first, begun := e.needNamespaces(), false
	for len(steps) > 0 {
		if !begun && (!first || steps[0].Stage.Phase > desired.PhaseNamespaces) {
			if err := e.preSync(ctx); err != nil {
				return err
			}
			begun = true
		}
		n := 1
		for n < len(steps) && steps[n].Stage == steps[0].Stage {
			n++
		}
		now := steps[:n]
		steps = steps[n:]
		if err := e.syncHooks(ctx, &now[0].Stage); err != nil {
			return err
		}
		if err := e.ready(ctx, now[0].Stage); err != nil {
			return err
		}
		if e.applyStage(ctx, (kinds{e}).splitServed(now)); ctx.Err() != nil {
			return wait.ErrInterrupted
		}
	}
	if !begun && len(e.Failed) == 0 {
		if err := e.preSync(ctx); err != nil {
			return err
		}
	}
	return e.syncHooks(ctx, nil)
}

// applyStage applies the steps of one stage in parallel, and records the result of each while later ones are under way.
func (e *Execution) applyStage(ctx context.Context, steps []*plan.Step) {
	why := make([]string, len(steps))
	for i, s := range steps {
		why[i] = e.blocked(s) // before failures of this stage are noted
	}
	outcomes, a := make([]apply.Outcome, len(steps)), e.Applier
	concurrent.InOrder(ctx, len(steps), apply.AtOnce, apply.UnrecordedAtOnce, func(i int) {
		if why[i] == "" {
			outcomes[i] = a.Apply(ctx, steps[i])
		} else {
			outcomes[i] = apply.Outcome{Skipped: why[i]}
		}
	}, func(i int) {
		e.record(steps[i], outcomes[i])
		outcomes[i] = apply.Outcome{} // whole objects
	})
}

// ready waits until a stage can start: the CRDs of earlier stages are served, and the objects of earlier waves are healthy,
// whether this run applied them or an earlier one. A CRD that takes long delays only the objects that need it.
func (e *Execution) ready(ctx context.Context, next desired.Stage) error {
	if e.DryRun || next.Phase <= desired.PhaseCRDs {
		return nil
	}
	var crds []*desired.Object
	var earlier []object.Key
	for _, o := range e.Desired {
		switch s := o.Stage(); {
		case e.Failed[o.Key()]:
			e.failedWaves = e.failedWaves || s.Phase == desired.PhaseWaves && (next.Phase > desired.PhaseWaves || s.Wave < next.Wave)
		case e.Wait.Track.AssumedHealthy[o.Key()]: // it was healthy, and did not change
		case s.Phase == desired.PhaseCRDs:
			crds = append(crds, o)
		case s.Phase == desired.PhaseWaves && next.Phase == desired.PhaseWaves && s.Wave < next.Wave:
			earlier = append(earlier, o.Key())
		}
	}
	if err := (kinds{e}).findServed(ctx, crds); err != nil {
		return err
	}
	earlier = append(earlier, kinds{e}.needed(next)...)
	if slices.ContainsFunc(e.waitingForKind, func(s *plan.Step) bool { return slices.Contains(earlier, s.Key()) }) {
		if err := (kinds{e}).awaitKinds(ctx); err != nil {
			return err
		}
		e.failedWaves = e.failedWaves || next.Phase >= desired.PhaseWaves && slices.ContainsFunc(earlier, func(k object.Key) bool { return e.Failed[k] })
	}
	if e.failedWaves {
		return nil
	}
	return e.Wait.Healthy(ctx, earlier, nil)
}

// blocked returns why a step is skipped, "" when it is not.
func (e *Execution) blocked(s *plan.Step) string {
	if e.failedWaves && s.Stage.Phase >= desired.PhaseWaves {
		return "an earlier wave failed"
	}
	for _, k := range s.Needs {
		if e.Failed[k] {
			return desired.KeyText(k) + ", which it depends on, failed"
		}
	}
	for f := range e.Failed {
		if s.Namespace != "" && f.Kind == "Namespace" && f.Group == "" && f.Name == s.Namespace {
			return "its Namespace failed"
		}
		if f.Kind == "CustomResourceDefinition" && f.Name == s.Resource+"."+s.Group {
			return "its CustomResourceDefinition failed"
		}
	}
	return ""
}

// record turns the outcome of a step into a row of the record and a change of the report. In a dry run it notes an effect
// instead of the row.
func (e *Execution) record(s *plan.Step, o apply.Outcome) {
	c := report.Change{Object: s.ID(), Short: e.Say.Short(s.Ref), Origin: s.Origin.String()}
	switch {
	case o.Skipped != "":
		c.Action, c.Note = report.Skipped, o.Skipped
		e.Failed[s.Key()] = true
	case o.Err != nil:
		c.Action = report.Failed
		c.Error, c.Hint = e.Applier.Explain(o.Err, cmp.Or(o.Sent, s))
		e.Failed[s.Key()] = true
	case o.Left:
		e.leave(s, o)
		c.Action = report.Unchanged
	default:
		e.Wait.Track.After[s.Key()] = o.After
		if o.Created {
			e.Applied(s.Key())
		}
		if o.Anew != "" {
			e.recreated = append(e.recreated, s)
		}
		row := e.Applier.Result(&c, s, o)
		if !e.DryRun {
			e.Record.Applied(row)
			e.NoteForeign(row, o.After)
		}
		for _, former := range o.Former {
			e.WarnMissing(former)
		}
		if c.Action == report.Reverted && !e.DryRun {
			e.Contested.Reverted(e.Now(), s, o.Before, c.Fields)
		}
		if e.DryRun {
			e.Say.Effects = append(e.Say.Effects, apply.EffectOf(s, o, c))
		} else {
			e.Wait.Track.Slim(s.Key())
		}
	}
	e.Say.Change(c)
}

// Prune deletes the objects that the record proves to be ours and that Git no longer names, in the reverse order of the
// stages. A row leaves the record only when its object is known to be gone, or not to be ours. Failures of objects are kept
// in Failed. Nothing is pruned when an object failed before: that object may be the replacement.
func (e *Execution) Prune(ctx context.Context) error { return e.PruneAll(ctx, e.Plan.Prunes) }

// PruneAll is Prune for the given prunes, which must be sorted by stage.
func (e *Execution) PruneAll(ctx context.Context, rest []plan.Prune) error {
	if len(e.Failed) > 0 || len(e.waitingForKind) > 0 {
		return nil
	}
	for len(rest) > 0 {
		n := 1
		for n < len(rest) && rest[n].Stage == rest[0].Stage {
			n++
		}
		now := rest[:n]
		rest = rest[n:]
		changes := make([]*report.Change, n)
		done := make([]bool, n)
		pruned, a := make([]*unstructured.Unstructured, n), e.Applier
		concurrent.Each(ctx, n, apply.AtOnce, func(i int) { changes[i], pruned[i], done[i] = a.Prune(ctx, now[i]) })
		for i, r := range now {
			if done[i] && !e.DryRun {
				e.Record.Pruned(object.KeyOf(r.Row.Ref))
			}
			if c := changes[i]; c != nil {
				if c.Action == report.Failed {
					e.Failed[object.KeyOf(r.Row.Ref)] = true
				}
				if c.Action == report.Pruned {
					before := pruned[i]
					if r.Row.Hides {
						before = diff.HideBefore(before, nil)
					}
					e.Say.Effects = append(e.Say.Effects, report.Effect{Ref: r.Row.Ref, Before: before})
				}
				e.Say.Change(*c)
			}
		}
		if ctx.Err() != nil {
			return wait.ErrInterrupted
		}
	}
	return nil
}

// preSync runs the PreSync hooks.
func (e *Execution) preSync(ctx context.Context) error {
	return e.Hooks.Run(ctx, desired.PreSync, hooks.All)
}

// needNamespaces reports whether a PreSync hook lives in a Namespace that this commit creates.
func (e *Execution) needNamespaces() bool {
	if !e.Hooks.Hooks.AreDue() {
		return false
	}
	return slices.ContainsFunc(desired.HooksOf(e.Hooks.Hooks.List, desired.PreSync, e.Record.Due), func(h *desired.Object) bool {
		return slices.ContainsFunc(e.Plan.Steps, func(s *plan.Step) bool {
			return s.Ref.Kind.Kind == "Namespace" && s.Group == "" && s.Name == h.Namespace
		})
	})
}

// syncHooks runs the Sync hooks of waves below next, all of them when next is nil. It runs none after a failure.
func (e *Execution) syncHooks(ctx context.Context, next *desired.Stage) error {
	if len(e.Failed) > 0 || next != nil && next.Phase < desired.PhaseWaves {
		return nil
	}
	return e.Hooks.Run(ctx, desired.Sync, func(h *desired.HookSettings) bool {
		return next == nil || next.Phase > desired.PhaseWaves || h.Weight < next.Wave
	})
}

// leave records a create-only object that existed already: as ours if it has our label, since an interrupted run created it
// then, and otherwise not at all.
func (e *Execution) leave(s *plan.Step, o apply.Outcome) {
	e.Wait.Track.After[s.Key()] = o.After
	if e.DryRun {
		return
	}
	if o.After.GetLabels()[record.LabelPartOf] != e.Set {
		e.Record.LeftAlone(s.Key())
		return
	}
	e.Record.Applied(record.Row{Ref: s.Ref, UID: o.After.GetUID(), ResourceVersion: o.After.GetResourceVersion(),
		Generation: o.After.GetGeneration(), Manifest: s.Hash, CreateOnly: true})
}
