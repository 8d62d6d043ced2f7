package pass

import (
	"maps"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// MayContain tells whether an object could have moved to the app: one that is confined takes nothing over that it may not contain.
func (p *Pass) MayContain(row record.Row) bool {
	why, _ := p.App.Allow.Refuses(row.Ref)
	return why == ""
}

// Claimed lists what Git says the app holds, as far as that is known.
func (p *Pass) Claimed() []record.Key {
	if p.Listed.InputsUnchanged {
		return slices.Collect(maps.Keys(p.Record.Rows))
	}
	if !p.Listed.WaitsForKinds {
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

// HandOver notes that the app hands an object over to another one.
func (p *Pass) HandOver(k record.Key) {
	if p.HandsOver == nil {
		p.HandsOver = map[record.Key]bool{}
	}
	p.HandsOver[k] = true
}

// TakeOver notes that another app hands an object over to the app.
func (p *Pass) TakeOver(k record.Key, h *plan.Handover) {
	if p.TakesOver == nil {
		p.TakesOver = map[record.Key]*plan.Handover{}
	}
	p.TakesOver[k] = h
}

// FailedOn tells whether the object at k could not be applied, or the pass did not come to it.
func (p *Pass) FailedOn(k record.Key) bool {
	return p.Exec.Failed[k] || !p.Listed.Applied && !p.Listed.UpToDate
}
