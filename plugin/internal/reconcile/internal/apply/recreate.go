package apply

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/fields"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// recreation deletes objects and creates them again.
type recreation struct{ *Applier }

// Why an object is deleted and recreated.
const (
	AsAsked       = "as its annotation asks"                           // its annotation asks for it at each change
	anewImmutable = "because an immutable field changed"               // an immutable field changed
	anewRefused   = "because the API server refuses this change of it" // the server refuses the change for another reason
)

// IsReplaced reports whether an object is to be deleted and recreated at each change: its annotations ask for it, and
// WhyKept has nothing against it. An object that holds data is recreated only when the server refuses its change.
func IsReplaced(s *plan.Step) bool {
	return s.Policy.Replace && s.Policy.Recreate && s.Live != nil && WhyKept(s, s.Live) == "" && !HoldsData(s.Ref.Kind)
}

// WhyKept returns why an object is not recreated although its annotation asks for it, "" when it may be. The annotation
// comes from Git, so it decides about objects of the app. It does not decide about data that existed before the app.
func WhyKept(s *plan.Step, live metav1.Object) string {
	was := s.Row
	if s.From != nil {
		was = &s.From.Row
	}
	switch {
	case record.IsContainer(s.Ref.Kind):
		return "everything in it would be deleted"
	case was == nil || was.UID == "" || was.UID != live.GetUID():
		return "the object is not this app's"
	case HoldsData(s.Ref.Kind) && was.Adopted:
		return "it existed before the app, with its data"
	case TakesClaims(s.Ref.Kind, live):
		return "its claims, and what they hold, would be deleted with it"
	}
	return ""
}

// HoldsData reports whether deleting an object of a kind deletes data: volumes, their claims, and snapshots.
func HoldsData(k cluster.Kind) bool {
	switch k.Group {
	case "":
		return k.Kind == "PersistentVolumeClaim" || k.Kind == "PersistentVolume"
	case "snapshot.storage.k8s.io":
		return k.Kind == "VolumeSnapshot" || k.Kind == "VolumeSnapshotContent"
	}
	return false
}

// TakesClaims reports whether deleting a StatefulSet deletes its volume claims, as its retention policy says. It is false
// for other kinds, and for an object of which only metadata is known.
func TakesClaims(k cluster.Kind, live metav1.Object) bool {
	u, whole := live.(*unstructured.Unstructured)
	if !whole || k.Group != "apps" || k.Kind != "StatefulSet" {
		return false
	}
	when, _, _ := unstructured.NestedString(u.Object, "spec", "persistentVolumeClaimRetentionPolicy", "whenDeleted")
	return when == "Delete"
}

// recreateRefused deletes and recreates an object whose change the server refuses, if its annotation allows it and the
// server would accept the new object. Otherwise it returns the refusal. In a dry run it returns what would be created.
func (a recreation) recreateRefused(ctx context.Context, s *plan.Step, refused error) Outcome {
	live, err := a.Client.Get(ctx, s.Ref)
	if err != nil {
		return Outcome{Err: refused}
	}
	if why := WhyKept(s, live); why != "" {
		return Outcome{Err: &keptError{refused, why}}
	}
	whole, err := a.wholeAgain(s, live)
	if err != nil {
		return Outcome{Err: err}
	}
	why := anewRefused
	if immutable(refused) {
		why = anewImmutable
	}
	if err := a.creatable(ctx, whole, live); err != nil && !(why == anewImmutable && cannotBeAsked(err)) {
		return Outcome{Err: refused}
	}
	if !a.DryRun {
		if err := a.MayRecreate(ctx, s); err != nil {
			return Outcome{Err: err}
		}
	}
	return a.deleteAndCreate(ctx, whole, live, why)
}

// recreateAsked deletes and recreates an object whose annotation asks for it at each change.
func (a recreation) recreateAsked(ctx context.Context, s *plan.Step) Outcome {
	whole, err := a.wholeAgain(s, s.Live)
	if err != nil {
		return Outcome{Err: err}
	}
	if err := a.creatable(ctx, whole, s.Live); err != nil && !cannotBeAsked(err) {
		return Outcome{Err: err}
	}
	return a.deleteAndCreate(ctx, whole, s.Live, cmp.Or(s.Recreate, AsAsked))
}

func (a recreation) deleteAndCreate(ctx context.Context, s *plan.Step, live *unstructured.Unstructured, why string) Outcome {
	if a.DryRun {
		return Outcome{After: a.asCreated(ctx, s), Before: live, Created: true, Anew: why}
	}
	if err := a.remove(ctx, s.Ref, live.GetUID()); err != nil {
		return Outcome{Err: err}
	}
	after, created, err := a.send(ctx, s, "")
	return Outcome{After: after, Before: live, Created: created, Anew: why, Err: err}
}

// wholeAgain returns the step with the manifest that creates the object. That includes fields which are left to others, with
// the values that others gave them.
func (a recreation) wholeAgain(s *plan.Step, live *unstructured.Unstructured) (*plan.Step, error) {
	if len(s.First) > 0 {
		return s.With(s.First)
	}
	m := s.Manifest.DeepCopy()
	for _, pointer := range s.Released {
		path := fields.Pointer(pointer)
		if v, found, err := unstructured.NestedFieldCopy(live.Object, path...); found && err == nil {
			if err := unstructured.SetNestedField(m.Object, v, path...); err != nil {
				continue // inside a list
			}
		}
	}
	body, err := json.Marshal(m.Object)
	if err != nil {
		return s, err
	}
	return s.With(body)
}

// creatable returns nil if the server would accept the object if it did not exist, and otherwise the refusal. The server
// always refuses to create an object that exists, but only after it has found everything else right.
func (a recreation) creatable(ctx context.Context, s *plan.Step, live *unstructured.Unstructured) error {
	_, err := a.Client.TryCreate(ctx, s.Ref, s.Body, record.Manager, s.Policy.Unchecked)
	if apierrors.IsAlreadyExists(err) || takenByItself(err, live) {
		return nil
	}
	return err
}

// cannotBeAsked reports whether a webhook makes dry runs impossible.
func cannotBeAsked(err error) bool {
	var api apierrors.APIStatus
	return errors.As(err, &api) && undryable(api.Status())
}

// takenByItself reports whether only the addresses and ports of a Service itself keep the Service from being created.
func takenByItself(err error, live *unstructured.Unstructured) bool {
	var api apierrors.APIStatus
	if !errors.As(err, &api) || live.GetKind() != "Service" || api.Status().Details == nil || len(api.Status().Details.Causes) == 0 {
		return false
	}
	has := strings.FieldsFunc(jsonOf(live.Object["spec"]), notOfValue)
	for _, c := range api.Status().Details.Causes {
		value, why, ok := strings.Cut(strings.TrimPrefix(c.Message, "Invalid value: "), ": ")
		if !ok || !strings.Contains(why, "already allocated") {
			return false
		}
		for _, one := range strings.FieldsFunc(value, notOfValue) {
			if !slices.Contains(has, one) {
				return false
			}
		}
	}
	return true
}

// notOfValue reports whether r separates values in JSON. It cuts IPv6 addresses too, on both sides alike.
func notOfValue(r rune) bool { return strings.ContainsRune(`[]{}",: `, r) }

// asCreated returns what the server would make of the manifest of an object that exists: it asks for one with a generated
// name.
func (a recreation) asCreated(ctx context.Context, s *plan.Step) *unstructured.Unstructured {
	m := s.Manifest.DeepCopy()
	m.SetName("")
	m.SetGenerateName("gitops-")
	body, err := json.Marshal(m.Object)
	if err != nil {
		return s.Manifest
	}
	after, err := a.Client.TryCreate(ctx, s.Ref, body, record.Manager, s.Policy.Unchecked)
	if err != nil {
		return s.Manifest
	}
	after.SetName(s.Name)
	after.SetGenerateName("")
	return after
}
