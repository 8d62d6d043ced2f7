package plan

import (
	"fmt"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// Promised is what will be there when an object is applied, although the server does not know it yet: a dry run asks about it.
type Promised struct {
	NewKinds  map[object.Kind]bool // of definitions that the app applies
	Namespace string               // of the app, which the run creates
	Ahead     []Promise            // of apps before this one
	Steps     []*Step              // of the app
}

// Promise is a Namespace or CustomResourceDefinition that an app before this one would apply. A dry run leaves the server
// without it, and a real run finds it there.
type Promise struct {
	*desired.Object
	App string
}

// Has tells whether the plan holds a step of a sort.
func (p Promised) Has(sort func(*Step) bool) bool { return slices.ContainsFunc(p.Steps, sort) }

// WillExist tells whether an object that the server cannot dry-run yet lies in a Namespace, or is of a kind, that this
// very plan creates, or that an app before this one does.
func (p Promised) WillExist(s *Step) bool {
	if p.NewKinds[s.Ref.Kind] || s.Namespace == p.Namespace {
		return true
	}
	return slices.ContainsFunc(p.Ahead, func(h Promise) bool { return record.Contains(h.Ref, s.Ref) }) ||
		p.Has(func(o *Step) bool { return o.Ref.Kind.Kind == "Namespace" && o.Group == "" && o.Name == s.Namespace })
}

// DefinedAhead says which app before this one would define a kind that the server does not know, "" when none does.
func (p Promised) DefinedAhead(k object.Kind) string {
	for _, h := range p.Ahead {
		if h.Ref.Kind.Kind != "Namespace" && record.Contains(h.Ref, object.Ref{Kind: k}) {
			return fmt.Sprintf("the app %s of this commit defines its kind", h.App)
		}
	}
	return ""
}
