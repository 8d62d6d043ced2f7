package health

import (
	"cmp"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// PodTrouble tells what keeps a container of a Pod from running, or the Pod from being scheduled; "" when neither is the case.
func PodTrouble(pod *unstructured.Unstructured) string {
	for _, field := range []string{"initContainerStatuses", "containerStatuses"} {
		list, _, _ := unstructured.NestedSlice(pod.Object, "status", field)
		for _, item := range list {
			c, _ := item.(map[string]any)
			reason, _, _ := unstructured.NestedString(c, "state", "waiting", "reason")
			if reason != "" && reason != "PodInitializing" && reason != "ContainerCreating" {
				return fmt.Sprintf("pod %s, container %s: %s", pod.GetName(), textOf(c, "name"), reason)
			}
		}
	}
	if c := conditionsOf(pod)["PodScheduled"]; c.Status == "False" {
		return fmt.Sprintf("pod %s is not scheduled: %s", pod.GetName(), c.Message)
	}
	return ""
}

// Ended tells whether a hook has done its work, and how it failed. A Job or a Pod has to come to its end; anything else has
// done its work when it is healthy by the rules of the app.
func (r *Rules) Ended(u *unstructured.Unstructured) (done bool, failure string) {
	gvk := u.GroupVersionKind()
	switch {
	case gvk.Group == "batch" && gvk.Kind == "Job":
		if c := conditionsOf(u)["Failed"]; c.Status == "True" {
			return true, cmp.Or(c.Message, "the Job failed")
		}
		return is(u, "Complete"), ""
	case gvk.Group == "" && gvk.Kind == "Pod":
		phase, _, _ := unstructured.NestedString(u.Object, "status", "phase")
		if phase == "Failed" {
			return true, "the Pod failed"
		}
		return phase == "Succeeded", ""
	}
	switch h, message := r.Of(u); h {
	case Healthy, Suspended:
		return true, ""
	case Degraded:
		return true, cmp.Or(message, "it is degraded")
	}
	return false, ""
}
