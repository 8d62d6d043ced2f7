package pass

import (
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// MayContain reports whether an object could move to the app: a confined app takes over nothing that it may not contain.
func (j *Job) MayContain(row record.Row) bool {
	why, _ := j.App.Allow.Refuses(row.Ref)
	return why == ""
}

// HandOver notes that the app hands an object over to another app.
func (k *Known) HandOver(key object.Key) {
	if k.HandsOver == nil {
		k.HandsOver = map[object.Key]bool{}
	}
	k.HandsOver[key] = true
}

// TakeOver notes that the app takes an object over from another app.
func (k *Known) TakeOver(key object.Key, h *plan.Handover) {
	if k.TakesOver == nil {
		k.TakesOver = map[object.Key]*plan.Handover{}
	}
	k.TakesOver[key] = h
}
