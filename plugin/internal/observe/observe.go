package observe

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/concurrent"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

const (
	// AtOnce bounds how many reads run at once.
	AtOnce = 8
	// Few objects of a kind are read one by one, more of them by one list.
	Few = 3
	// manyObjects is when a list is asked for in pages.
	manyObjects = 3000
)

// Cluster are the read verbs of *cluster.Client, which implements it.
type Cluster interface {
	List(ctx context.Context, k object.Kind, namespace, selector string) ([]unstructured.Unstructured, string, error)
	ListMetadata(ctx context.Context, k object.Kind, namespace, selector string, read cluster.Read) ([]metav1.PartialObjectMetadata, string, error)
	Get(ctx context.Context, r object.Ref) (*unstructured.Unstructured, error)
	Served(ctx context.Context, gvk schema.GroupVersionKind) (object.Kind, error)
}

// Reader reads with the rights of one identity, and remembers which lists the server refused. Several goroutines may use it.
type Reader struct {
	Cluster Cluster

	refused sync.Map // kinds that may not be listed in the whole cluster
}

// ListRequest says what to list, and how fresh and whole.
type ListRequest struct {
	Kinds        []object.Kind
	Namespaces   map[object.Kind][]string // where objects of the kind are expected
	NotOlderThan string                   // resourceVersion of our last write; "" asks for a consistent list
	Values       bool                     // whole objects, not their metadata

	expect map[object.Kind]int // how many objects
}

// For returns the request that lists the kinds of rows.
func For(rows iter.Seq2[object.Key, record.Row]) ListRequest {
	q := ListRequest{Namespaces: map[object.Kind][]string{}, expect: map[object.Kind]int{}}
	spaces := map[object.Kind]map[string]bool{}
	for _, row := range rows {
		k := row.Ref.Kind
		if spaces[k] == nil {
			spaces[k] = map[string]bool{}
		}
		q.expect[k]++
		if row.Namespace != "" {
			spaces[k][row.Namespace] = true
		}
	}
	for k, set := range spaces {
		q.Kinds = append(q.Kinds, k)
		q.Namespaces[k] = slices.Sorted(maps.Keys(set))
	}
	return q
}

// List lists the kinds that s does not have yet. If one list fails, nothing is added for its kind, and List fails.
func (r *Reader) List(ctx context.Context, s *live.Snapshot, q ListRequest) error {
	return r.listKinds(ctx, s, slices.DeleteFunc(slices.Clone(q.Kinds), func(k object.Kind) bool { return s.IsListed(k) || s.IsAbsent(k) }), q)
}

func (r *Reader) listKinds(ctx context.Context, s *live.Snapshot, kinds []object.Kind, q ListRequest) error {
	errs := make([]error, len(kinds))
	concurrent.Each(ctx, len(kinds), AtOnce, func(i int) { errs[i] = r.listKind(ctx, s, kinds[i], q) })
	return errors.Join(append(errs, ctx.Err())...)
}

// listKind makes one list of a kind. Where it is forbidden in the whole cluster each namespace is listed.
func (r *Reader) listKind(ctx context.Context, s *live.Snapshot, k object.Kind, q ListRequest) error {
	spaces := q.Namespaces[k]
	everywhere := r.Scopes(k, spaces)
	err := r.ListIn(ctx, s, k, everywhere, q)
	if apierrors.IsForbidden(err) && k.Namespaced && len(spaces) > 1 && len(everywhere) == 1 {
		r.refused.Store(k, true)
		err = r.ListIn(ctx, s, k, spaces, q)
	}
	if apierrors.IsNotFound(err) {
		return r.notServed(ctx, s, k, q, err)
	}
	if apierrors.IsForbidden(err) {
		return hint.With(err, "%s", cluster.RightsOn(k, everywhere[0]))
	}
	return err
}

// Scopes returns where to list or watch a kind whose objects are in spaces: their only namespace, or the whole cluster (""),
// or each namespace after the server has refused the whole cluster.
func (r *Reader) Scopes(k object.Kind, spaces []string) []string {
	if _, refused := r.refused.Load(k); k.Namespaced && (len(spaces) == 1 || refused && len(spaces) > 1) {
		return spaces
	}
	return []string{""}
}

// ListIn lists a kind in namespaces; "" is all of them.
func (r *Reader) ListIn(ctx context.Context, s *live.Snapshot, k object.Kind, namespaces []string, q ListRequest) error {
	var found []metav1.Object
	versions := map[live.Scope]string{}
	for _, ns := range namespaces {
		if q.Values {
			items, _, err := r.Cluster.List(ctx, k, ns, record.LabelPartOf)
			if err != nil {
				return err
			}
			for i := range items {
				found = append(found, &items[i])
			}
			continue
		}
		read := cluster.Read{NotOlderThan: q.NotOlderThan, Many: q.expect[k] > manyObjects}
		items, version, err := r.Cluster.ListMetadata(ctx, k, ns, record.LabelPartOf, read)
		if errors.Is(err, cluster.ErrRewound) {
			s.SetRewound()
			items, version, err = r.Cluster.ListMetadata(ctx, k, ns, record.LabelPartOf, cluster.Read{Many: read.Many})
		}
		if err != nil {
			return err
		}
		for i := range items {
			found = append(found, &items[i])
		}
		versions[live.Scope{Kind: k, Namespace: ns}] = version
	}
	s.AddList(k, found, versions)
	return nil
}

// notServed decides what a 404 on a whole collection means: never that all objects are gone.
func (r *Reader) notServed(ctx context.Context, s *live.Snapshot, k object.Kind, q ListRequest, listErr error) error {
	other, err := r.Cluster.Served(ctx, k.GVK())
	var unknown *cluster.UnknownKindError
	switch {
	case errors.As(err, &unknown):
		s.SetAbsent(k)
		return nil
	case err != nil:
		return err
	case other == k:
		return listErr
	}
	q.Namespaces = maps.Clone(q.Namespaces) // other kinds are listed at the same time
	q.Namespaces[other] = q.Namespaces[k]
	if err := r.listKind(ctx, s, other, q); err != nil {
		return err
	}
	s.SetServed(k, other)
	return nil
}

// Again lists kinds again, consistently: an object missing in a list from the server's cache may exist.
func (r *Reader) Again(ctx context.Context, s *live.Snapshot, q ListRequest) error {
	for _, k := range q.Kinds {
		s.Forget(k)
	}
	q.NotOlderThan = ""
	return r.List(ctx, s, q)
}

// Values reads the whole objects at refs: one by one where a kind has few, by a list where it has many. An object that is
// gone is dropped from the snapshot. With a set, whole objects that are not its members are read again.
func (r *Reader) Values(ctx context.Context, s *live.Snapshot, refs []object.Ref, set string) error {
	byKind := map[object.Kind][]object.Ref{}
	for _, ref := range refs {
		if u, whole := s.Object(object.KeyOf(ref)).(*unstructured.Unstructured); !whole || set != "" && u.GetLabels()[record.LabelPartOf] != set {
			byKind[ref.Kind] = append(byKind[ref.Kind], ref)
		}
	}
	var single []object.Ref
	q := ListRequest{Namespaces: map[object.Kind][]string{}, Values: true}
	for k, list := range byKind {
		if len(list) <= Few {
			single = append(single, list...)
			continue
		}
		q.Kinds = append(q.Kinds, k)
		for _, ref := range list {
			if !slices.Contains(q.Namespaces[k], ref.Namespace) {
				q.Namespaces[k] = append(q.Namespaces[k], ref.Namespace)
			}
		}
	}
	if err := r.listKinds(ctx, s, q.Kinds, q); err != nil {
		return err
	}
	errs := make([]error, len(single))
	concurrent.Each(ctx, len(single), AtOnce, func(i int) {
		at := single[i]
		at.Kind = s.Served(at.Kind)
		u, err := r.Cluster.Get(ctx, at)
		switch {
		case apierrors.IsNotFound(err):
			s.Drop(object.KeyOf(single[i]))
		case err != nil:
			errs[i] = err
		default:
			s.Drop(object.KeyOf(single[i]))
			s.Add(single[i].Kind, u)
		}
	})
	return errors.Join(append(errs, ctx.Err())...)
}
