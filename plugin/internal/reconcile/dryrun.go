package reconcile

import (
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/pass"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// promise tells p, in a dry run, which kinds and Namespaces the apps before it in the run would create. The order of the run
// counts, not dependsOn, as in a real run.
func (r deciding) promise(p *pass.Pass) {
	for _, other := range r.passes {
		if other.Listed.State != pass.Applied {
			continue
		}
		for _, e := range other.Effects {
			if e.Ref.Kind.Kind == "Namespace" && e.Before == nil {
				p.PromisedNamespaces = append(p.PromisedNamespaces, e.Ref.Name)
			}
		}
		for _, s := range other.Plan.Steps {
			if record.IsContainer(s.Ref.Kind) && !other.Exec.Failed[s.Key()] {
				p.Promised = append(p.Promised, plan.Promise{Object: s.Object, App: other.App.Name})
			}
		}
	}
}

// promiseRemovals says in the report of a dry run that the records of apps that left gitops.yaml would be deleted.
func (r concluding) promiseRemovals() {
	for _, p := range r.passes {
		keepsRow := slices.ContainsFunc(r.moves, func(m move) bool { return m.from == p && pass.FailedOn(m.to, m.key) })
		if l := p.Listed; l.LeftList && l.State == pass.Applied && l.NotPruned == "" && p.Failure == nil && !keepsRow {
			p.Report.Message, p.Report.Health = plan.Left(p.App, false), health.Unknown
		}
	}
}
