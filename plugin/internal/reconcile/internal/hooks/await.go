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
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/wait"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

func isJob(k cluster.Kind) bool { return k.Group == "batch" && k.Kind == "Job" }

// await waits for the end of a run, within the budget of the app. A run that outlasts it goes on, and the next pass
// waits again.
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
			"the budget of %s is used up (--timeout); the next run goes on waiting", r.Wait.Timeout)
	}
}

func (r *Runner) tellHookWaiting(run *record.HookRun, live *unstructured.Unstructured) {
	_, message := r.Wait.Track.Rules.Of(live)
	text := fmt.Sprintf("%s: %s hook: %s", r.Say.Short(run.Ref), run.Phase, cmp.Or(message, "running"))
	r.Say.WaitingFor(record.KeyOf(run.Ref), text)
}

// failureLog adds to a failure what the newest failed pod of a hook said last: its termination message, or else the end
// of its log.
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
				said, _ = r.Client.LastLog(ctx, pod.GetNamespace(), pod.GetName(), name) // the words are all that is missing without it
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

// knowsSecrets tells whether the values are known that a hook could show. Those of an app whose objects an earlier pass
// has deleted are not, and so nothing is repeated of what its hooks say.
func (r *Runner) knowsSecrets(run *record.HookRun) bool {
	return run.Phase != desired.PostDelete || !r.Hooks.RemovalGoesOn()
}

// Hint says how to go on after a hook of a removal that failed.
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
