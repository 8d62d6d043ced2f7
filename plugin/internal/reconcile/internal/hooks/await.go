package hooks

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/wait"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

func isJob(k cluster.Kind) bool { return k.Group == "batch" && k.Kind == "Job" }

// await waits for the end of a hook, within the budget of the app. A hook that takes longer goes on, and the next run of the
// app waits for it again.
func (r *Runner) await(parent context.Context, o *desired.Object, run *record.HookRun) error {
	ctx, cancel := context.WithDeadline(parent, r.Wait.Started.Add(r.Wait.Timeout))
	defer cancel()
	for pause := wait.FirstPause; ; pause = min(pause*2, wait.LongestPause) {
		live, err := r.Client.Get(ctx, run.Ref)
		switch {
		case apierrors.IsNotFound(err), err == nil && live.GetUID() != run.UID:
			return r.finish(parent, o, run, "it was deleted before it ended")
		case err != nil && ctx.Err() == nil:
			return err
		case err == nil:
			done, failure := r.Wait.Track.Rules.Ended(live)
			if done && failure != "" && r.knowsSecrets(run) {
				failure = r.failureLog(parent, live, failure)
			}
			if done {
				return r.finish(parent, o, run, failure)
			}
			if pause > wait.FirstPause {
				r.tellHookWaiting(run, live)
			}
		}
		if ctx.Err() == nil && wait.Sleep(ctx, pause) == nil {
			continue
		}
		if r.Wait.Run.Err() != nil {
			return wait.ErrInterrupted
		}
		return hint.Errorf(fmt.Sprintf("%s hook %s has not ended", run.Phase, run.Ref),
			"the budget of %s is over (--timeout); the next run goes on waiting", r.Wait.Timeout)
	}
}

// tellHookWaiting emits that the app waits for a hook.
func (r *Runner) tellHookWaiting(run *record.HookRun, live *unstructured.Unstructured) {
	_, message := r.Wait.Track.Rules.Of(live)
	text := fmt.Sprintf("%s: %s hook: %s", r.Say.Short(run.Ref), run.Phase, cmp.Or(message, "running"))
	r.Say.WaitingFor(object.KeyOf(run.Ref), text)
}

// failureLog adds the last words of the newest failed pod of a hook to its failure: the termination message, or else the end
// of the log.
func (r *Runner) failureLog(ctx context.Context, u *unstructured.Unstructured, failure string) string {
	list := []unstructured.Unstructured{*u}
	if u.GetKind() == "Job" {
		var err error
		if list, _, err = r.Client.List(ctx, wait.Pods, u.GetNamespace(), "batch.kubernetes.io/controller-uid="+string(u.GetUID())); err != nil {
			return failure
		}
		slices.SortFunc(list, func(a, b unstructured.Unstructured) int {
			return b.GetCreationTimestamp().Compare(a.GetCreationTimestamp().Time)
		})
	}
	for i := range list {
		if text := r.podLog(ctx, &list[i]); text != "" {
			return failure + "; " + text
		}
	}
	return failure
}

// podLog returns why a pod failed: what keeps it from running, or the exit code and the last words of a container. It
// returns "" when the pod says nothing.
func (r *Runner) podLog(ctx context.Context, pod *unstructured.Unstructured) string {
	if trouble := health.PodTrouble(pod); trouble != "" {
		return trouble
	}
	for _, field := range []string{"initContainerStatuses", "containerStatuses"} {
		statuses, _, _ := unstructured.NestedSlice(pod.Object, "status", field)
		for _, item := range statuses {
			c, _ := item.(map[string]any)
			code, found, _ := unstructured.NestedInt64(c, "state", "terminated", "exitCode")
			if !found || code == 0 {
				continue
			}
			name, _ := c["name"].(string)
			said, _, _ := unstructured.NestedString(c, "state", "terminated", "message")
			if said == "" {
				said, _ = r.Client.LastLog(ctx, pod.GetNamespace(), pod.GetName(), name) // without the log the exit code is reported alone
			}
			text := fmt.Sprintf("pod %s, container %s: exit code %d", pod.GetName(), name, code)
			if said = strings.Join(strings.Fields(said), " "); said != "" {
				text += ": " + said
			}
			return text
		}
	}
	return ""
}

// knowsSecrets reports whether the secret values that a hook could print are known. Once an earlier run has deleted the
// Secrets of the app, they are not, and no output of hooks is repeated.
func (r *Runner) knowsSecrets(run *record.HookRun) bool {
	return run.Phase != desired.PostDelete || !r.Hooks.RemovalGoesOn()
}

// Hint returns what to do after a hook of the given removal phase, PreDelete or PostDelete, has failed.
func (r *Runner) Hint(phase string) string {
	name, state := r.App, "nothing of "+r.App+" is deleted"
	if phase == desired.PostDelete {
		state = "the objects of " + name + " are deleted, its record stays"
	}
	if !r.Listed {
		return state + "; uninstall tries it again, or mend it in Git, reconcile, and uninstall then"
	}
	return fmt.Sprintf("%s; `kubectl gitops reconcile %s` tries it again, or put the app back with the hook mended, and remove it then", state, name)
}
