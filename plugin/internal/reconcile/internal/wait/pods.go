package wait

import (
	"context"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
)

// Pods is the kind Pod, for lists of the pods of a workload or of a hook.
var Pods = cluster.Kind{Version: "v1", Kind: "Pod", Resource: "pods", Namespaced: true}

// podTrouble returns what keeps a container of a workload's pods from running, "" when that is not known. It costs one list,
// and is called only after a wait for health has failed.
func (w *Waiter) podTrouble(ctx context.Context, k object.Key) string {
	u := w.Track.After[k]
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
	items, _, err := w.Client.List(ctx, Pods, k.Namespace, strings.Join(selector, ","))
	if err != nil {
		return ""
	}
	for i := range items {
		if why := health.PodTrouble(&items[i]); why != "" {
			return why
		}
	}
	return ""
}
