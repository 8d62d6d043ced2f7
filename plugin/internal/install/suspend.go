package install

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

const annotationReason = "kubectl-gitops.dev/suspended-because" // on a CronJob that `suspend` has suspended: who suspended it, and why

// Suspend keeps the CronJob from starting jobs or, with nil, lets it, and reports whether that changed anything. Running
// jobs are not touched. install and Git say nothing about this field, so it is never drift.
func (i *Instance) Suspend(ctx context.Context, as *report.Suspension) (changed bool, err error) {
	cron, err := i.CronJob(ctx)
	if err != nil {
		return false, err
	}
	if cron == nil {
		return false, hint.Errorf(fmt.Sprintf("no CronJob %s in namespace %s", Name, i.Namespace), "name the apps to suspend, or another instance with -n")
	}
	suspended, _, _ := unstructured.NestedBool(cron.Object, "spec", "suspend")
	if as == nil && !suspended {
		return false, nil
	}
	ops := []map[string]any{{"op": "add", "path": "/spec/suspend", "value": as != nil}}
	noted := map[string]string{}
	if as != nil {
		raw, err := json.Marshal(as)
		if err != nil {
			return false, err
		}
		noted = map[string]string{annotationReason: as.String(), record.AnnotationSuspended: string(raw)}
	}
	if len(noted) > 0 && cron.GetAnnotations() == nil {
		ops = append(ops, map[string]any{"op": "add", "path": "/metadata/annotations", "value": noted})
		noted = nil
	}
	for _, name := range []string{annotationReason, record.AnnotationSuspended} {
		path := "/metadata/annotations/" + strings.ReplaceAll(name, "/", "~1")
		if value, set := noted[name]; set {
			ops = append(ops, map[string]any{"op": "add", "path": path, "value": value})
		} else if _, is := cron.GetAnnotations()[name]; is && as == nil {
			ops = append(ops, map[string]any{"op": "remove", "path": path})
		}
	}
	patch, err := json.Marshal(ops)
	if err != nil {
		return false, err
	}
	_, err = i.Cluster.PatchJSON(ctx, cluster.Ref{Kind: CronJobs, Namespace: i.Namespace, Name: Name}, patch, Manager)
	return err == nil, err
}
