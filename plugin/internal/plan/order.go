package plan

import (
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
)

// pruneByDependencies puts each object that goes in front of what it depends on.
func pruneByDependencies(removals []Prune) {
	byKey := map[object.Key]*Prune{}
	for i := range removals {
		byKey[object.KeyOf(removals[i].Row.Ref)] = &removals[i]
	}
	var deepen func(r *Prune, path int)
	deepen = func(r *Prune, path int) {
		needs, _ := desired.Dependencies(AnnotationsOf(r.Live))
		for _, k := range needs {
			target := byKey[k]
			if target == nil || path > len(removals) { // a cycle: live annotations may say anything
				continue
			}
			deepen(target, path+1)
			if s := target.Stage; s.Compare(r.Stage) >= 0 {
				s.Depth++
				r.Stage = s
			}
		}
	}
	for i := range removals {
		if AnnotationsOf(removals[i].Live)[desired.DependsOn] != "" {
			deepen(&removals[i], 0)
		}
	}
}
