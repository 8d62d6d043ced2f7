package cluster

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"
)

// ErrCompacted means that the server no longer has the changes since the resourceVersion of a watch. The caller must list the
// objects again.
var ErrCompacted = errors.New("the API server has compacted the history of a watch")

// errClosed ends one connection of a watch, as the server does every few minutes.
var errClosed = errors.New("the connection was closed")

// Change is one event of a watch.
type Change[T metav1.Object] struct {
	Object T    // after the change; as it was last, when it is gone
	Gone   bool // it was deleted, or no longer has the labels
}

// WatchMetadata calls each for every change of the metadata of the objects of a kind that have the labels of selector. It
// begins after the resourceVersion after, and reports changes in order and without gaps. It connects again when the server
// closes the connection. It returns the error of ctx when that ends, ErrCompacted when it cannot go on without a gap, or what
// the server refuses.
func (c *Client) WatchMetadata(ctx context.Context, k Kind, namespace, selector, after string, each func(Change[*metav1.PartialObjectMetadata])) error {
	if _, err := k.Collection(namespace); err != nil {
		return err
	}
	client, err := metadata.NewForConfigAndClient(metadata.ConfigFor(c.config), c.http)
	if err != nil {
		return err
	}
	return keepWatching(ctx, client.Resource(resourceOf(k)).Namespace(namespace), k, selector, after, each)
}

// Watch is WatchMetadata with whole objects. It first calls each for all objects that exist.
func (c *Client) Watch(ctx context.Context, k Kind, namespace, selector string, each func(Change[*unstructured.Unstructured])) error {
	if _, err := k.Collection(namespace); err != nil {
		return err
	}
	client, err := dynamic.NewForConfigAndClient(dynamic.ConfigFor(c.config), c.http)
	if err != nil {
		return err
	}
	return keepWatching(ctx, client.Resource(resourceOf(k)).Namespace(namespace), k, selector, "", each)
}

func resourceOf(k Kind) schema.GroupVersionResource {
	return k.GVK().GroupVersion().WithResource(k.Resource)
}

type watcher interface {
	Watch(ctx context.Context, o metav1.ListOptions) (watch.Interface, error)
}

func keepWatching[T metav1.Object](ctx context.Context, from watcher, k Kind, selector, after string, each func(Change[T])) error {
	for try := 1; ; try++ {
		seconds := int64(240 + rand.IntN(120)) // so that many watches do not end at once
		w, err := from.Watch(ctx, metav1.ListOptions{LabelSelector: selector, ResourceVersion: after,
			AllowWatchBookmarks: true, TimeoutSeconds: &seconds})
		if err == nil {
			var progress bool
			after, progress, err = follow(ctx, w, after, each)
			if progress {
				try = 0
			}
			if err == nil {
				err = errClosed
			}
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case apierrors.IsResourceExpired(err), apierrors.IsGone(err):
			return ErrCompacted
		case apierrors.IsForbidden(err), apierrors.IsNotFound(err), apierrors.IsMethodNotSupported(err), try >= attempts:
			return fmt.Errorf("watch %s: %w", k.Resource, err)
		}
		pause, _ := retryAfter(err, max(try, 1))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// follow reads one connection until it ends and returns the resourceVersion to continue from, and whether it moved.
func follow[T metav1.Object](ctx context.Context, w watch.Interface, after string, each func(Change[T])) (string, bool, error) {
	defer w.Stop()
	progress := false
	for {
		var event watch.Event
		var ok bool
		select {
		case <-ctx.Done():
			return after, progress, ctx.Err()
		case event, ok = <-w.ResultChan():
		}
		if !ok {
			return after, progress, nil
		}
		if event.Type == watch.Error {
			return after, progress, apierrors.FromObject(event.Object)
		}
		u, expected := event.Object.(T)
		if !expected {
			return after, progress, fmt.Errorf("unexpected %T in a watch", event.Object)
		}
		after, progress = u.GetResourceVersion(), true
		if event.Type != watch.Bookmark {
			each(Change[T]{Object: u, Gone: event.Type == watch.Deleted})
		}
	}
}
