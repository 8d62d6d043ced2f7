package reconcile

import (
	"context"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
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

// expiredHealth is the health of a recorded object that is not in the cluster, if that is as it should be.
func expiredHealth(row record.Row, u *unstructured.Unstructured) (health.State, string, bool) {
	if u != nil || !row.Expires || row.Manifest == "" {
		return "", "", false
	}
	return health.Healthy, "has run, and was removed by its time to live", true
}
