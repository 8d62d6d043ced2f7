package wait

import (
	"cmp"
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/observe"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/tell"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// Waiter waits for the objects of one app, for at most Timeout after Started.
type Waiter struct {
	Client  *cluster.Client       // sends the requests, with the rights of the app
	Reader  *observe.Reader       // lists objects
	Now     func() time.Time      // the clock
	Say     *tell.Teller          // receives what the app waits for
	Track   *Tracker              // the objects, and their last known state
	Set     string                // ApplySet id of the app
	Expires func(object.Key) bool // reports whether the cluster deletes a recorded object after it has finished
	Run     context.Context       // ends when the process is told to stop
	Started time.Time             // when the budget of the app began
	Timeout time.Duration         // the budget of the app
	DryRun  bool                  // nothing was written: no wait is of use

	others elsewhere // objects that are not the app's
}

// For notes objects that are not those of the app, and returns their keys for Healthy and Once.
func (w *Waiter) For(objects []app.WaitFor) []object.Key { return w.others.note(objects) }

// readOthers reads the objects at keys that are not those of the app.
func (w *Waiter) readOthers(ctx context.Context, keys []object.Key) error {
	return w.others.read(ctx, w.Client, w.Now(), w.Track, keys)
}

// refOf returns the name of an object that the app waits for.
func (w *Waiter) refOf(k object.Key) cluster.Ref {
	if ref, is := w.others.refs[k]; is {
		return ref
	}
	return w.Track.Refs[k]
}

func (w *Waiter) deadline() time.Time { return w.Started.Add(w.Timeout) }

// Pauses between two reads of objects that are not ready yet: they double from FirstPause to LongestPause.
const (
	FirstPause   = 100 * time.Millisecond // the first pause
	LongestPause = 2 * time.Second        // the longest pause
)

// notHealthyError names the object that keeps an app from being healthy. Its text stays the same from run to run while the
// object does, so that a repeated failure is reported and recorded once.
type notHealthyError struct {
	object  string
	health  health.State
	message string
	others  int
}

// Error names the object, its health, the message of its status, and the number of other objects that are not healthy.
func (e *notHealthyError) Error() string {
	text := fmt.Sprintf("%s is %s", e.object, e.health)
	if e.message != "" {
		text += ": " + e.message
	}
	if e.others > 0 {
		text += fmt.Sprintf(" (and %s)", report.Plural(e.others, "other object"))
	}
	return text
}

// Healthy waits until the objects at keys are Healthy or Suspended, or assumed healthy. It fails when the budget of the app
// is used up, and at once when an object is Degraded, since waiting does not help then. It returns ErrInterrupted when Run
// ends. If it has to wait for longer than the first pause, it calls before once, unless that is nil.
func (w *Waiter) Healthy(ctx context.Context, keys []object.Key, before func(context.Context) error) error {
	ctx, cancel := context.WithDeadline(ctx, w.deadline())
	defer cancel()
	if err := w.readOthers(ctx, keys); err != nil && ctx.Err() == nil {
		return err
	}
	open := w.Track.Unhealthy(keys)
	var eye *watcher
	for pause := FirstPause; len(open) > 0; pause = min(pause*2, LongestPause) {
		if open[0].health == health.Degraded {
			return w.notHealthy(open)
		}
		var err error
		switch {
		case eye == nil: // most objects are healthy after a moment: no event, and no save, for that
			eye = w.watchHealth(ctx, open)
		case before != nil:
			err, before = before(ctx), nil
			fallthrough
		default:
			w.tellWaiting(open)
		}
		if err == nil {
			err = eye.wait(ctx, pause, open)
		}
		if err == nil {
			err = w.readOthers(ctx, keysOf(open))
		}
		switch {
		case w.Run.Err() != nil:
			return ErrInterrupted
		case ctx.Err() != nil:
			return w.budgetSpent(open)
		case err != nil:
			return err
		}
		open = w.Track.Unhealthy(keysOf(open))
	}
	return nil
}

// Once is Healthy for a loop, which must not delay the revert of drift: it judges the last known state without waiting.
// Objects that are not healthy yet are left to the next run, until Timeout has passed since applied. Then Once fails.
func (w *Waiter) Once(ctx context.Context, keys []object.Key, applied time.Time) error {
	if err := w.readOthers(ctx, keys); err != nil {
		return err
	}
	open := w.Track.Unhealthy(keys)
	switch {
	case len(open) == 0:
		return nil
	case open[0].health == health.Degraded:
		return w.notHealthy(open)
	case w.Now().Sub(applied) > w.Timeout:
		return w.budgetSpent(open)
	}
	w.tellWaiting(open)
	return nil
}

// budgetSpent is the error of a wait that used up the budget of the app.
func (w *Waiter) budgetSpent(open []Unhealthy) error {
	lasted := ""
	if since := health.UnhealthySince(w.Track.After[open[0].key]); !since.IsZero() {
		lasted = fmt.Sprintf("; it has been %s for %s", open[0].health, duration.HumanDuration(max(w.Now().Sub(since), 0)))
	}
	return hint.With(w.notHealthy(open), "the budget of %s is over (--timeout)%s; the next run checks it again", w.Timeout, lasted)
}

// notHealthy returns the error that ends a wait, with the trouble of the pods of the first object.
func (w *Waiter) notHealthy(open []Unhealthy) error {
	worst := open[0]
	message := worst.message
	ctx, cancel := context.WithTimeout(w.Run, WriteGrace)
	defer cancel()
	if why := w.podTrouble(ctx, worst.key); why != "" {
		message += "; " + why
	}
	return &notHealthyError{w.Say.Short(w.refOf(worst.key)), worst.health, message, len(open) - 1}
}

// tellWaiting emits what the app waits for, once for each state of an object.
func (w *Waiter) tellWaiting(open []Unhealthy) {
	for _, a := range open {
		text := w.Say.Short(w.refOf(a.key)) + ": " + cmp.Or(a.message, string(a.health))
		w.Say.WaitingFor(a.key, text)
	}
}

// Gone waits until the object with this uid does not exist any more, within the budget of the app. The error names a finalizer
// that delays the deletion.
func (w *Waiter) Gone(ctx context.Context, ref cluster.Ref, uid types.UID) error {
	ctx, cancel := context.WithDeadline(ctx, w.deadline())
	defer cancel()
	var seen *unstructured.Unstructured
	for pause := FirstPause / 4; ; pause = min(pause*2, LongestPause) {
		live, err := w.Client.Get(ctx, ref)
		if apierrors.IsNotFound(err) || (err == nil && live.GetUID() != uid) {
			return nil
		}
		if err == nil {
			seen = live
		}
		if err != nil && ctx.Err() == nil {
			return err
		}
		if ctx.Err() != nil || Sleep(ctx, pause) != nil {
			if w.Run.Err() != nil {
				return ErrInterrupted
			}
			return fmt.Errorf("is still being deleted%s", heldBy(seen))
		}
	}
}

// heldBy names the first finalizer of an object that is being deleted, "" when there is none.
func heldBy(u *unstructured.Unstructured) string {
	if u == nil || len(u.GetFinalizers()) == 0 {
		return ""
	}
	return fmt.Sprintf(": held by finalizer %s", u.GetFinalizers()[0])
}
