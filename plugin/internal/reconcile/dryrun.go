package reconcile

import (
	"context"
	"fmt"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// host is a Namespace or CustomResourceDefinition that an app before this one would apply. A dry run leaves the server
// without it, and a real run finds it there.
type host struct {
	*desired.Object
	app string
}

// foresee notes on p what the apps that a run comes to before it would apply, and what objects of p may need. It goes by
// the order of the run, not by dependsOn: that is what decides in a real run, too.
func (rd *round) foresee(p *pass) {
	for _, other := range rd.passes {
		if !other.listed.applied {
			continue
		}
		for _, e := range other.Effects {
			if e.Ref.Kind.Kind == "Namespace" && e.Before == nil {
				p.foreseenNamespaces = append(p.foreseenNamespaces, e.Ref.Name)
			}
		}
		for _, s := range other.plan.Steps {
			if record.HoldsOthers(s.Ref.Kind) && !other.failed[s.Key()] {
				p.foreseen = append(p.foreseen, host{s.Object, other.app.Name})
			}
		}
	}
}

// learnForeseen makes the kinds known that the apps before this one would define.
func (p *pass) learnForeseen(ctx context.Context) {
	for _, h := range p.foreseen {
		defined, _ := desired.DefinedKinds(Allow{}, []manifest.Object{{Unstructured: h.Manifest}}) // it is a step of its app, so it was allowed
		p.Cluster.Foresee(ctx, defined)
	}
}

// willExist tells whether an object that the server cannot dry-run yet lies in a Namespace, or is of a kind, that this
// very plan creates, or that an app before this one does.
func (p *pass) willExist(s *plan.Step) bool {
	if p.newKinds[s.Ref.Kind] || s.Namespace == p.app.Namespace {
		return true
	}
	return slices.ContainsFunc(p.foreseen, func(h host) bool { return hosts(h.Ref, s.Ref) }) ||
		slices.ContainsFunc(p.plan.Steps, func(o *plan.Step) bool {
			return o.Ref.Kind.Kind == "Namespace" && o.Group == "" && o.Name == s.Namespace
		})
}

// definedAhead says which app before this one would define a kind that the server does not know, "" when none does.
func (p *pass) definedAhead(k cluster.Kind) string {
	for _, h := range p.foreseen {
		if h.Ref.Kind.Kind != "Namespace" && hosts(h.Ref, cluster.Ref{Kind: k}) {
			return fmt.Sprintf("the app %s of this commit defines its kind", h.app)
		}
	}
	return ""
}

// effectNote is what a difference between two states of an object does not show.
func effectNote(s *plan.Step, o outcome, c report.Change) string {
	switch {
	case o.anew != "":
		return "deleted and recreated, " + o.anew
	case s.From != nil:
		return plan.HandedOver(s.From)
	case o.ahead != "":
		return o.ahead
	case !o.created && c.Action != report.Unchanged:
		return c.Note // it is taken over, or its label is put back: the difference leaves out our label
	}
	return ""
}

// foreseeLeaving says of apps that left gitops.yaml, and would hold nothing any more, what becomes of their records.
func (rd *round) foreseeLeaving() {
	for _, p := range rd.passes {
		stays := slices.ContainsFunc(rd.moves, func(m move) bool { return m.from == p && m.to.failedOn(m.key) })
		if l := p.listed; l.retired && l.applied && l.keeps == "" && p.failure == nil && !stays {
			p.Report.Message, p.Report.Health = "left gitops.yaml: its record would be deleted", health.Unknown
		}
	}
}
