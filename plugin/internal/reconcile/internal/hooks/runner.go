package hooks

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/generated"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/apply"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/tell"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/wait"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// Runner runs the hooks of one app, one after the other, and records their results.
type Runner struct {
	Client *cluster.Client // sends the requests, with the rights of the app
	Say    *tell.Teller    // receives events and results
	Wait   *wait.Waiter    // waits for the end of a hook, within the budget of the app
	Record *record.Record  // the results of hooks are kept here
	Hooks  *plan.Hooks     // the hooks of this commit, and whether they are due

	App         string            // name of the app
	Set         string            // ApplySet id of the app
	Apps        map[string]string // names of the apps of the instance, by ApplySet id
	Commit      string            // that is applied
	Listed      bool              // a gitops.yaml lists the app
	KeepRemoved bool              // the settings say prune: false, so nothing of the app is deleted
	Loop        bool              // a failed hook is not tried again for the same manifests
	DryRun      bool              // no hook runs

	Save    func(ctx context.Context) error                             // saves the record
	Explain func(err error, o *desired.Object) (message, advice string) // words an answer of the API server about a manifest
}

// Run runs the hooks of a phase that pick selects, one after the other, and stops at the first that fails. It does nothing
// in a dry run or when no hook is due. A hook that has succeeded for these manifests does not run again. A hook that an
// interrupted run has started is waited for. A hook that has failed runs again, except in a loop. The error names the hook
// and its failure, with a hint.
func (r *Runner) Run(ctx context.Context, phase string, pick func(*desired.HookSettings) bool) error {
	if !r.Hooks.AreDue() || r.DryRun {
		return nil
	}
	list := slices.DeleteFunc(desired.HooksOf(r.Hooks.List, phase, r.Record.Due), func(o *desired.Object) bool { return !pick(o.Hook) })
	defer r.dropFinished(list, phase)
	for _, o := range list {
		if err := r.run(ctx, phase, o); err != nil {
			return err
		}
	}
	return nil
}

// All selects every hook of a phase.
func All(*desired.HookSettings) bool { return true }

// run runs one hook, or waits for the run of it that is under way.
func (r *Runner) run(ctx context.Context, phase string, o *desired.Object) error {
	run := r.Record.Run(phase, o.Ref, desired.HookName(o))
	again := run != nil && run.Release == r.Hooks.Release
	switch {
	case again && run.Result == report.ResultSucceeded:
		return nil
	case again && run.Result == report.ResultFailed && phase == desired.SyncFail:
		return nil // told once
	case again && run.Result == report.ResultFailed && r.Loop:
		return r.failed(run)
	case again && run.Result == "":
		return r.resume(ctx, o, run)
	}
	attempt := 1
	if again {
		attempt = run.Attempt + 1
	}
	o, err := r.keepValues(ctx, o)
	if err == nil {
		err = r.clear(ctx, o, run)
	}
	if err != nil {
		return fmt.Errorf("%s hook %s: %w", phase, r.Say.Short(plan.NameGiven(o)), err)
	}
	mark := strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(r.Record.Hash(fmt.Appendf(nil, "%s %s %s %d", phase, o.ID(), r.Hooks.Release, attempt))))[:10]
	ref := o.Ref
	ref.Name = cmp.Or(o.Name, o.Manifest.GetGenerateName()+mark)
	run = r.Record.Begin(record.HookRun{Phase: phase, Name: desired.HookName(o), Ref: ref, Manifest: r.Record.Hash(o.Stable()), Release: r.Hooks.Release,
		Commit: r.Commit, Mark: mark, Attempt: attempt})
	if err := r.SaveState(ctx); err != nil {
		return err
	}
	return r.start(ctx, o, run)
}

// keepValues returns the hook with the generated values of the object that its last run left.
func (r *Runner) keepValues(ctx context.Context, o *desired.Object) (*desired.Object, error) {
	if len(o.Generated) == 0 || o.Name == "" {
		return o, nil
	}
	live, err := r.Client.Get(ctx, o.Ref)
	if apierrors.IsNotFound(err) {
		return o, nil
	}
	if err != nil {
		return o, err
	}
	kept := *o
	kept.Manifest = o.Manifest.DeepCopy()
	generated.Fill(kept.Manifest.Object, live.Object, o.Generated)
	return &kept, nil
}

// resume continues a hook that an interrupted run has recorded: it waits for the object, or creates it when it does not
// exist yet.
func (r *Runner) resume(ctx context.Context, o *desired.Object, run *record.HookRun) error {
	live, err := r.Client.Get(ctx, run.Ref)
	switch {
	case apierrors.IsNotFound(err) && run.UID == "": // the run was interrupted before it created the object
		return r.start(ctx, o, run)
	case err != nil && !apierrors.IsNotFound(err):
		return err
	case err == nil && live.GetAnnotations()[desired.HookRun] == run.Mark:
		run.Created(live.GetUID())
	}
	return r.await(ctx, o, run)
}

// clear deletes the object that an earlier run of the hook left: our own, or one that Argo CD or Helm left behind. It fails
// when the object of that name is no hook, is the hook of another app, or holds data.
func (r *Runner) clear(ctx context.Context, o *desired.Object, run *record.HookRun) error {
	ref := o.Ref
	if run != nil && (o.Name != "" || o.Hook.Replace) {
		ref = run.Ref
	}
	if ref.Name == "" {
		return nil // a generated name: no object has it yet
	}
	live, err := r.Client.Get(ctx, ref)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	known, _ := desired.ParseHook(live.GetAnnotations())
	row, _ := r.Record.Row(object.KeyOf(ref))
	ours := row.UID == live.GetUID() || run != nil && run.UID == live.GetUID()
	switch {
	case known == nil && !ours:
		return hint.Errorf("an object of this name exists, and is no hook", "delete it, or give the hook another name")
	case row.UID == live.GetUID() && (apply.HoldsData(ref.Kind) || apply.TakesClaims(ref.Kind, live)):
		return hint.Errorf("the object is one of the app, and running it as a hook would delete what it holds", "take the annotation of the hook away, or give the hook another name")
	case !ours && r.isOthers(live):
		return hint.Errorf("an object of this name exists, and is the hook of "+cmp.Or(r.Apps[live.GetAnnotations()[desired.HookApp]], "another app"),
			"give the hook another name")
	case !ours && (plan.IsKept(live.GetAnnotations()) || apply.HoldsData(ref.Kind)):
		return hint.Errorf("an object of this name exists, and running the hook would delete what is to be kept",
			"delete it yourself, or leave the hook out: annotation %s: Skip", desired.Hook)
	}
	gone, err := r.Client.Delete(ctx, ref, live.GetUID(), r.DryRun)
	if err != nil || gone || r.DryRun {
		return err
	}
	return r.Wait.Gone(ctx, ref, live.GetUID())
}

// isOthers reports whether an object that is not known to be ours is a hook of another app. Objects of earlier versions of
// this tool do not name their app: they count as ours.
func (r *Runner) isOthers(live *unstructured.Unstructured) bool {
	set := live.GetAnnotations()
	return set[desired.HookRun] != "" && set[desired.HookApp] != r.Set
}

// start creates the object of a hook and waits for its end. A Job is created without its time to live, and gets it when its
// result is recorded: otherwise the Job could be gone before its result was read.
func (r *Runner) start(ctx context.Context, o *desired.Object, run *record.HookRun) error {
	m := o.Manifest.DeepCopy()
	m.SetName(run.Ref.Name)
	m.SetGenerateName("")
	set := m.GetAnnotations()
	set[desired.HookRun], set[desired.HookApp] = run.Mark, r.Set
	m.SetAnnotations(set)
	if isJob(run.Ref.Kind) {
		unstructured.RemoveNestedField(m.Object, "spec", "ttlSecondsAfterFinished")
	}
	body, err := json.Marshal(m.Object)
	if err != nil {
		return err
	}
	ctx, cancel := wait.Lingering(ctx, wait.WriteGrace)
	live, err := r.Client.Create(ctx, run.Ref, body, record.Manager)
	cancel()
	if apierrors.IsAlreadyExists(err) {
		if live, err = r.Client.Get(ctx, run.Ref); err == nil && live.GetAnnotations()[desired.HookRun] != run.Mark {
			err = hint.Errorf("an object of this name exists, and is no hook", "delete it, or give the hook another name")
		}
	}
	if err != nil {
		message, advice := r.Explain(err, o)
		phase, mark := run.Phase, run.Mark
		r.Record.Forget(func(other record.HookRun) bool { return other.Mark == mark })
		if desired.PhaseOfRemoval(phase) {
			advice = r.Hint(phase)
		}
		return hint.With(fmt.Errorf("%s hook %s: %s", phase, r.Say.Short(plan.NameGiven(o)), message), "%s", cmp.Or(advice, "correct the manifest at "+o.Origin.String()))
	}
	run.Created(live.GetUID())
	if err := r.SaveState(r.Wait.Run); err != nil {
		return err
	}
	return r.await(r.Wait.Run, o, run)
}

// finish records how a hook ended and reports it.
func (r *Runner) finish(ctx context.Context, o *desired.Object, run *record.HookRun, failure string) error {
	result, message := report.ResultSucceeded, ""
	c := report.Change{Object: run.Ref.ID(), Short: r.Say.Short(run.Ref), Origin: o.Origin.String(), Action: report.Created,
		Note: run.Phase + " hook, succeeded"}
	if failure != "" {
		result, message = report.ResultFailed, r.Say.Mask(failure)
		c.Action, c.Note, c.Error = report.Failed, run.Phase+" hook", message
	}
	run.Ended(result, message)
	r.Say.Change(c)
	if err := r.SaveState(ctx); err != nil {
		return err
	}
	if err := r.restoreLifetime(ctx, o, run); err != nil {
		return err
	}
	if failure != "" {
		return r.failed(run)
	}
	return nil
}

// restoreLifetime gives a finished Job the time to live that it was created without.
func (r *Runner) restoreLifetime(ctx context.Context, o *desired.Object, run *record.HookRun) error {
	ttl, found, _ := unstructured.NestedFieldNoCopy(o.Manifest.Object, "spec", "ttlSecondsAfterFinished")
	if !found || !isJob(run.Ref.Kind) {
		return nil
	}
	patch := fmt.Appendf(nil, `[{"op":"test","path":"/metadata/uid","value":%q},{"op":"add","path":"/spec/ttlSecondsAfterFinished","value":%v}]`, run.UID, ttl)
	_, err := r.Client.PatchJSON(ctx, run.Ref, patch, record.Manager)
	if apierrors.IsNotFound(err) || apierrors.IsInvalid(err) {
		return nil // it is gone already
	}
	return err
}

// failed returns the error of a hook that failed, with a hint.
func (r *Runner) failed(run *record.HookRun) error {
	err := fmt.Errorf("%s hook %s failed: %s", run.Phase, run.Ref, run.Message)
	consequence := "nothing of this commit is applied"
	switch run.Phase {
	case desired.PreDelete, desired.PostDelete:
		return hint.With(err, "%s", r.Hint(run.Phase))
	case desired.Sync, desired.PostSync, desired.Test, desired.SyncFail:
		consequence = "what was applied stays"
	}
	return hint.With(err, "%s; mend it in Git, or `kubectl gitops reconcile %s` tries it again", consequence, r.App)
}

// dropFinished deletes the objects of finished hooks whose policy asks for it. Its errors are ignored: the next run of the
// hook deletes the object.
func (r *Runner) dropFinished(list []*desired.Object, phase string) {
	ctx, cancel := wait.Lingering(r.Wait.Run, wait.WriteGrace)
	defer cancel()
	for _, o := range list {
		run := r.Record.Run(phase, o.Ref, desired.HookName(o))
		if run == nil || run.Gone || run.Release != r.Hooks.Release ||
			!(run.Result == report.ResultSucceeded && o.Hook.DropSucceeded || run.Result == report.ResultFailed && o.Hook.DropFailed) {
			continue
		}
		if _, err := r.Client.Delete(ctx, run.Ref, run.UID, false); err == nil {
			run.Dropped()
		}
	}
}

// Clean deletes the objects of hooks that left Git, and their results from the record. The caller saves the record.
func (r *Runner) Clean(ctx context.Context) error {
	inGit := func(run record.HookRun) bool {
		if desired.PhaseOfRemoval(run.Phase) && r.Hooks.Due != record.HooksDelete {
			return false // the removal of the app was cancelled
		}
		return slices.ContainsFunc(r.Hooks.List, func(o *desired.Object) bool {
			return len(o.Hook.Phases[run.Phase]) > 0 && desired.HookName(o) == run.Name && o.Ref.Kind.Kind == run.Ref.Kind.Kind && o.Group == run.Ref.Group && o.Namespace == run.Ref.Namespace
		})
	}
	var err error
	r.Record.Forget(func(run record.HookRun) bool {
		if err != nil || inGit(run) {
			return false
		}
		_, object := r.Record.Row(object.KeyOf(run.Ref)) // the hook became an object of the app
		other := slices.ContainsFunc(r.Record.Runs, func(other record.HookRun) bool { return other.UID == run.UID && inGit(other) })
		if run.UID == "" || run.Gone || object || other || r.KeepRemoved || record.IsContainer(run.Ref.Kind) {
			return true
		}
		_, err = r.Client.Delete(ctx, run.Ref, run.UID, false)
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

// SaveState saves the record in the middle of a run. An interrupt leaves it SaveGrace to finish.
func (r *Runner) SaveState(ctx context.Context) error {
	ctx, cancel := wait.Lingering(ctx, wait.SaveGrace)
	defer cancel()
	return r.Save(ctx)
}
