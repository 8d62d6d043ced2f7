package apply

import (
	"context"
	"encoding/json"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/generated"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// keeping applies objects with values that their chart makes up anew in each render.
type keeping struct{ *Applier }

// apply carries out one step. A step with generated values is repeated when somebody writes the object after its values were read:
// they may be others now.
func (a keeping) apply(ctx context.Context, s *plan.Step) Outcome {
	const tries = 5 // a controller that reports status is enough for a conflict
	for n := 1; ; n++ {
		t, err := a.keep(ctx, s)
		if err != nil {
			return Outcome{Err: err}
		}
		o := a.applyOnce(ctx, t)
		if t != s {
			o.Sent = t
		}
		if n == tries || t.Version == "" || !apierrors.IsConflict(o.Err) || ownedByOthers(o.Err) {
			return o
		}
	}
}

// keep returns the step with the generated values of the live object. They are read now: a rotation that happened since the plan was
// made is not undone.
func (a keeping) keep(ctx context.Context, s *plan.Step) (*plan.Step, error) {
	if len(s.Generated) == 0 {
		return s, nil
	}
	live, err := a.Client.Get(ctx, s.Ref)
	if err != nil && !apierrors.IsNotFound(err) {
		return s, err
	}
	gone := err != nil || s.Live != nil && s.Live.GetUID() != live.GetUID()
	if gone && s.Live != nil && !a.DryRun { // a person's deletion is reverted; another reconciler may have pruned it, and saved the record
		if err := a.Unchanged(ctx); err != nil {
			return s, err
		}
	}
	t := *s
	if gone {
		t.Live = nil
	}
	if err != nil {
		return a.share(ctx, &t, s.Generated)
	}
	filled, err := withValues(&t, live)
	if err != nil {
		return s, err
	}
	return a.share(ctx, filled, generated.Missing(live.Object, s.Generated))
}

// share returns the step with values of other objects where the live object lacks its own.
func (a keeping) share(ctx context.Context, s *plan.Step, missing []string) (*plan.Step, error) {
	if len(missing) == 0 || a.Shared == nil {
		return s, nil
	}
	known := a.Shared.read(ctx, a.Client)
	if len(known) == 0 {
		return s, nil
	}
	return withManifests(s, func(object map[string]any) { known.Complete(object, missing) })
}

// withValues returns the step with the generated values of the live object, which must not change before it is written.
func withValues(s *plan.Step, live *unstructured.Unstructured) (*plan.Step, error) {
	t, err := withManifests(s, func(object map[string]any) { generated.Fill(object, live.Object, s.Generated) })
	if err != nil {
		return s, err
	}
	if t.Live != nil {
		t.Live = live
	}
	t.Version = live.GetResourceVersion()
	return t, nil
}

// withManifests returns the step with its manifests changed: what is applied, and what creates the object.
func withManifests(s *plan.Step, change func(object map[string]any)) (*plan.Step, error) {
	m := s.Manifest.DeepCopy()
	change(m.Object)
	body, err := json.Marshal(m.Object)
	if err != nil {
		return s, err
	}
	t, err := s.With(body)
	if err != nil || len(s.First) == 0 {
		return t, err
	}
	var first map[string]any
	if err := json.Unmarshal(s.First, &first); err != nil {
		return s, err
	}
	change(first)
	t.First, err = json.Marshal(first)
	return t, err
}

// shown returns an object as reports show it: without the generated values of the step.
func shown(s *plan.Step, u *unstructured.Unstructured) *unstructured.Unstructured {
	if len(s.Generated) == 0 || u == nil {
		return u
	}
	out := u.DeepCopy()
	generated.Blank(out.Object, s.Generated)
	return out
}

// EffectOf returns the effect of a step in a dry run.
func EffectOf(s *plan.Step, o Outcome, c report.Change) report.Effect {
	return report.Effect{Ref: s.Ref, Origin: s.Origin, Before: shown(s, effectBefore(s, o)), After: shown(s, o.After), Note: EffectNote(s, o, c)}
}

// withoutValues returns a text of the API server without the generated values of the step.
func withoutValues(s *plan.Step, text string) string {
	if s.Object == nil || s.Manifest == nil {
		return text
	}
	for _, value := range generated.Texts(s.Manifest.Object, s.Generated) {
		if len(value) >= 4 { // shorter ones turn up by chance
			text = strings.ReplaceAll(text, value, generated.Shown)
		}
	}
	return text
}
