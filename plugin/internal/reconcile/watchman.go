package reconcile

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/observe"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

const (
	// mistrust is how long watches are relied on without a look: some proxies swallow events.
	mistrust = 15 * time.Second
	// courtesy is how long another reconciler has to record what it did to an object that is waited for: it may be the
	// one that mended it, with a newer commit.
	courtesy = time.Second
)

// watchman keeps what a pass knows of some objects current while it waits for their health: by one watch per kind, and
// by lists where a watch is not possible.
type watchman struct {
	*pass
	waits  map[record.Key]bool // what it is about
	events chan event
	broken atomic.Bool // a watch has ended
	looked time.Time   // when everything was last listed
}

type event struct {
	key  record.Key
	live *unstructured.Unstructured
	gone bool
}

// watchHealth watches the kinds of the objects in open until ctx ends.
func (p *pass) watchHealth(ctx context.Context, open []ailing) *watchman {
	w := &watchman{pass: p, waits: map[record.Key]bool{}, events: make(chan event), looked: p.Now()}
	for _, a := range open {
		w.waits[a.key] = true
	}
	q := p.lookAt(open)
	for _, k := range q.Kinds {
		for _, namespace := range p.reader().Scopes(k, q.Namespaces[k]) {
			go w.watch(ctx, k, namespace)
		}
	}
	return w
}

func (w *watchman) watch(ctx context.Context, k cluster.Kind, namespace string) {
	_ = w.Cluster.Watch(ctx, k, namespace, record.LabelPartOf+"="+w.id, func(c cluster.Change[*unstructured.Unstructured]) {
		u := c.Object
		key := record.Key{Group: k.Group, Kind: k.Kind, Namespace: u.GetNamespace(), Name: u.GetName()}
		select {
		case w.events <- event{key, u, c.Gone}:
		case <-ctx.Done():
		}
	})
	w.broken.Store(true) // why does not matter: lists do it as well
}

// wait returns when all objects in open are healthy, and otherwise after pause. A Degraded one is left to the caller's
// next look: some are that for a moment only.
func (w *watchman) wait(ctx context.Context, pause time.Duration, open []ailing) error {
	end := time.NewTimer(pause)
	defer end.Stop()
	left := map[record.Key]bool{}
	for _, a := range open {
		left[a.key] = true
	}
	meddled := false
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-end.C:
			if w.broken.Load() || w.Now().Sub(w.looked) > mistrust {
				return w.lookAgain(ctx, open)
			}
			return nil
		case e := <-w.events:
			if w.take(ctx, e) {
				meddled = true
				end.Reset(courtesy)
			}
			if len(w.unhealthy([]record.Key{e.key})) == 0 {
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

// take notes the state of an object, and tells whether somebody else has changed what it is to be.
func (w *watchman) take(ctx context.Context, e event) (meddled bool) {
	known := w.after[e.key]
	switch {
	case !w.waits[e.key], known != nil && notNewer(e.live.GetResourceVersion(), known.GetResourceVersion()):
		return false
	case e.gone:
		w.after[e.key] = nil
		w.noteExpired(ctx, e.key)
		return false
	}
	e.live.SetManagedFields(nil) // they are of no use here
	w.after[e.key] = e.live
	return known != nil && known.GetGeneration() != e.live.GetGeneration()
}

// lookAgain lists the kinds of the objects in open.
func (w *watchman) lookAgain(ctx context.Context, open []ailing) error {
	s := live.New()
	if err := w.reader().List(ctx, s, w.lookAt(open)); err != nil {
		return err
	}
	w.looked = w.Now()
	for _, a := range open {
		if w.after[a.key] = s.Values(a.key, w.id); w.after[a.key] == nil {
			w.noteExpired(ctx, a.key)
		}
	}
	return nil
}

// lookAt says what to read for the whole objects in open.
func (p *pass) lookAt(open []ailing) observe.ListRequest {
	q := observe.ListRequest{Namespaces: map[cluster.Kind][]string{}, Values: true}
	for _, a := range open {
		k, ns := p.refs[a.key].Kind, a.key.Namespace
		if !slices.Contains(q.Kinds, k) {
			q.Kinds = append(q.Kinds, k)
		}
		if ns != "" && !slices.Contains(q.Namespaces[k], ns) {
			q.Namespaces[k] = append(q.Namespaces[k], ns)
		}
	}
	return q
}

func keysOf(open []ailing) []record.Key {
	keys := make([]record.Key, len(open))
	for i, a := range open {
		keys[i] = a.key
	}
	return keys
}
