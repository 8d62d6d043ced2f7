package health

import (
	"cmp"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// PodTrouble returns what keeps a container of a Pod from running, or the Pod from being scheduled; "" for neither.
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

// Ended reports whether a hook has ended, and its failure, "" for success. A Job or a Pod must come to its end; any other
// object has ended when it is healthy by the rules of the app.
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
