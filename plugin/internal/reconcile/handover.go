package reconcile

import (
	"maps"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// mayContain tells whether an object could have moved to the app: one that is confined takes nothing over that it may not contain.
func (p *pass) mayContain(row record.Row) bool {
	why, _ := p.app.Allow.Refuses(row.Ref)
	return why == ""
}

// claimed lists what Git says the app holds, as far as that is known.
func (p *pass) claimed() []record.Key {
	if p.listed.untouched {
		return slices.Collect(maps.Keys(p.rec.Rows))
	}
	if !p.listed.late {
		return slices.AppendSeq(p.keys(), maps.Keys(p.ignored))
	}
	var keys []record.Key
	for _, o := range p.env.renders.Of(p.app.Name).Objects {
		gk := o.GroupVersionKind().GroupKind()
		for _, ns := range []string{"", o.GetNamespace(), p.app.Namespace, "default"} { // its kind will tell
			keys = append(keys, record.Key{Group: gk.Group, Kind: gk.Kind, Namespace: ns, Name: o.GetName()})
		}
	}
	return keys
}

// givesAway notes that the app hands an object over to another one.
func (p *pass) givesAway(k record.Key) {
	if p.HandsOver == nil {
		p.HandsOver = map[record.Key]bool{}
	}
	p.HandsOver[k] = true
}

// takesOver notes that another app hands an object over to the app.
func (p *pass) takesOver(k record.Key, h *plan.Handover) {
	if p.TakesOver == nil {
		p.TakesOver = map[record.Key]*plan.Handover{}
	}
	p.TakesOver[k] = h
}

// failedOn tells whether the object at k could not be applied, or the pass did not come to it.
func (p *pass) failedOn(k record.Key) bool {
	return p.exec.Failed[k] || !p.listed.applied && !p.listed.idle
}
