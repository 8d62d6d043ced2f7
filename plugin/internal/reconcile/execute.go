package reconcile

import (
	"context"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/apply"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/execute"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/hooks"
)

// Parts of a pass that the execution does.
func (p writing) ask(ctx context.Context) error           { return p.execution().Ask(ctx) }
func (p writing) apply(ctx context.Context) error         { return p.execution().Apply(ctx) }
func (p writing) prune(ctx context.Context) error         { return p.execution().Prune(ctx) }
func (p writing) guardForeseen(ctx context.Context) error { return p.execution().GuardForeseen(ctx) }
func (p writing) pruneContainers(ctx context.Context) error {
	return p.execution().PruneAll(ctx, p.plan.Containers)
}

// lateKinds ends the waiting for kinds when all else of the app, and of the apps before it, is applied.
func (p writing) lateKinds(ctx context.Context) error {
	if !p.exec.WaitsForKinds() || p.opts.DryRun {
		return nil
	}
	if err := p.execution().EndKinds(ctx); err != nil {
		return err
	}
	p.deferred = p.deferred || p.exec.Postponed > 0
	if err := p.prune(ctx); err != nil {
		return err
	}
	return p.saveApplied(ctx)
}

// execution carries out the plan with what the pass knows by now.
func (p *pass) execution() *execute.Execution {
	e := p.exec
	e.Applier, e.Hooks = p.applier(), p.hookRunner()
	e.Plan, e.Desired, e.Ignored, e.Loop, e.Budget = p.plan, p.desired, p.ignored, p.opts.Loop, p.app.Budget
	e.Refusals = &p.env.refusals
	e.Allowed = func(ctx context.Context) plan.Allowance { return p.allowed(ctx, p.tip, p.commit, p.bases()...) }
	e.CheckCluster = func(ctx context.Context) error { return p.checkCluster(ctx, false) }
	e.WarnMissing, e.Applied = p.takeover.WarnMissing, p.installed
	e.MayRecreate = e.GuardUnforeseen
	return e
}

// applier applies and prunes with what the pass knows by now.
func (p *pass) applier() *apply.Applier {
	a := &apply.Applier{Client: p.Cluster, Now: p.Now, Say: p.Teller, Wait: p.wait, Contested: &p.env.contested, Set: p.id, Foreign: p.app.ForeignFields,
		DryRun: p.opts.DryRun, Record: p.rec, Promised: plan.Promised{NewKinds: p.newKinds, Namespace: p.app.Namespace, Ahead: p.foreseen},
		Unchanged: func(ctx context.Context) error { return p.Records.Unchanged(ctx, p.rec) },
		Absent:    p.live.IsAbsent, Text: p.textOf, IsCredentials: p.isCredentials, MadeNamespace: p.madeNamespace}
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
