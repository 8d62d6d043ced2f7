package wait

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/observe"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

const (
	// relistAfter is how long watches are relied on without a list: some proxies lose events.
	relistAfter = 15 * time.Second
	// otherWriterGrace is how long another reconciler has to record that it changed an object of the wait: it may have repaired
	// the object with a newer commit.
	otherWriterGrace = time.Second
)

// watcher updates the last known state of some objects while the app waits for their health: by one watch per kind, and by
// lists where a watch is not possible.
type watcher struct {
	*Waiter
	waits    map[object.Key]bool // the objects that it waits for
	events   chan event
	broken   atomic.Bool // a watch has ended
	relisted time.Time   // when the objects were last listed
}

type event struct {
	key  object.Key
	now  *unstructured.Unstructured
	gone bool
}

// watchHealth watches the kinds of the objects in open until ctx ends.
func (w *Waiter) watchHealth(ctx context.Context, open []Unhealthy) *watcher {
	e := &watcher{Waiter: w, waits: map[object.Key]bool{}, events: make(chan event), relisted: w.Now()}
	for _, a := range open {
		e.waits[a.key] = true
	}
	q := w.listRequest(w.others.except(open))
	for _, k := range q.Kinds {
		for _, namespace := range w.Reader.Scopes(k, q.Namespaces[k]) {
			go e.watch(ctx, k, namespace)
		}
	}
	return e
}

func (w *watcher) watch(ctx context.Context, k cluster.Kind, namespace string) {
	_ = w.Client.Watch(ctx, k, namespace, record.LabelPartOf+"="+w.Set, func(c cluster.Change[*unstructured.Unstructured]) {
		u := c.Object
		key := object.Key{Group: k.Group, Kind: k.Kind, Namespace: u.GetNamespace(), Name: u.GetName()}
		select {
		case w.events <- event{key, u, c.Gone}:
		case <-ctx.Done():
		}
	})
	w.broken.Store(true) // the reason does not matter: lists take over
}

// wait returns as soon as all objects in open are healthy, and otherwise after pause. It does not end at a Degraded object,
// which may be Degraded for a moment only: the caller judges after the pause.
func (w *watcher) wait(ctx context.Context, pause time.Duration, open []Unhealthy) error {
	end := time.NewTimer(pause)
	defer end.Stop()
	left := map[object.Key]bool{}
	for _, a := range open {
		left[a.key] = true
	}
	meddled := false
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-end.C:
			if w.broken.Load() || w.Now().Sub(w.relisted) > relistAfter {
				return w.relist(ctx, open)
			}
			return nil
		case e := <-w.events:
			if w.take(ctx, e) {
				meddled = true
				end.Reset(otherWriterGrace)
			}
			if len(w.Track.Unhealthy([]object.Key{e.key})) == 0 {
				delete(left, e.key)
			} else if w.waits[e.key] {
				left[e.key] = true
			}
			if len(left) == 0 && !meddled {
				return nil
			}
		}
	}
}

// take notes the new state of an object. It returns true when somebody else has changed the spec of the object.
func (w *watcher) take(ctx context.Context, e event) (meddled bool) {
	known := w.Track.After[e.key]
	switch {
	case !w.waits[e.key], known != nil && live.NotNewer(e.now.GetResourceVersion(), known.GetResourceVersion()):
		return false
	case e.gone:
		w.Track.After[e.key] = nil
		if ctx.Err() == nil && w.Expires(e.key) {
			w.Track.Expired(e.key)
		}
		return false
	}
	e.now.SetManagedFields(nil) // health does not need them
	w.Track.After[e.key] = e.now
	return known != nil && known.GetGeneration() != e.now.GetGeneration()
}

// relist lists the kinds of the objects in open.
func (w *watcher) relist(ctx context.Context, open []Unhealthy) error {
	s := live.New()
	open = w.others.except(open)
	if err := w.Reader.List(ctx, s, w.listRequest(open)); err != nil {
		return err
	}
	w.relisted = w.Now()
	for _, a := range open {
		if w.Track.After[a.key] = s.Values(a.key, w.Set); w.Track.After[a.key] == nil {
			if ctx.Err() == nil && w.Expires(a.key) {
				w.Track.Expired(a.key)
			}
		}
	}
	return nil
}

// listRequest returns what to list for the objects in open: whole objects, by kind and namespace.
func (w *Waiter) listRequest(open []Unhealthy) observe.ListRequest {
	q := observe.ListRequest{Namespaces: map[cluster.Kind][]string{}, Values: true}
	for _, a := range open {
		k, ns := w.Track.Refs[a.key].Kind, a.key.Namespace
		if !slices.Contains(q.Kinds, k) {
			q.Kinds = append(q.Kinds, k)
		}
		if ns != "" && !slices.Contains(q.Namespaces[k], ns) {
			q.Namespaces[k] = append(q.Namespaces[k], ns)
		}
	}
	return q
}
