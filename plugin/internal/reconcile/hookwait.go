package reconcile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/wait"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record/store"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

func isJob(k cluster.Kind) bool { return k.Group == "batch" && k.Kind == "Job" }

// awaitHook waits for the end of a run, within the budget of the app. A run that outlasts it goes on, and the next pass
// waits again.
func (p *pass) awaitHook(parent context.Context, o *desired.Object, run *record.HookRun) error {
	ctx, cancel := context.WithDeadline(parent, p.started.Add(p.app.Timeout))
	defer cancel()
	for pause := wait.FirstPause; ; pause = min(pause*2, wait.LongestPause) {
		live, err := p.Cluster.Get(ctx, run.Ref)
		switch {
		case apierrors.IsNotFound(err), err == nil && live.GetUID() != run.UID:
			return p.finishHook(parent, o, run, "it was deleted before it ended")
		case err != nil && ctx.Err() == nil:
			return err
		case err == nil:
			done, failure := p.track.Rules.Ended(live)
			if done && failure != "" && p.knowsSecrets(run) {
				failure = p.lastWords(parent, live, failure)
			}
			if done {
				return p.finishHook(parent, o, run, failure)
			}
			if pause > wait.FirstPause {
				p.tellHookWaiting(run, live)
			}
		}
		if ctx.Err() == nil && wait.Sleep(ctx, pause) == nil {
			continue
		}
		if p.ctx.Err() != nil {
			return wait.ErrInterrupted
		}
		return hint.Errorf(fmt.Sprintf("%s hook %s has not ended", run.Phase, run.Ref),
			"the budget of %s is used up (--timeout); the next run goes on waiting", p.app.Timeout)
	}
}

func (p *pass) tellHookWaiting(run *record.HookRun, live *unstructured.Unstructured) {
	_, message := p.track.Rules.Of(live)
	text := fmt.Sprintf("%s: %s hook: %s", p.Short(run.Ref), run.Phase, cmp.Or(message, "running"))
	p.WaitingFor(record.KeyOf(run.Ref), text)
}

// lastWords adds to a failure what the newest failed pod of a hook said last: its termination message, or else the end
// of its log.
func (p *pass) lastWords(ctx context.Context, u *unstructured.Unstructured, failure string) string {
	list := []unstructured.Unstructured{*u}
	if u.GetKind() == "Job" {
		var err error
		if list, _, err = p.Cluster.List(ctx, wait.Pods, u.GetNamespace(), "batch.kubernetes.io/controller-uid="+string(u.GetUID())); err != nil {
			return failure
		}
		slices.SortFunc(list, func(a, b unstructured.Unstructured) int {
			return b.GetCreationTimestamp().Compare(a.GetCreationTimestamp().Time)
		})
	}
	for i := range list {
		if text := p.podWords(ctx, &list[i]); text != "" {
			return failure + "; " + text
		}
	}
	return failure
}

func (p *pass) podWords(ctx context.Context, pod *unstructured.Unstructured) string {
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
				said, _ = p.Cluster.LastLog(ctx, pod.GetNamespace(), pod.GetName(), name) // the words are all that is missing without it
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

// preSync runs the PreSync hooks.
func (p *pass) preSync(ctx context.Context) error { return p.runHooks(ctx, desired.PreSync, all) }

// needNamespaces tells whether a PreSync hook lives in a Namespace that this commit creates.
func (p *pass) needNamespaces() bool {
	if !p.hooksDue() {
		return false
	}
	return slices.ContainsFunc(p.hooksOf(desired.PreSync), func(h *desired.Object) bool {
		return slices.ContainsFunc(p.plan.Steps, func(s *plan.Step) bool {
			return s.Ref.Kind.Kind == "Namespace" && s.Group == "" && s.Name == h.Namespace
		})
	})
}

// syncHooks runs the Sync hooks of waves below next, all of them when there is no next stage. Nothing runs after a
// failure.
func (p *pass) syncHooks(ctx context.Context, next *desired.Stage) error {
	if len(p.failed) > 0 || next != nil && next.Phase < desired.PhaseWaves {
		return nil
	}
	return p.runHooks(ctx, desired.Sync, func(h *desired.HookSettings) bool {
		return next == nil || next.Phase > desired.PhaseWaves || h.Weight < next.Wave
	})
}

// postSync runs the PostSync hooks once everything is healthy, cleans up after hooks that left Git, and records that
// the hooks of these manifests have run.
func (p *pass) postSync(ctx context.Context) error {
	if p.opts.DryRun || len(p.failed) > 0 || p.opts.drift != nil || p.isHeld() {
		return nil
	}
	if p.hooksDue() {
		if len(p.track.Unhealthy(p.keys())) > 0 {
			return nil // a loop: a later pass goes on
		}
		if err := p.runHooks(ctx, desired.PostSync, all); err != nil {
			return err
		}
		p.rec.Due, p.rec.Hooks.Release = "", p.manifests
	}
	if len(p.hooks) == 0 && !p.hooksDue() && len(p.rec.Runs) == 0 {
		p.rec.Hooks.Release = ""
	}
	return p.cleanHooks(ctx)
}

// afterFailure runs the SyncFail hooks when a pass with hooks failed, and keeps the failure.
func (p *pass) afterFailure(err error) error {
	if err == nil && len(p.failed) == 0 || errors.Is(err, wait.ErrInterrupted) || errors.Is(err, store.ErrBusy) || errors.Is(err, errNothingToDo) ||
		p.plan == nil || !p.hooksDue() || p.rec.Due == "" || p.opts.DryRun || p.ctx.Err() != nil {
		return err
	}
	if failure := p.runHooks(p.ctx, desired.SyncFail, all); failure != nil {
		p.Say(report.Warning, "%v", failure)
	}
	return err
}
