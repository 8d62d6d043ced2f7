package apply

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/fields"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// releasing applies objects without the fields that are left to others.
type releasing struct{ *Applier }

// releaseFields returns the step without the fields that are left to others. The fields that we still own are handed over
// first. An object that does not exist is created with all its fields.
func (a releasing) releaseFields(ctx context.Context, s *plan.Step) (*plan.Step, error) {
	if len(s.Released) == 0 && len(s.Managers) == 0 {
		return s, nil
	}
	live := s.Live
	if live == nil {
		u, err := a.Client.Get(ctx, s.Ref)
		switch {
		case apierrors.IsNotFound(err) && len(s.First) > 0:
			return s.With(s.First)
		case apierrors.IsNotFound(err):
			return s, nil
		case err != nil:
			return s, err
		}
		live = u
	}
	return a.withoutReleased(ctx, s, live)
}

// withoutReleased hands over the released fields in live that we own, and returns the step without the fields of others. A
// dry run hands nothing over, and keeps the live values in the step instead.
func (a releasing) withoutReleased(ctx context.Context, s *plan.Step, live *unstructured.Unstructured) (*plan.Step, error) {
	theirs, mine := fields.OwnedBy(live, s.Managers), fieldpath.NewSet()
	if set, ok, err := fields.Applied(live, record.Manager); err != nil {
		return s, err
	} else if ok {
		mine = fields.Select(live, set, s.Released)
		if err := a.holdForOthers(ctx, s, live, mine); err != nil {
			return s, err
		}
		theirs = theirs.Union(mine)
	}
	if theirs.Empty() {
		return s, nil
	}
	m := s.Manifest.DeepCopy()
	fields.Remove(m.Object, theirs.Difference(identity(s)))
	if a.DryRun {
		fields.Put(m.Object, live, mine)
	}
	body, err := json.Marshal(m.Object)
	if err != nil {
		return s, err
	}
	return s.With(body)
}

// identity is the set of fields that a manifest must contain whoever owns them.
func identity(s *plan.Step) *fieldpath.Set {
	return fieldpath.NewSet(fieldpath.MakePathOrDie("metadata", "labels", record.LabelPartOf), fieldpath.MakePathOrDie("metadata", "name"),
		fieldpath.MakePathOrDie("metadata", "namespace"), fieldpath.MakePathOrDie("kind"), fieldpath.MakePathOrDie("apiVersion"))
}

// releaseCreated hands over the released fields of an object that was created with them.
func (a releasing) releaseCreated(ctx context.Context, s *plan.Step, created *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	if len(s.Released) == 0 {
		return created, nil
	}
	u := s.Manifest.DeepCopy()
	for _, pointer := range s.Released {
		desired.Cut(u.Object, fields.Pointer(pointer))
	}
	body, err := json.Marshal(u.Object)
	if err != nil {
		return nil, err
	}
	less, err := s.With(body)
	if err != nil {
		return nil, err
	}
	if less, err = a.withoutReleased(ctx, less, created); err != nil {
		return nil, err
	}
	after, _, err := a.send(ctx, less, created.GetUID())
	return after, err
}

// holdForOthers makes the fieldKeeper own fields of ours with their live values, because we stop sending them: the server
// removes a field whose last owner stops sending it.
func (a releasing) holdForOthers(ctx context.Context, s *plan.Step, live *unstructured.Unstructured, mine *fieldpath.Set) error {
	if mine.Empty() || a.DryRun {
		return nil
	}
	body := fields.Extract(live, mine)
	meta, _ := body["metadata"].(map[string]any)
	if meta == nil {
		meta = map[string]any{}
	}
	meta["name"], meta["uid"] = s.Name, live.GetUID()
	if s.Namespace != "" {
		meta["namespace"] = s.Namespace
	}
	body["metadata"], body["apiVersion"], body["kind"] = meta, s.GVK().GroupVersion().String(), s.Ref.Kind.Kind
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	held := fields.OwnedBy(live, []string{fieldKeeper})
	if !held.Difference(mine).Empty() { // it keeps the fields of other rules
		return a.holdForOthers(ctx, s, live, mine.Union(held))
	}
	if _, _, err = a.Client.Apply(ctx, s.Ref, raw, cluster.ApplyOptions{Manager: fieldKeeper, Force: true}); err != nil {
		return fmt.Errorf("hand over %s: %w", cmp.Or(slices.Concat(s.Released, []string{"fields"})...), err)
	}
	return nil
}
