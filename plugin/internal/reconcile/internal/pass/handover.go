package pass

import (
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// MayContain tells whether an object could have moved to the app: one that is confined takes nothing over that it may not contain.
func (j *Job) MayContain(row record.Row) bool {
	why, _ := j.App.Allow.Refuses(row.Ref)
	return why == ""
}

// HandOver notes that the app hands an object over to another one.
func (k *Known) HandOver(key record.Key) {
	if k.HandsOver == nil {
		k.HandsOver = map[record.Key]bool{}
	}
	k.HandsOver[key] = true
}

// TakeOver notes that another app hands an object over to the app.
func (k *Known) TakeOver(key record.Key, h *plan.Handover) {
	if k.TakesOver == nil {
		k.TakesOver = map[record.Key]*plan.Handover{}
	}
	k.TakesOver[key] = h
}
