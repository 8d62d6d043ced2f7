package pass

import (
	"maps"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/build"
)

// HasWork reports whether something is planned for the app and not applied yet.
func HasWork(p *Pass) bool {
	l := p.Listed
	return p.Failure == nil && !l.NotSelected && (l.State == WaitsForKinds || l.State == Open && p.Plan != nil)
}

// AllDone reports whether nothing is left to wait for: every object is applied and healthy, and no hook is due.
func AllDone(p *Pass) bool {
	return len(p.Exec.Failed) == 0 && !p.Hooks.AreDue() && len(p.Track.Unhealthy(p.waitsFor(p.keys()))) == 0
}

// IsRemoved reports whether an app that left gitops.yaml has no object left, apart from those that another app takes over.
func IsRemoved(p *Pass) bool {
	if p.Failure != nil || p.Listed.State != Applied {
		return false
	}
	for k := range p.Record.All() {
		if !p.HandsOver[k] && !p.Opts.DryRun {
			return false
		}
	}
	return true
}

// WaitForRender notes that the app waits for its render, which takes longer than its slice.
func WaitForRender(p *Pass) {
	p.Listed.State, p.Listed.Why, p.Failure = WaitsForRender, build.ErrSlow.Error(), nil
}

// FailedOn reports whether the object at k could not be applied, or was not tried.
func FailedOn(p *Pass, k object.Key) bool {
	return p.Exec.Failed[k] || p.Listed.State != Applied && !p.Listed.IsUpToDate()
}

// Claimed returns the objects that Git gives to the app. Before the kinds of an app are known, its namespaces are not either:
// Claimed then returns a key for each namespace that an object may be in.
func Claimed(p *Pass) []object.Key {
	if p.Listed.State == InputsUnchanged {
		return slices.Collect(p.Record.Keys())
	}
	if p.Listed.State != WaitsForKinds {
		return slices.AppendSeq(p.keys(), maps.Keys(p.ignored))
	}
	var keys []object.Key
	for _, o := range p.Env.Renders.Of(p.App.Name).Objects {
		gk := o.GroupVersionKind().GroupKind()
		for _, ns := range []string{"", o.GetNamespace(), p.App.Namespace, "default"} { // its kind decides which
			keys = append(keys, object.Key{Group: gk.Group, Kind: gk.Kind, Namespace: ns, Name: o.GetName()})
		}
	}
	return keys
}
