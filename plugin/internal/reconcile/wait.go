package reconcile

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// The pauses between two looks at objects that are not ready yet double from first to longest.
const (
	firstPause   = 100 * time.Millisecond
	longestPause = 2 * time.Second
)

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// notHealthyError names the object that keeps an app from being healthy. Its text does not change from pass to pass
// while the object does not, so that a failure that repeats is told and recorded once.
type notHealthyError struct {
	object  string
	health  health.State
	message string
	others  int
}

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

// healthy waits until the objects at keys are Healthy or Suspended, within the budget of the app. It stops early at
// an object that is Degraded: waiting does not mend it. Before it waits for long it calls before, if that is not nil.
func (p *pass) healthy(ctx context.Context, keys []record.Key, before func(context.Context) error) error {
	ctx, cancel := context.WithDeadline(ctx, p.started.Add(p.app.Timeout))
	defer cancel()
	open := p.unhealthy(keys)
	var eye *watchman
	for pause := firstPause; len(open) > 0; pause = min(pause*2, longestPause) {
		if open[0].health == health.Degraded {
			return p.notHealthy(open)
		}
		var err error
		switch {
		case eye == nil: // most objects need a moment: that is not worth a line, or a save
			eye = p.watchHealth(ctx, open)
		case before != nil:
			err, before = before(ctx), nil
			fallthrough
		default:
			p.tellWaiting(open)
		}
		if err == nil {
			err = eye.wait(ctx, pause, open)
		}
		switch {
		case p.ctx.Err() != nil:
			return errInterrupted
		case ctx.Err() != nil:
			return p.budgetSpent(open)
		case err != nil:
			return err
		}
		open = p.unhealthy(keysOf(open))
	}
	return nil
}

// healthySoon is healthy for a pass of a loop, which must not keep drift waiting: it looks once and leaves the waiting
// to the next passes, until the budget of the commit is used up.
func (p *pass) healthySoon(keys []record.Key) error {
	open := p.unhealthy(keys)
	switch {
	case len(open) == 0:
		return nil
	case open[0].health == health.Degraded:
		return p.notHealthy(open)
	case p.Now().Sub(p.rec.Applied) > p.app.Timeout:
		return p.budgetSpent(open)
	}
	p.tellWaiting(open)
	return nil
}

func (p *pass) budgetSpent(open []ailing) error {
	lasted := ""
	if since := health.UnhealthySince(p.after[open[0].key]); !since.IsZero() {
		lasted = fmt.Sprintf("; it has been %s for %s", open[0].health, duration.HumanDuration(max(p.Now().Sub(since), 0)))
	}
	return hint.With(p.notHealthy(open), "the budget of %s is used up (--timeout)%s; it is looked at again in the next run", p.app.Timeout, lasted)
}

// notHealthy words why the wait ends, with what the pods of the first object say.
func (p *pass) notHealthy(open []ailing) error {
	worst := open[0]
	message := worst.message
	ctx, cancel := context.WithTimeout(p.ctx, writeGrace)
	defer cancel()
	if why := p.podTrouble(ctx, worst.key); why != "" {
		message += "; " + why
	}
	return &notHealthyError{p.Short(p.refs[worst.key]), worst.health, message, len(open) - 1}
}

type ailing struct {
	key     record.Key
	health  health.State
	message string
}

// unhealthy lists the objects that are neither Healthy nor Suspended, Degraded ones first.
func (p *pass) unhealthy(keys []record.Key) []ailing {
	var out []ailing
	for _, k := range keys {
		if p.trusted[k] {
			continue
		}
		h, message := p.healthOf(k)
		if h == health.Healthy || h == health.Suspended {
			continue
		}
		a := ailing{k, h, message}
		if h == health.Degraded {
			out = slices.Insert(out, 0, a)
		} else {
			out = append(out, a)
		}
	}
	return out
}

// healthOf judges the last known state of an object. A state that is Healthy stays that; others may change with time.
func (p *pass) healthOf(k record.Key) (health.State, string) {
	u := p.after[k]
	if u != nil && p.fine[k] == u {
		return health.Healthy, ""
	}
	h, message := p.health.Of(u)
	if h == health.Healthy {
		p.fine[k] = u
	}
	return h, message
}

// slim keeps of the last known state of an object what later questions need: of a Healthy one little more than its name.
func (p *pass) slim(k record.Key) {
	u := p.after[k]
	u.SetManagedFields(nil)
	if h, _ := p.healthOf(k); h == health.Healthy && !desired.IsCRD(p.refs[k].Kind) {
		u.Object = map[string]any{"apiVersion": u.GetAPIVersion(), "kind": u.GetKind(), "metadata": u.Object["metadata"]}
	}
}

// tellWaiting reports each object once per state it is in.
func (p *pass) tellWaiting(open []ailing) {
	for _, a := range open {
		text := p.Short(p.refs[a.key]) + ": " + cmp.Or(a.message, string(a.health))
		p.WaitingFor(a.key, text)
	}
}

// deleteAndWait deletes an object and waits until it is gone, which costs a request more only where something holds it.
func (p *pass) deleteAndWait(ctx context.Context, ref cluster.Ref, uid types.UID) error {
	gone, err := p.Cluster.Delete(ctx, ref, uid, p.opts.DryRun)
	if err != nil || gone || p.opts.DryRun {
		return err
	}
	return p.gone(ctx, ref, uid)
}

// gone waits until the object with this uid does not exist any more, within the budget of the app.
func (p *pass) gone(ctx context.Context, ref cluster.Ref, uid types.UID) error {
	ctx, cancel := context.WithDeadline(ctx, p.started.Add(p.app.Timeout))
	defer cancel()
	var seen *unstructured.Unstructured
	for pause := firstPause / 4; ; pause = min(pause*2, longestPause) {
		live, err := p.Cluster.Get(ctx, ref)
		if apierrors.IsNotFound(err) || (err == nil && live.GetUID() != uid) {
			return nil
		}
		if err == nil {
			seen = live
		}
		if err != nil && ctx.Err() == nil {
			return err
		}
		if ctx.Err() != nil || sleep(ctx, pause) != nil {
			if p.ctx.Err() != nil {
				return errInterrupted
			}
			return fmt.Errorf("is still being deleted%s", heldBy(seen))
		}
	}
}

func heldBy(u *unstructured.Unstructured) string {
	if u == nil || len(u.GetFinalizers()) == 0 {
		return ""
	}
	return fmt.Sprintf(": held by finalizer %s", u.GetFinalizers()[0])
}

// age writes a duration as people do: seconds below two minutes, then minutes, hours, days.
func age(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%ds", int(d.Round(time.Second).Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}

// needed lists what the objects of a stage depend on.
func (p *pass) needed(next desired.Stage) []record.Key {
	var keys []record.Key
	for _, s := range p.plan.Steps {
		if s.Stage != next {
			continue
		}
		for _, k := range s.Needs {
			if !p.failed[k] && !p.trusted[k] && !p.ignored[k] && !slices.Contains(keys, k) {
				keys = append(keys, k)
			}
		}
	}
	return keys
}
