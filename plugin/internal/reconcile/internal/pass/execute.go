package pass

import (
	"context"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/apply"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/execute"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/hooks"
)

// Steps of a pass that package execute carries out.
func (p writing) ask(ctx context.Context) error              { return p.Execution().Ask(ctx) }
func (p writing) apply(ctx context.Context) error            { return p.Execution().Apply(ctx) }
func (p writing) prune(ctx context.Context) error            { return p.Execution().Prune(ctx) }
func (p writing) guardRecreations(ctx context.Context) error { return p.Execution().GuardPlanned(ctx) }
func (p writing) pruneContainers(ctx context.Context) error {
	return p.Execution().PruneAll(ctx, p.Plan.Containers)
}

// endKinds ends the wait for kinds that the app defines itself, when the rest of the app, and the apps before it, are applied.
func (p writing) endKinds(ctx context.Context) error {
	if !p.Exec.WaitsForKinds() || p.Opts.DryRun {
		return nil
	}
	if err := p.Execution().EndKinds(ctx); err != nil {
		return err
	}
	p.deferred = p.deferred || p.Exec.Postponed > 0
	if err := p.prune(ctx); err != nil {
		return err
	}
	return p.saveApplied(ctx)
}

// Execution returns the execution of the plan, with what the pass knows by now.
func (p *Pass) Execution() *execute.Execution {
	e := p.Exec
	e.Applier, e.Hooks = p.Applier(), p.hookRunner()
	e.Desired = slices.DeleteFunc(slices.Clone(p.Desired), func(o *desired.Object) bool { return p.isGone(o.Key()) })
	e.Plan, e.Ignored, e.Loop, e.Budget = p.Plan, p.ignored, p.Opts.Loop, p.App.Budget
	e.Refusals = &p.Env.refusals
	e.Allowed = func(ctx context.Context) plan.Allowance { return p.Allowed(ctx, p.Tip, p.Commit, p.Bases()...) }
	e.CheckCluster = func(ctx context.Context) error { return p.Planning().checkCluster(ctx, false) }
	e.WarnMissing, e.Applied = p.takeover.WarnMissing, p.writing().installed
	e.MayRecreate = e.GuardUnplanned
	return e
}

// Applier returns what applies and prunes single objects, with what the pass knows by now.
func (p *Pass) Applier() *apply.Applier {
	a := &apply.Applier{Client: p.Cluster, Now: p.Now, Say: p.Teller, Wait: p.Wait, Contested: &p.Env.contested, Set: p.Set, Foreign: p.App.ForeignFields,
		DryRun: p.Opts.DryRun, Record: p.Record, Shared: apply.NewSharedValues(p.Desired, p.Record), Promised: plan.Promised{NewKinds: p.NewKinds, Namespace: p.App.Namespace, Ahead: p.Promised},
		Unchanged: func(ctx context.Context) error { return p.Records.Unchanged(ctx, p.Record) },
		Absent:    p.Live.IsAbsent, Text: p.Reading().textOf, IsCredentials: p.instance().IsCredentials, MadeNamespace: p.writing().madeNamespace}
	if p.Plan != nil {
		a.Promised.Steps = p.Plan.Steps
	}
	return a
}

// hookRunner returns what runs hooks, with what the pass knows by now.
func (p *Pass) hookRunner() *hooks.Runner {
	return &hooks.Runner{Client: p.Cluster, Say: p.Teller, Wait: p.Wait, Record: p.Record, Hooks: &p.Hooks, App: p.App.Name, Set: p.Set, Apps: p.Apps, Commit: p.Commit,
		Listed: !p.Listed.IsOwn(), KeepRemoved: plan.WhyKept(p.App, p.Listed.hasLeft()) != "", Loop: p.Opts.Loop, DryRun: p.Opts.DryRun,
		Save: func(ctx context.Context) error { return p.Records.Save(ctx, p.Record) },
		Explain: func(err error, o *desired.Object) (string, string) {
			return p.Applier().Explain(err, &plan.Step{Object: o})
		}}
}
