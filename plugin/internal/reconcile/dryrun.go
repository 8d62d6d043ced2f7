package reconcile

import (
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/pass"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// promise notes on p what the apps that a run comes to before it would apply, and what objects of p may need. It goes by
// the order of the run, not by dependsOn: that is what decides in a real run, too.
func (rd deciding) promise(p *pass.Pass) {
	for _, other := range rd.passes {
		if other.Listed.State != pass.Applied {
			continue
		}
		for _, e := range other.Effects {
			if e.Ref.Kind.Kind == "Namespace" && e.Before == nil {
				p.ForeseenNamespaces = append(p.ForeseenNamespaces, e.Ref.Name)
			}
		}
		for _, s := range other.Plan.Steps {
			if record.HoldsOthers(s.Ref.Kind) && !other.Exec.Failed[s.Key()] {
				p.Foreseen = append(p.Foreseen, plan.Promise{Object: s.Object, App: other.App.Name})
			}
		}
	}
}

// promiseRemovals says of apps that left gitops.yaml, and would hold nothing any more, what becomes of their records.
func (rd concluding) promiseRemovals() {
	for _, p := range rd.passes {
		stays := slices.ContainsFunc(rd.moves, func(m move) bool { return m.from == p && pass.FailedOn(m.to, m.key) })
		if l := p.Listed; l.LeftList && l.State == pass.Applied && l.NotPruned == "" && p.Failure == nil && !stays {
			p.Report.Message, p.Report.Health = "left gitops.yaml: its record would be deleted", health.Unknown
		}
	}
}
