package plan

import (
	"fmt"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// Promised is what will exist when an object is applied, although the server does not have it yet. A dry run asks about it.
type Promised struct {
	NewKinds  map[object.Kind]bool // of CRDs that the app applies
	Namespace string               // target namespace of the app, which the run creates
	Ahead     []Promise            // what apps before this one create
	Steps     []*Step              // of the plan of the app
}

// Promise is a Namespace or CRD that an app before this one would create. A real run finds it in the cluster, a dry run does
// not.
type Promise struct {
	*desired.Object
	App string // name of that app
}

// Has reports whether sort is true for a step of the plan.
func (p Promised) Has(sort func(*Step) bool) bool { return slices.ContainsFunc(p.Steps, sort) }

// WillExist reports whether the Namespace or the kind of an object that the server cannot dry-run is created by this plan,
// or by an app before this one.
func (p Promised) WillExist(s *Step) bool {
	if p.NewKinds[s.Ref.Kind] || s.Namespace == p.Namespace {
		return true
	}
	return slices.ContainsFunc(p.Ahead, func(h Promise) bool { return record.Contains(h.Ref, s.Ref) }) ||
		p.Has(func(o *Step) bool { return o.Ref.Kind.Kind == "Namespace" && o.Group == "" && o.Name == s.Namespace })
}

// DefinedAhead returns a note that names the app before this one that would define a kind, "" when none does.
func (p Promised) DefinedAhead(k object.Kind) string {
	for _, h := range p.Ahead {
		if h.Ref.Kind.Kind != "Namespace" && record.Contains(h.Ref, object.Ref{Kind: k}) {
			return fmt.Sprintf("the app %s of this commit defines its kind", h.App)
		}
	}
	return ""
}
