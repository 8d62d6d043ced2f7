package reconcile

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

var pods = cluster.Kind{Version: "v1", Kind: "Pod", Resource: "pods", Namespaced: true}

// podTrouble tells what keeps a container of a workload's pods from running, "" when that cannot be told. It costs
// one list, and only when a wait for health has failed.
func (p *pass) podTrouble(ctx context.Context, k record.Key) string {
	u := p.after[k]
	if u == nil || (k.Group != "apps" && k.Group != "batch") {
		return ""
	}
	labels, _, _ := unstructured.NestedStringMap(u.Object, "spec", "selector", "matchLabels")
	if len(labels) == 0 {
		return ""
	}
	var selector []string
	for name, value := range labels {
		selector = append(selector, name+"="+value)
	}
	slices.Sort(selector)
	items, _, err := p.Cluster.List(ctx, pods, k.Namespace, strings.Join(selector, ","))
	if err != nil {
		return ""
	}
	for i := range items {
		if why := containerTrouble(&items[i]); why != "" {
			return why
		}
	}
	return ""
}

func containerTrouble(pod *unstructured.Unstructured) string {
	for _, field := range []string{"initContainerStatuses", "containerStatuses"} {
		list, _, _ := unstructured.NestedSlice(pod.Object, "status", field)
		for _, item := range list {
			c, _ := item.(map[string]any)
			name, _ := c["name"].(string)
			reason, _, _ := unstructured.NestedString(c, "state", "waiting", "reason")
			if reason != "" && reason != "PodInitializing" && reason != "ContainerCreating" {
				return fmt.Sprintf("pod %s, container %s: %s", pod.GetName(), name, reason)
			}
		}
	}
	for _, c := range conditions(pod) {
		if c["type"] == "PodScheduled" && c["status"] == "False" {
			message, _ := c["message"].(string)
			return fmt.Sprintf("pod %s is not scheduled: %s", pod.GetName(), message)
		}
	}
	return ""
}
