package install

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// CronJob reads the CronJob of the instance; nil when there is none.
func (i *Instance) CronJob(ctx context.Context) (*unstructured.Unstructured, error) {
	u, err := i.Cluster.Get(ctx, cluster.Ref{Kind: CronJobs, Namespace: i.Namespace, Name: Name})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	return u, err
}

// jobLife is how long a triggered job stays for those who want to read its log.
const jobLife = time.Hour

// Trigger creates a job from the CronJob, for a single pass, and returns it. Like one that `kubectl create job
// --from=cronjob/...` makes it belongs to the CronJob.
func (i *Instance) Trigger(ctx context.Context) (cluster.Ref, error) {
	cron, err := i.CronJob(ctx)
	if err != nil {
		return cluster.Ref{}, err
	}
	if cron == nil {
		return cluster.Ref{}, hint.Errorf(fmt.Sprintf("no CronJob %s in namespace %s", Name, i.Namespace),
			"install it, or name the namespace of another instance with -n")
	}
	ref := cluster.Ref{Kind: Jobs, Namespace: i.Namespace, Name: Name + "-manual-" + strings.ToLower(rand.Text()[:5])}
	body, err := json.Marshal(jobFrom(cron, ref.Name))
	if err != nil {
		return ref, err
	}
	_, err = i.Cluster.Create(ctx, ref, body, Manager)
	return ref, err
}

func jobFrom(cron *unstructured.Unstructured, name string) map[string]any {
	spec, _, _ := unstructured.NestedMap(cron.Object, "spec", "jobTemplate", "spec")
	labels, _, _ := unstructured.NestedStringMap(cron.Object, "spec", "jobTemplate", "metadata", "labels")
	spec["ttlSecondsAfterFinished"] = int64(jobLife / time.Second)
	containers, _, _ := unstructured.NestedSlice(spec, "template", "spec", "containers")
	for _, c := range containers {
		if container, ok := c.(map[string]any); ok {
			args, _, _ := unstructured.NestedStringSlice(container, "args")
			container["args"] = anyOf(once(args))
		}
	}
	_ = unstructured.SetNestedSlice(spec, containers, "template", "spec", "containers") // of values just read
	return map[string]any{"apiVersion": "batch/v1", "kind": "Job", "spec": spec, "metadata": map[string]any{
		"name": name, "namespace": cron.GetNamespace(), "labels": labels,
		"annotations": map[string]string{"cronjob.kubernetes.io/instantiate": "manual"},
		"ownerReferences": []any{map[string]any{"apiVersion": "batch/v1", "kind": "CronJob", "name": cron.GetName(),
			"uid": cron.GetUID(), "controller": true}},
	}}
}

// once takes the loop out of the arguments of reconcile: one pass, and its result.
func once(args []string) []string {
	return slices.DeleteFunc(slices.Clone(args), func(a string) bool {
		return strings.HasPrefix(a, "--interval=") || strings.HasPrefix(a, "--for=")
	})
}

// ErrJobFailed says that the job ran and failed; its log says why.
var ErrJobFailed = errors.New("the job failed")

// Follow copies the log of a job's pod to w while it runs, and returns when the job is finished: with ErrJobFailed when
// it failed. A log that cannot be read is told through warn, and does not matter for the result.
func (i *Instance) Follow(ctx context.Context, job cluster.Ref, w io.Writer, warn func(string)) error {
	logged := false
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		u, err := i.Cluster.Get(ctx, job)
		if err != nil {
			return err
		}
		done, failure := finished(u)
		if !logged {
			if logged, err = i.copyLog(ctx, job, w, done); err != nil {
				logged = true
				warn(fmt.Sprintf("the log cannot be read: %v", err))
			}
			if logged {
				pause = 50 * time.Millisecond
				continue
			}
		}
		if done {
			return failure
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// finished tells whether a job has ended, and how.
func finished(job *unstructured.Unstructured) (bool, error) {
	conditions, _, _ := unstructured.NestedSlice(job.Object, "status", "conditions")
	for _, item := range conditions {
		c, _ := item.(map[string]any)
		message, _ := c["message"].(string)
		switch {
		case c["status"] != "True":
		case c["type"] == "Complete":
			return true, nil
		case c["type"] == "Failed":
			return true, fmt.Errorf("%w: %s", ErrJobFailed, message)
		}
	}
	return false, nil
}

// copyLog copies the whole log once a container of the job's pod has started, and returns when the container ends.
func (i *Instance) copyLog(ctx context.Context, job cluster.Ref, w io.Writer, jobDone bool) (bool, error) {
	found, _, err := i.Cluster.List(ctx, pods, i.Namespace, "batch.kubernetes.io/job-name="+job.Name)
	if err != nil {
		return false, err
	}
	for _, pod := range found {
		phase, _, _ := unstructured.NestedString(pod.Object, "status", "phase")
		if phase == "" || phase == "Pending" {
			continue
		}
		ref := cluster.Ref{Kind: pods, Namespace: i.Namespace, Name: pod.GetName()}
		return true, i.Cluster.Log(ctx, ref, w)
	}
	return jobDone, nil
}
