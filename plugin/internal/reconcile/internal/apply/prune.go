package apply

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// Prune deletes one object if it is proven to be ours. c is the change to report, nil when there was nothing to delete. was
// is the deleted object, nil when it was not read. done says that the row can leave the record: the object is gone, or not
// ours, or was released. An object that must stay is released instead: it keeps existing and loses our label.
func (a *Applier) Prune(ctx context.Context, r plan.Prune) (c *report.Change, was *unstructured.Unstructured, done bool) {
	c = &report.Change{Object: r.Row.ID(), Short: a.Say.Short(r.Row.Ref)}
	fail := func(err error) (*report.Change, *unstructured.Unstructured, bool) {
		c.Action = report.Failed
		c.Error, c.Hint = a.Explain(err, &plan.Step{Object: &desired.Object{Ref: r.Row.Ref}})
		c.Error = "prune: " + c.Error
		return c, nil, false
	}
	if a.Absent(r.Row.Ref.Kind) {
		return nil, nil, true // the kind is gone, and its objects with it
	}
	live, err := a.ProvenOurs(ctx, r)
	if err != nil {
		return fail(err)
	}
	if live == nil {
		return nil, nil, true
	}
	own := false
	if r.Row.Group == "" && (r.Row.Ref.Kind.Kind == "Secret" || r.Row.Ref.Kind.Kind == "ConfigMap") {
		if own, err = a.IsCredentials(ctx, r.Row.Ref); err != nil {
			return fail(err)
		}
	}
	switch {
	case r.NotPruned != "":
	case own:
		r.NotPruned = "the instance takes its credentials from it"
	case plan.IsKept(live.GetAnnotations()):
		r.NotPruned = "pruning is disabled by its annotation"
	case r.Row.IsContainer():
		r.NotPruned = "other objects may depend on it"
		if r.Row.Adopted {
			r.NotPruned = "it existed before this app, and " + r.NotPruned
		}
	}
	if r.NotPruned != "" {
		c.Action, c.Note = report.Skipped, r.NotPruned+"; it is no longer managed"
		if err := a.Release(ctx, r.Row, live); err != nil {
			return fail(err)
		}
		return c, nil, true
	}
	if err := a.remove(ctx, r.Row.Ref, live.GetUID()); err != nil {
		if apierrors.IsConflict(err) {
			return nil, nil, true // somebody recreated it at this moment: not ours
		}
		return fail(err)
	}
	c.Action = report.Pruned
	was, _ = live.(*unstructured.Unstructured)
	return c, was, true
}

// ProvenOurs returns the live object of a row if it is the object that we created, nil when it is not or is gone. The proof
// is the recorded uid. For a row that was written ahead and never completed, it is our label together with the entry of our
// field manager. A label alone proves nothing, since people copy labels. An object that joined another ApplySet is not ours
// any more. A dry run reads the object first.
func (a *Applier) ProvenOurs(ctx context.Context, r plan.Prune) (metav1.Object, error) {
	found := r.Live
	if found == nil || a.DryRun { // a dry run shows what would go
		u, err := a.Client.Get(ctx, r.Row.Ref)
		if apierrors.IsNotFound(err) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		found = u
	}
	if owner := plan.OtherSet(found, a.Set); owner != "" {
		return nil, nil
	}
	if r.Row.UID != "" {
		if found.GetUID() != r.Row.UID {
			return nil, nil
		}
		return found, nil
	}
	if found.GetLabels()[record.LabelPartOf] == a.Set && live.AppliedByUs(found) {
		return found, nil
	}
	return nil, nil
}

// Release removes our label from an object that stays in the cluster but leaves the app. It does nothing in a dry run, or
// when the object is gone or has no label.
func (a *Applier) Release(ctx context.Context, row record.Row, live metav1.Object) error {
	if a.DryRun || live.GetLabels()[record.LabelPartOf] == "" {
		return nil
	}
	patch := fmt.Appendf(nil, `[{"op":"test","path":"/metadata/uid","value":%q},{"op":"remove","path":"/metadata/labels/applyset.kubernetes.io~1part-of"}]`,
		live.GetUID())
	_, err := a.Client.PatchJSON(ctx, row.Ref, patch, record.Manager)
	if apierrors.IsInvalid(err) || apierrors.IsNotFound(err) { // somebody else may just have done the same
		now, getErr := a.Client.Get(ctx, row.Ref)
		if apierrors.IsNotFound(getErr) || getErr == nil && (now.GetUID() != live.GetUID() || now.GetLabels()[record.LabelPartOf] == "") {
			return nil
		}
	}
	return err
}

// remove deletes the object with this uid and waits until it is gone, within the budget of the app. An object with another uid
// is a conflict error. A dry run asks the API server and deletes nothing.
func (a *Applier) remove(ctx context.Context, ref cluster.Ref, uid types.UID) error {
	gone, err := a.Client.Delete(ctx, ref, uid, a.DryRun)
	if err != nil || gone || a.DryRun {
		return err
	}
	return a.Wait.Gone(ctx, ref, uid)
}
