package cluster

import (
	"slices"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Health says how an object, or an app as a whole, is doing.
type Health string

// The health states, worst first.
const (
	Degraded    Health = "Degraded"
	Missing     Health = "Missing"
	Progressing Health = "Progressing"
	Unknown     Health = "Unknown"
	Suspended   Health = "Suspended"
	Healthy     Health = "Healthy"
)

// HealthOf tells how an object is doing, by the rules of kstatus, and why when it is not Healthy. nil is Missing. Other
// than there, a Job is Progressing until it is complete: what follows it may need what it does.
func HealthOf(u *unstructured.Unstructured) (Health, string) {
	if u == nil {
		return Missing, "not in the cluster"
	}
	if u.GetDeletionTimestamp() != nil {
		return Progressing, "terminating"
	}
	if paused, _, _ := unstructured.NestedBool(u.Object, "spec", "paused"); paused && u.GetKind() == "Deployment" {
		return Suspended, "paused"
	}
	if suspended, _, _ := unstructured.NestedBool(u.Object, "spec", "suspend"); suspended {
		return Suspended, "suspended"
	}
	r, err := status.Compute(u)
	if err != nil {
		return Unknown, err.Error()
	}
	switch r.Status {
	case status.CurrentStatus:
		if unfinishedJob(u) {
			return Progressing, r.Message
		}
		return Healthy, ""
	case status.InProgressStatus, status.TerminatingStatus:
		return Progressing, r.Message
	case status.FailedStatus:
		return Degraded, r.Message
	case status.NotFoundStatus:
		return Missing, r.Message
	}
	return Unknown, r.Message
}

func unfinishedJob(u *unstructured.Unstructured) bool {
	if gvk := u.GroupVersionKind(); gvk.Group != "batch" || gvk.Kind != "Job" {
		return false
	}
	conditions, _, _ := unstructured.NestedSlice(u.Object, "status", "conditions")
	return !slices.ContainsFunc(conditions, func(c any) bool {
		m, _ := c.(map[string]any)
		return m["type"] == "Complete" && m["status"] == "True"
	})
}
