package pass

import (
	"maps"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/build"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// HasWork tells whether something is planned for the app, and not done yet.
func HasWork(p *Pass) bool {
	l := p.Listed
	return p.Failure == nil && !l.NotSelected && (l.State == WaitsForKinds || l.State == Open && p.Plan != nil)
}

// AllDone tells whether nothing is left to wait for: all is applied and healthy, and no hook is due.
func AllDone(p *Pass) bool {
	return len(p.Exec.Failed) == 0 && !p.Hooks.AreDue() && len(p.Track.Unhealthy(p.keys())) == 0
}

// IsRemoved tells whether nothing is left of an app that left gitops.yaml. What another app takes over is none of its
// objects any more.
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

// WaitForRender lets an app wait for its render.
func WaitForRender(p *Pass) {
	p.Listed.State, p.Listed.Why, p.Failure = WaitsForRender, build.ErrSlow.Error(), nil
}

// FailedOn tells whether the object at k could not be applied, or the pass did not come to it.
func FailedOn(p *Pass, k record.Key) bool {
	return p.Exec.Failed[k] || p.Listed.State != Applied && !p.Listed.IsUpToDate()
}

// Claimed lists what Git says the app holds, as far as that is known.
func Claimed(p *Pass) []record.Key {
	if p.Listed.State == InputsUnchanged {
		return slices.Collect(p.Record.Keys())
	}
	if p.Listed.State != WaitsForKinds {
		return slices.AppendSeq(p.keys(), maps.Keys(p.ignored))
	}
	var keys []record.Key
	for _, o := range p.Env.Renders.Of(p.App.Name).Objects {
		gk := o.GroupVersionKind().GroupKind()
		for _, ns := range []string{"", o.GetNamespace(), p.App.Namespace, "default"} { // its kind will tell
			keys = append(keys, record.Key{Group: gk.Group, Kind: gk.Kind, Namespace: ns, Name: o.GetName()})
		}
	}
	return keys
}
