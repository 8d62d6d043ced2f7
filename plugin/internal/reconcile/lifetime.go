package reconcile

import (
	"context"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// expires tells whether an object is removed some time after it has done its work: a Job with a time to live.
func expires(u *unstructured.Unstructured) bool {
	if u == nil || u.GetKind() != "Job" || u.GroupVersionKind().Group != "batch" {
		return false
	}
	_, found, _ := unstructured.NestedFieldNoCopy(u.Object, "spec", "ttlSecondsAfterFinished")
	return found
}

// noteExpired takes a Job that is gone after it was seen for one that has done its work.
func (p *pass) noteExpired(ctx context.Context, k record.Key) {
	if ctx.Err() != nil || !p.rec.Rows[k].Expires {
		return
	}
	delete(p.after, k)
	p.trusted[k] = true
}
