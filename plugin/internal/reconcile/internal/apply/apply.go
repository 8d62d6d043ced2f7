package apply

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/owners"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/wait"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// Apply carries out one step of a plan: it creates the object, changes it, or deletes and recreates it. In a dry run it
// returns what would happen. Errors are in the Outcome; so is the reason when an object of another writer is left alone
// after several reverts. An interrupt leaves the write wait.WriteGrace to finish.
func (a *Applier) Apply(ctx context.Context, s *plan.Step) Outcome {
	if s.State == live.Terminating && s.Live != nil {
		return Outcome{Err: fmt.Errorf("is being deleted since %s; it is applied again when it is gone",
			wait.Age(a.Now().Sub(s.Live.GetDeletionTimestamp().Time)))}
	}
	ctx, cancel := wait.Lingering(ctx, wait.WriteGrace)
	defer cancel()
	if out, done := (releasing{a}).leaveAlone(ctx, s); done {
		return out
	}
	return keeping{a}.apply(ctx, s)
}

// applyOnce writes a step whose object may be written.
func (a *Applier) applyOnce(ctx context.Context, s *plan.Step) Outcome {
	before := s.Live
	if a.DryRun && before == nil {
		live, err := a.Client.Get(ctx, s.Ref)
		if err != nil && !apierrors.IsNotFound(err) {
			return Outcome{Err: err}
		}
		before = live
	}
	if err := a.Contested.GiveUp(a.Now(), s); err != nil {
		return Outcome{Err: err}
	}
	s, err := renaming{a}.underOneName(ctx, s, before)
	if err == nil {
		s, err = releasing{a}.releaseFields(ctx, s)
	}
	if err != nil {
		return Outcome{Err: err}
	}
	if s.Recreate != "" || a.DryRun && IsReplaced(s) {
		return a.finishApply(ctx, s, recreation{a}.recreateAsked(ctx, s))
	}
	w, err := a.write(ctx, s, before)
	after, created := w.after, w.created
	if undeclared(err) && (renaming{a}).renameVersion(ctx, s) {
		after, created, err = a.send(ctx, s, uidOf(s.Live))
	}
	if s.Live != nil && s.Version == "" && apierrors.IsConflict(err) && !ownedByOthers(err) {
		// It was deleted since it was read. A person's deletion is reverted; another reconciler may have pruned it, and saved the record.
		if err = a.Unchanged(ctx); err == nil {
			after, created, err = a.send(ctx, s, "")
		}
	}
	if err != nil && s.Policy.Recreate && refusesUpdate(err) {
		return a.finishApply(ctx, s, recreation{a}.recreateRefused(ctx, s, err))
	}
	if a.DryRun && apierrors.IsNotFound(err) && a.Promised.WillExist(s) {
		return Outcome{After: s.Manifest, Created: true, ahead: a.Promised.DefinedAhead(s.Ref.Kind)}
	}
	if before == nil {
		before = w.before
	}
	return a.finishApply(ctx, s, Outcome{After: after, Before: before, Created: created, dropped: w.dropped, refused: w.refused, Err: err})
}

// finishApply does what follows a successful apply. It gives away fields that are left to others, and removes the marks of
// the tool that an adopted object belonged to. If the settings say so, it removes fields that others added.
func (a *Applier) finishApply(ctx context.Context, s *plan.Step, o Outcome) Outcome {
	if s.Version != "" { // it was written
		written := *s
		written.Version, s = "", &written
	}
	if o.Err == nil && !o.Created {
		o.After, o.Err = renaming{a}.oneShare(ctx, s, o.After)
	}
	if o.Err == nil && o.Created && len(s.First) > 0 && !a.DryRun {
		o.After, o.Err = releasing{a}.releaseCreated(ctx, s, o.After)
	}
	if o.Err == nil && adopting(s, o.Created) {
		o.from, o.Former = owners.Former(s.Ref, o.After), owners.Claims(s.Ref, o.After)
	}
	switch {
	case o.Err == nil && !a.DryRun:
		o.After, o.Err = a.soleOwner(ctx, s, o.After, adopting(s, o.Created))
	case o.Err == nil && adopting(s, o.Created):
		o.After = unmarked(s, o.After)
	}
	if o.Err == nil && a.Foreign == app.ForeignRevert {
		o.After, o.gone, o.Err = releasing{a}.dropForeign(ctx, s.Ref, o.After)
	}
	return o
}

// leaveAlone reports whether a create-only object exists already. Then nothing is sent, except that an object which another app
// hands over gets our label.
func (a releasing) leaveAlone(ctx context.Context, s *plan.Step) (Outcome, bool) {
	if !s.Policy.CreateOnly {
		return Outcome{}, false
	}
	live, err := a.Client.Get(ctx, s.Ref)
	if apierrors.IsNotFound(err) {
		return Outcome{}, false
	}
	if err == nil && s.From != nil && !a.DryRun && live.GetLabels()[record.LabelPartOf] == s.From.Set {
		live, err = a.relabel(ctx, s, live)
	}
	return Outcome{After: live, Left: err == nil, Err: err}, true
}

// relabel makes an object that another app hands over a member of ours, and changes nothing else.
func (a releasing) relabel(ctx context.Context, s *plan.Step, live *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	patch := fmt.Appendf(nil, `[{"op":"test","path":"/metadata/uid","value":%q},{"op":"test","path":"/metadata/labels/applyset.kubernetes.io~1part-of","value":%q},{"op":"replace","path":"/metadata/labels/applyset.kubernetes.io~1part-of","value":%q}]`,
		live.GetUID(), s.From.Set, a.Set)
	return a.Client.PatchJSON(ctx, s.Ref, patch, record.Manager)
}
