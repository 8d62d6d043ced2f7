package apply

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/fields"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// write sends one object. before is the live object, nil where it was not read.
//
// Server-side apply keeps what others set beside Git's fields. That is right for additions. It is wrong for what replaced
// one of Git's fields: a list item whose key a person changed, or the other one of two alternatives, with which the server
// refuses the apply. Such fields are removed if a person, a former tool or a default set them. Fields that controllers set
// stay.
func (a *Applier) write(ctx context.Context, s *plan.Step, before *unstructured.Unstructured) (written, error) {
	if s.Live != nil {
		before = s.Live
	}
	if before == nil && s.Policy.Replace {
		var err error
		if before, err = a.Client.Get(ctx, s.Ref); err != nil && !apierrors.IsNotFound(err) {
			return written{}, err
		}
	}
	t := &trial{Applier: a, step: s, live: before}
	must, err := t.must()
	if err != nil {
		return written{}, err
	}
	if len(must) > 0 {
		w, err := a.makeWay(ctx, t, nil)
		if err == nil || s.Policy.Replace || !apierrors.IsInvalid(err) && !apierrors.IsNotFound(err) {
			return w, err
		} // another field needs them: they stay
	}
	after, created, err := a.send(ctx, s, uidOf(s.Live))
	w := written{after: after, created: created, before: before}
	switch {
	case err != nil:
		return a.makeWay(ctx, &trial{Applier: a, step: s, live: before}, err)
	case !created && before == nil && firstTime(s) && !a.DryRun:
		return a.inPlace(ctx, s, w)
	}
	return w, nil
}

// inPlace removes list items of the former owner that replaced Git's items, from an object that was adopted without having
// been read.
func (a *Applier) inPlace(ctx context.Context, s *plan.Step, w written) (written, error) {
	t := &trial{Applier: a, step: s, live: w.after, applied: true}
	if must, err := t.must(); err != nil || len(must) == 0 {
		return w, err
	}
	less, err := a.makeWay(ctx, t, nil)
	if apierrors.IsInvalid(err) || apierrors.IsNotFound(err) {
		return w, nil
	}
	less.before = nil // it has Git's fields already
	return less, err
}

// parties returns whose fields may be removed from an object.
func (a *Applier) parties(s *plan.Step) fields.Parties {
	return fields.Parties{Ours: record.Manager, Former: formerManagers(), LeftTo: append(slices.Clone(s.Managers), fieldKeeper),
		LeftAt: s.Released, Yields: s.Policy.Yield, LikeOurs: a.Foreign == app.ForeignKeep || s.Told != "",
		Known: s.WasTold, LikeEdits: firstTime(s)}
}

// makeWay writes an object without the fields that must go, and without the fields that explain the refusal of an apply, as
// far as dry runs prove that they do. It returns the refusal when no field explains it.
func (a *Applier) makeWay(ctx context.Context, t *trial, refused error) (written, error) {
	if _, helps := refusalOf(refused); refused != nil && !helps {
		return written{}, refused
	}
	const tries = 5 // a controller that reports status is enough for a conflict
	for range tries {
		if t.live == nil {
			live, err := a.Client.Get(ctx, t.step.Ref)
			if err != nil {
				return written{}, cmp.Or(refused, err)
			}
			t.live = live
		}
		w, err := a.clear(ctx, t, refused)
		if !wroteMeanwhile(err) {
			return w, err
		}
		t.live = nil
	}
	return written{}, cmp.Or(refused, fmt.Errorf("%s is changed by other writers again and again", t.step.Ref))
}

// clear is one try of makeWay with the live object. A conflict error means that somebody wrote the object meanwhile.
func (a *Applier) clear(ctx context.Context, t *trial, refused error) (written, error) {
	must, err := t.must()
	if err != nil {
		return written{}, err
	}
	var suspects []fields.Leftover
	if refused != nil {
		if suspects, err = t.suspects(must, refused); err != nil || len(must)+len(suspects) == 0 {
			return written{}, cmp.Or(err, t.blame(refused))
		}
	}
	w := written{before: t.live, dropped: slices.Concat(must, suspects), refused: refused != nil}
	w.after, err = t.without(ctx, w.dropped)
	_, helps := refusalOf(err)
	switch {
	case wroteMeanwhile(err):
		return w, err
	case helps && refused == nil:
		return a.clear(ctx, t, err)
	case err != nil:
		return w, cmp.Or(t.blame(refused), err)
	}
	w = t.fewest(ctx, w, must, suspects)
	if !a.DryRun {
		w.after, err = t.take(ctx, w.dropped)
	}
	return w, err
}
