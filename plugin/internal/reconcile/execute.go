package reconcile

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/concurrent"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/apply"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/hooks"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/wait"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// apply runs the steps stage by stage, and inside a stage in parallel. A failed object does not stop the others, but
// what lies in a Namespace or is of a CRD that failed is not tried, and neither is a wave after one that failed.
func (p *pass) apply(ctx context.Context) error {
	steps := p.plan.Steps
	first, begun := p.needNamespaces(), false
	for len(steps) > 0 {
		if !begun && (!first || steps[0].Stage.Phase > desired.PhaseNamespaces) {
			if err := p.preSync(ctx); err != nil {
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
		if err := p.syncHooks(ctx, &now[0].Stage); err != nil {
			return err
		}
		if err := p.ready(ctx, now[0].Stage); err != nil {
			return err
		}
		if p.applyStage(ctx, p.holdBack(now)); ctx.Err() != nil {
			return wait.ErrInterrupted
		}
	}
	if !begun && len(p.failed) == 0 {
		if err := p.preSync(ctx); err != nil {
			return err
		}
	}
	return p.syncHooks(ctx, nil)
}

// applyStage applies the steps of one stage in parallel, and settles each while later ones are under way.
func (p *pass) applyStage(ctx context.Context, steps []*plan.Step) {
	why := make([]string, len(steps))
	for i, s := range steps {
		why[i] = p.blocked(s) // before failures of this very stage are noted
	}
	outcomes, a := make([]apply.Outcome, len(steps)), p.applier()
	concurrent.InOrder(ctx, len(steps), apply.AtOnce, apply.UnrecordedAtOnce, func(i int) {
		if why[i] == "" {
			outcomes[i] = a.Apply(ctx, steps[i])
		} else {
			outcomes[i] = apply.Outcome{Skipped: why[i]}
		}
	}, func(i int) {
		p.settle(steps[i], outcomes[i])
		outcomes[i] = apply.Outcome{} // whole objects
	})
}

// ready waits until a stage can start: the CRDs before it are served, and the objects of earlier waves healthy,
// whether this pass applied them or an earlier one. A CRD that takes long holds up only what needs it.
func (p *pass) ready(ctx context.Context, next desired.Stage) error {
	if p.opts.DryRun || next.Phase <= desired.PhaseCRDs {
		return nil
	}
	var crds []*desired.Object
	var earlier []record.Key
	for _, o := range p.desired {
		switch s := o.Stage(); {
		case p.failed[o.Key()]:
			p.failedWaves = p.failedWaves || s.Phase == desired.PhaseWaves && (next.Phase > desired.PhaseWaves || s.Wave < next.Wave)
		case p.track.AssumedHealthy[o.Key()]: // settled before, and as it was
		case s.Phase == desired.PhaseCRDs:
			crds = append(crds, o)
		case s.Phase == desired.PhaseWaves && next.Phase == desired.PhaseWaves && s.Wave < next.Wave:
			earlier = append(earlier, o.Key())
		}
	}
	if err := p.lookAtKinds(ctx, crds); err != nil {
		return err
	}
	earlier = append(earlier, p.needed(next)...)
	if slices.ContainsFunc(p.unserved, func(s *plan.Step) bool { return slices.Contains(earlier, s.Key()) }) {
		if err := p.awaitKinds(ctx); err != nil {
			return err
		}
		p.failedWaves = p.failedWaves || next.Phase >= desired.PhaseWaves && slices.ContainsFunc(earlier, func(k record.Key) bool { return p.failed[k] })
	}
	if p.failedWaves {
		return nil
	}
	return p.wait.Healthy(ctx, earlier, nil)
}

// blocked tells why a step is not tried: its Namespace, its CRD or an earlier wave failed.
func (p *pass) blocked(s *plan.Step) string {
	if p.failedWaves && s.Stage.Phase >= desired.PhaseWaves {
		return "an earlier wave failed"
	}
	for _, k := range s.Needs {
		if p.failed[k] {
			return desired.KeyText(k) + ", which it depends on, failed"
		}
	}
	for f := range p.failed {
		if s.Namespace != "" && f.Kind == "Namespace" && f.Group == "" && f.Name == s.Namespace {
			return "its Namespace failed"
		}
		if f.Kind == "CustomResourceDefinition" && f.Name == s.Resource+"."+s.Group {
			return "its CustomResourceDefinition failed"
		}
	}
	return ""
}

// settle turns the outcome of a step into a row of the record and a change of the report.
func (p *pass) settle(s *plan.Step, o apply.Outcome) {
	c := report.Change{Object: s.ID(), Short: p.Short(s.Ref), Origin: s.Origin.String()}
	switch {
	case o.Skipped != "":
		c.Action, c.Note = report.Skipped, o.Skipped
		p.failed[s.Key()] = true
	case o.Err != nil:
		c.Action = report.Failed
		c.Error, c.Hint = p.applier().Explain(o.Err, s)
		p.failed[s.Key()] = true
	case o.Left:
		p.leave(s, o)
		c.Action = report.Unchanged
	default:
		p.track.After[s.Key()] = o.After
		if o.Created {
			p.installed(s.Key())
		}
		if o.Anew != "" {
			p.recreated = append(p.recreated, s)
		}
		row := p.applier().Result(&c, s, o)
		if !p.opts.DryRun {
			p.rec.Rows[s.Key()] = row
			p.noteForeign(row, o.After)
		}
		for _, former := range o.Former {
			p.takeover.WarnMissing(former)
		}
		if c.Action == report.Reverted && !p.opts.DryRun {
			p.memory().fights.Reverted(p.Now(), s, o.Before, c.Fields)
		}
		if p.opts.DryRun {
			p.Effects = append(p.Effects, report.Effect{Ref: s.Ref, Origin: s.Origin, Before: o.Before, After: o.After, Note: apply.EffectNote(s, o, c)})
		} else {
			p.track.Slim(s.Key())
		}
	}
	p.Change(c)
}

// prune deletes what the record proves is ours and Git no longer names, in the reverse order of the stages. A row
// leaves the record only when its object is known to be gone, or not ours. Nothing is pruned when something failed:
// that may be what replaces the objects to prune.
func (p *pass) prune(ctx context.Context) error { return p.pruneAll(ctx, p.plan.Prunes) }

func (p *pass) pruneAll(ctx context.Context, rest []plan.Prune) error {
	if len(p.failed) > 0 || len(p.unserved) > 0 {
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
		pruned, a := make([]*unstructured.Unstructured, n), p.applier()
		concurrent.Each(ctx, n, apply.AtOnce, func(i int) { changes[i], pruned[i], done[i] = a.Prune(ctx, now[i]) })
		for i, r := range now {
			if done[i] && !p.opts.DryRun {
				delete(p.rec.Rows, record.KeyOf(r.Row.Ref))
			}
			if c := changes[i]; c != nil {
				if c.Action == report.Failed {
					p.failed[record.KeyOf(r.Row.Ref)] = true
				}
				if c.Action == report.Pruned {
					p.Effects = append(p.Effects, report.Effect{Ref: r.Row.Ref, Before: pruned[i]})
				}
				p.Change(*c)
			}
		}
		if ctx.Err() != nil {
			return wait.ErrInterrupted
		}
	}
	return nil
}

// applier applies and prunes with what the pass knows by now.
func (p *pass) applier() *apply.Applier {
	a := &apply.Applier{Client: p.Cluster, Now: p.Now, Say: p.Teller, Wait: p.wait, Contested: &p.memory().fights, Set: p.id, Foreign: p.app.ForeignFields,
		DryRun: p.opts.DryRun, Record: p.rec, Promised: plan.Promised{NewKinds: p.newKinds, Namespace: p.app.Namespace, Ahead: p.foreseen},
		Unchanged: func(ctx context.Context) error { return p.Records.Unchanged(ctx, p.rec) },
		Absent:    p.live.IsAbsent, Text: p.textOf, MayRecreate: p.guardUnforeseen, IsCredentials: p.isCredentials, MadeNamespace: p.madeNamespace}
	if p.plan != nil {
		a.Promised.Steps = p.plan.Steps
	}
	return a
}

// hookRunner runs hooks with what the pass knows by now.
func (p *pass) hookRunner() *hooks.Runner {
	return &hooks.Runner{Client: p.Cluster, Say: p.Teller, Wait: p.wait, Record: p.rec, Hooks: &p.hooks, App: p.app.Name, Set: p.id, Apps: p.apps, Commit: p.commit,
		Listed: p.listed != nil, KeepRemoved: p.app.KeepRemoved, Loop: p.opts.Loop, DryRun: p.opts.DryRun,
		Save: func(ctx context.Context) error { return p.Records.Save(ctx, p.rec) },
		Explain: func(err error, o *desired.Object) (string, string) {
			return p.applier().Explain(err, &plan.Step{Object: o})
		}}
}
