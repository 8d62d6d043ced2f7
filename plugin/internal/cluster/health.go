package cluster

import (
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

// HealthOf tells how an object is doing, by the rules of kstatus, and why when it is not Healthy. nil is Missing.
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
