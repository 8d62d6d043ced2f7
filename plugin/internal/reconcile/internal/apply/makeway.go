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

// write sends one object the way it asks for. before is the live object, nil where it was not read.
//
// Server-side apply leaves what others set beside Git's fields. That is right for additions. It is not for what took the
// place of a field of Git's: an item whose key a person changed, or the other of two alternatives, which makes the server
// refuse the apply. Such parts go, if they are people's, a former tool's or a default. What controllers set stays.
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
		} // what is needed elsewhere stays
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

// inPlace takes list items of its former owner off an object that was taken over without having been read, where they
// stand in the place of Git's.
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

// parties says whose fields may go from an object.
func (a *Applier) parties(s *plan.Step) fields.Parties {
	return fields.Parties{Ours: record.Manager, Former: formerManagers(), LeftTo: append(slices.Clone(s.Managers), fieldKeeper),
		LeftAt: s.Released, Yields: s.Policy.Yield, LikeOurs: a.Foreign == app.ForeignKeep || s.Told != "",
		Known: s.WasTold, LikeEdits: firstTime(s)}
}

// makeWay writes an object without what has to go, and without what explains the refusal of an apply, as far as dry runs
// prove that it does. A refusal that nothing explains is returned as it is.
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
	return written{}, cmp.Or(refused, fmt.Errorf("%s is written by others all the time", t.step.Ref))
}

// clear makes way on one live object. A conflict means that somebody wrote it meanwhile.
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
