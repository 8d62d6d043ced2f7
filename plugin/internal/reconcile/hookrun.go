package reconcile

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/apply"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/wait"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// runHooks runs the hooks of a phase that pick selects, one after the other. A hook that has succeeded for these
// manifests is not run again; one that was cut off is waited for.
func (p *pass) runHooks(ctx context.Context, phase string, pick func(*desired.HookSettings) bool) error {
	if !p.hooksDue() || p.opts.DryRun {
		return nil
	}
	list := slices.DeleteFunc(p.hooksOf(phase), func(o *desired.Object) bool { return !pick(o.Hook) })
	defer p.dropFinished(list, phase)
	for _, o := range list {
		if err := p.runHook(ctx, phase, o); err != nil {
			return err
		}
	}
	return nil
}

func all(*desired.HookSettings) bool { return true }

func (p *pass) runHook(ctx context.Context, phase string, o *desired.Object) error {
	run := p.rec.Run(phase, o.Ref, desired.HookName(o))
	again := run != nil && run.Release == p.manifests
	switch {
	case again && run.Result == report.ResultSucceeded:
		return nil
	case again && run.Result == report.ResultFailed && phase == desired.SyncFail:
		return nil // told once
	case again && run.Result == report.ResultFailed && p.opts.Loop:
		return p.hookFailed(run)
	case again && run.Result == "":
		return p.resumeHook(ctx, o, run)
	}
	attempt := 1
	if again {
		attempt = run.Attempt + 1
	}
	if err := p.clearHook(ctx, o, run); err != nil {
		return fmt.Errorf("%s hook %s: %w", phase, p.shortOf(o), err)
	}
	mark := strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(p.rec.Hash(fmt.Appendf(nil, "%s %s %s %d", phase, o.ID(), p.manifests, attempt))))[:10]
	ref := o.Ref
	ref.Name = cmp.Or(o.Name, o.Manifest.GetGenerateName()+mark)
	run = p.rec.Begin(record.HookRun{Phase: phase, Name: desired.HookName(o), Ref: ref, Manifest: p.rec.Hash(o.Body), Release: p.manifests,
		Commit: p.commit, Mark: mark, Attempt: attempt})
	if err := p.saveHooks(ctx); err != nil {
		return err
	}
	return p.startHook(ctx, o, run)
}

// resumeHook goes on with a run that a pass before this one has begun.
func (p *pass) resumeHook(ctx context.Context, o *desired.Object, run *record.HookRun) error {
	live, err := p.Cluster.Get(ctx, run.Ref)
	switch {
	case apierrors.IsNotFound(err) && run.UID == "": // the pass was cut off before it created the object
		return p.startHook(ctx, o, run)
	case err != nil && !apierrors.IsNotFound(err):
		return err
	case err == nil && live.GetAnnotations()[desired.HookRun] == run.Mark:
		run.UID = live.GetUID()
	}
	return p.awaitHook(ctx, o, run)
}

// clearHook deletes the object of an earlier run: ours, or one that Argo CD or Helm left behind. Anything else of the
// name is somebody's.
func (p *pass) clearHook(ctx context.Context, o *desired.Object, run *record.HookRun) error {
	ref := o.Ref
	if run != nil && (o.Name != "" || o.Hook.Replace) {
		ref = run.Ref
	}
	if ref.Name == "" {
		return nil // a generated name: nothing is in the way
	}
	live, err := p.Cluster.Get(ctx, ref)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	known, _ := desired.ParseHook(live.GetAnnotations())
	row := p.rec.Rows[record.KeyOf(ref)]
	ours := row.UID == live.GetUID() || run != nil && run.UID == live.GetUID()
	switch {
	case known == nil && !ours:
		return hint.Errorf("an object of this name exists, and is no hook", "delete it, or give the hook another name")
	case row.UID == live.GetUID() && (apply.HoldsData(ref.Kind) || apply.TakesClaims(ref.Kind, live)):
		return hint.Errorf("the object is one of the app, and running it as a hook would delete what it holds", "take the annotation of the hook away, or give the hook another name")
	case !ours && p.othersHook(live):
		return hint.Errorf("an object of this name exists, and is the hook of "+cmp.Or(p.apps[live.GetAnnotations()[desired.HookApp]], "another app"),
			"give the hook another name")
	case !ours && (plan.IsKept(live.GetAnnotations()) || apply.HoldsData(ref.Kind)):
		return hint.Errorf("an object of this name exists, and running the hook would delete what is to be kept",
			"delete it yourself, or leave the hook out: annotation %s: Skip", desired.Hook)
	}
	return p.wait.Delete(ctx, ref, live.GetUID())
}

// othersHook tells whether an object that is not known to be ours is that of another app's hook. What an earlier version of this
// tool made does not say whose it is.
func (p *pass) othersHook(live *unstructured.Unstructured) bool {
	set := live.GetAnnotations()
	return set[desired.HookRun] != "" && set[desired.HookApp] != p.id
}

// startHook creates the object of a run and waits for its end. The time that a Job lives after its end counts from
// when its result is recorded: otherwise it could be gone before it was seen.
func (p *pass) startHook(ctx context.Context, o *desired.Object, run *record.HookRun) error {
	m := o.Manifest.DeepCopy()
	m.SetName(run.Ref.Name)
	m.SetGenerateName("")
	set := m.GetAnnotations()
	set[desired.HookRun], set[desired.HookApp] = run.Mark, p.id
	m.SetAnnotations(set)
	if isJob(run.Ref.Kind) {
		unstructured.RemoveNestedField(m.Object, "spec", "ttlSecondsAfterFinished")
	}
	body, err := json.Marshal(m.Object)
	if err != nil {
		return err
	}
	ctx, cancel := wait.Lingering(ctx, wait.WriteGrace)
	live, err := p.Cluster.Create(ctx, run.Ref, body, record.Manager)
	cancel()
	if apierrors.IsAlreadyExists(err) {
		if live, err = p.Cluster.Get(ctx, run.Ref); err == nil && live.GetAnnotations()[desired.HookRun] != run.Mark {
			err = hint.Errorf("an object of this name exists, and is no hook", "delete it, or give the hook another name")
		}
	}
	if err != nil {
		message, advice := p.applier().Explain(err, &plan.Step{Object: o})
		phase, mark := run.Phase, run.Mark
		p.rec.Forget(func(r record.HookRun) bool { return r.Mark == mark })
		if desired.PhaseOfRemoval(phase) {
			advice = p.wayOut(phase)
		}
		return hint.With(fmt.Errorf("%s hook %s: %s", phase, p.shortOf(o), message), "%s", cmp.Or(advice, "correct the manifest at "+o.Origin.String()))
	}
	run.UID = live.GetUID()
	if err := p.saveHooks(p.ctx); err != nil {
		return err
	}
	return p.awaitHook(p.ctx, o, run)
}

// finishHook records how a run ended and tells it.
func (p *pass) finishHook(ctx context.Context, o *desired.Object, run *record.HookRun, failure string) error {
	run.Result, run.Message = report.ResultSucceeded, ""
	c := report.Change{Object: run.Ref.ID(), Short: p.Short(run.Ref), Origin: o.Origin.String(), Action: report.Created,
		Note: run.Phase + " hook, succeeded"}
	if failure != "" {
		run.Result, run.Message = report.ResultFailed, p.Mask(failure)
		c.Action, c.Note, c.Error = report.Failed, run.Phase+" hook", run.Message
	}
	p.Change(c)
	if err := p.saveHooks(ctx); err != nil {
		return err
	}
	if err := p.restoreLifetime(ctx, o, run); err != nil {
		return err
	}
	if failure != "" {
		return p.hookFailed(run)
	}
	return nil
}

// restoreLifetime gives a finished Job the time to live that it was created without.
func (p *pass) restoreLifetime(ctx context.Context, o *desired.Object, run *record.HookRun) error {
	ttl, found, _ := unstructured.NestedFieldNoCopy(o.Manifest.Object, "spec", "ttlSecondsAfterFinished")
	if !found || !isJob(run.Ref.Kind) {
		return nil
	}
	patch := fmt.Appendf(nil, `[{"op":"test","path":"/metadata/uid","value":%q},{"op":"add","path":"/spec/ttlSecondsAfterFinished","value":%v}]`, run.UID, ttl)
	_, err := p.Cluster.PatchJSON(ctx, run.Ref, patch, record.Manager)
	if apierrors.IsNotFound(err) || apierrors.IsInvalid(err) {
		return nil // it is gone already
	}
	return err
}

// hookFailed is the error of a run that failed.
func (p *pass) hookFailed(run *record.HookRun) error {
	err := fmt.Errorf("%s hook %s failed: %s", run.Phase, run.Ref, run.Message)
	consequence := "nothing of this commit is applied"
	switch run.Phase {
	case desired.PreDelete, desired.PostDelete:
		return hint.With(err, "%s", p.wayOut(run.Phase))
	case desired.Sync, desired.PostSync, desired.SyncFail:
		consequence = "what was applied stays"
	}
	return hint.With(err, "%s; mend it in Git, or `kubectl gitops reconcile %s` tries it again", consequence, p.app.Name)
}

// dropFinished deletes the objects of finished runs whose policy asks for it. Its failure changes nothing: the next run
// of the hook clears the way.
func (p *pass) dropFinished(list []*desired.Object, phase string) {
	ctx, cancel := wait.Lingering(p.ctx, wait.WriteGrace)
	defer cancel()
	for _, o := range list {
		run := p.rec.Run(phase, o.Ref, desired.HookName(o))
		if run == nil || run.Gone || run.Release != p.manifests ||
			!(run.Result == report.ResultSucceeded && o.Hook.DropSucceeded || run.Result == report.ResultFailed && o.Hook.DropFailed) {
			continue
		}
		_, err := p.Cluster.Delete(ctx, run.Ref, run.UID, false)
		run.Gone = err == nil
	}
}

// cleanHooks deletes what runs of hooks left behind that are no longer in Git.
func (p *pass) cleanHooks(ctx context.Context) error {
	inGit := func(run record.HookRun) bool {
		if desired.PhaseOfRemoval(run.Phase) && p.dueFor != record.HooksDelete {
			return false // of a removal that was given up
		}
		return slices.ContainsFunc(p.hooks, func(o *desired.Object) bool {
			return len(o.Hook.Phases[run.Phase]) > 0 && desired.HookName(o) == run.Name && o.Ref.Kind.Kind == run.Ref.Kind.Kind && o.Group == run.Ref.Group && o.Namespace == run.Ref.Namespace
		})
	}
	var err error
	p.rec.Forget(func(run record.HookRun) bool {
		if err != nil || inGit(run) {
			return false
		}
		_, object := p.rec.Rows[record.KeyOf(run.Ref)] // the hook became an object of the app
		other := slices.ContainsFunc(p.rec.Runs, func(r record.HookRun) bool { return r.UID == run.UID && inGit(r) })
		if run.UID == "" || run.Gone || object || other || p.app.KeepRemoved || record.HoldsOthers(run.Ref.Kind) {
			return true
		}
		_, err = p.Cluster.Delete(ctx, run.Ref, run.UID, false)
		if apierrors.IsConflict(err) {
			err = nil // another object took its name
		}
		return err == nil
	})
	if err != nil {
		return fmt.Errorf("clean up after hooks: %w", err)
	}
	return nil
}

// saveHooks records the state of hooks while the pass goes on.
func (p *pass) saveHooks(ctx context.Context) error {
	ctx, cancel := wait.Lingering(ctx, saveGrace)
	defer cancel()
	return p.Records.Save(ctx, p.rec)
}
