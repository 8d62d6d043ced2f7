package reconcile

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

const (
	// readsInFlight bounds how many reads run at once.
	readsInFlight = 8
	// manyObjects is when a list is asked for in pages.
	manyObjects = 3000
	// fewObjects are read one by one, more of a kind by one list.
	fewObjects = 3
)

// snapshot is what the cluster holds of some kinds: every object that is a member of an ApplySet, ours or not. It
// comes from one list per kind, of metadata only; values are read where metadata leaves a question open. A kind whose
// list failed is not in it.
type snapshot struct {
	mu       sync.Mutex
	listed   map[cluster.Kind]bool
	absent   map[cluster.Kind]bool         // the server says that it does not serve the kind at all
	moved    map[cluster.Kind]cluster.Kind // the same kind at the version it is served at, where that is another one
	objects  map[record.Key]metav1.Object  // *unstructured.Unstructured where the values were read
	byLabel  map[string][]record.Key       // objects by ApplySet id; nil until asked for, and when objects changed
	versions map[scope]string              // of the metadata lists: where a watch goes on
	rewound  bool                          // the server's state is older than the record: no version tells anything

	takes map[record.Key]*handover // what other apps hand over to the app this is for
	gives map[record.Key]bool      // what that app hands over to others
}

// scope is what one list or watch covers: a kind in one namespace, or in all when that is empty.
type scope struct {
	kind      cluster.Kind
	namespace string
}

func newSnapshot() *snapshot {
	return &snapshot{listed: map[cluster.Kind]bool{}, absent: map[cluster.Kind]bool{}, moved: map[cluster.Kind]cluster.Kind{}, objects: map[record.Key]metav1.Object{}, versions: map[scope]string{}}
}

// member returns the live object at k if it carries the ApplySet label of id, otherwise nil.
func (s *snapshot) member(k record.Key, id string) metav1.Object {
	if u := s.objects[k]; u != nil && u.GetLabels()[record.LabelPartOf] == id {
		return u
	}
	return nil
}

// values returns the whole live object at k if it is a member of id and its values were read, otherwise nil.
func (s *snapshot) values(k record.Key, id string) *unstructured.Unstructured {
	u, _ := s.member(k, id).(*unstructured.Unstructured)
	return u
}

// covers tells whether the objects of a kind in one namespace were listed.
func (s *snapshot) covers(k cluster.Kind, namespace string) bool {
	_, everywhere := s.versions[scope{k, ""}]
	_, there := s.versions[scope{k, namespace}]
	return everywhere || there
}

// carrying lists the objects with the ApplySet label of id. Many apps ask one snapshot, which is gone through once.
func (s *snapshot) carrying(id string) []record.Key {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byLabel == nil {
		s.byLabel = map[string][]record.Key{}
		for k, u := range s.objects {
			owner := u.GetLabels()[record.LabelPartOf]
			s.byLabel[owner] = append(s.byLabel[owner], k)
		}
	}
	return s.byLabel[id]
}

// drop forgets the object at k.
func (s *snapshot) drop(k record.Key) {
	delete(s.objects, k)
	s.byLabel = nil
}

func (s *snapshot) add(k cluster.Kind, u metav1.Object) {
	if u.GetLabels()[record.LabelPartOf] != "" { // some servers ignore label selectors
		s.objects[record.Key{Group: k.Group, Kind: k.Kind, Namespace: u.GetNamespace(), Name: u.GetName()}] = u
		s.byLabel = nil
	}
}

// look says what to list, and how.
type look struct {
	kinds      []cluster.Kind
	namespaces map[cluster.Kind][]string // where objects of the kind are expected
	expect     map[cluster.Kind]int      // how many
	after      string                    // resourceVersion of our last write; "" = consistent
	whole      bool                      // with values
}

// lookFor says how to list the kinds of the rows.
func lookFor(rows map[record.Key]record.Row) look {
	l := look{namespaces: map[cluster.Kind][]string{}, expect: map[cluster.Kind]int{}}
	spaces := map[cluster.Kind]map[string]bool{}
	for _, row := range rows {
		k := row.Ref.Kind
		if spaces[k] == nil {
			spaces[k] = map[string]bool{}
		}
		l.expect[k]++
		if row.Namespace != "" {
			spaces[k][row.Namespace] = true
		}
	}
	for k, set := range spaces {
		l.kinds = append(l.kinds, k)
		l.namespaces[k] = slices.Sorted(maps.Keys(set))
	}
	return l
}

// observe lists the kinds that s does not hold yet. Any failure fails the whole: nothing is concluded from a part of
// a list.
func (r *Reconciler) observe(ctx context.Context, s *snapshot, l look) error {
	r.memory()
	kinds := slices.DeleteFunc(slices.Clone(l.kinds), func(k cluster.Kind) bool { return s.listed[k] || s.absent[k] })
	errs := make([]error, len(kinds))
	parallel(ctx, len(kinds), readsInFlight, func(i int) { errs[i] = r.observeKind(ctx, s, kinds[i], l) })
	return errors.Join(append(errs, ctx.Err())...)
}

// observeKind makes one list of a kind. Where it is forbidden in the whole cluster each namespace is listed.
func (r *Reconciler) observeKind(ctx context.Context, s *snapshot, k cluster.Kind, l look) error {
	spaces := l.namespaces[k]
	everywhere := r.scopes(k, spaces)
	err := r.listInto(ctx, s, k, everywhere, l)
	if apierrors.IsForbidden(err) && k.Namespaced && len(spaces) > 1 && len(everywhere) == 1 {
		r.memory().refused.Store(k, true)
		err = r.listInto(ctx, s, k, spaces, l)
	}
	if apierrors.IsNotFound(err) {
		return r.notServed(ctx, s, k, l, err)
	}
	return mayNot(err, k, everywhere[0])
}

// scopes is where to list or watch a kind whose objects are in spaces: their only namespace, the whole cluster ("") or,
// after that was refused, each of them.
func (r *Reconciler) scopes(k cluster.Kind, spaces []string) []string {
	if _, refused := r.memory().refused.Load(k); k.Namespaced && (len(spaces) == 1 || refused && len(spaces) > 1) {
		return spaces
	}
	return []string{""}
}

func (r *Reconciler) listInto(ctx context.Context, s *snapshot, k cluster.Kind, namespaces []string, l look) error {
	var found []metav1.Object
	versions := map[scope]string{}
	for _, ns := range namespaces {
		if l.whole {
			items, _, err := r.Cluster.List(ctx, k, ns, record.LabelPartOf)
			if err != nil {
				return err
			}
			for i := range items {
				found = append(found, &items[i])
			}
			continue
		}
		read := cluster.Read{NotOlderThan: l.after, Many: l.expect[k] > manyObjects}
		items, version, err := r.Cluster.ListMetadata(ctx, k, ns, record.LabelPartOf, read)
		if errors.Is(err, cluster.ErrRewound) {
			s.mu.Lock()
			s.rewound = true
			s.mu.Unlock()
			items, version, err = r.Cluster.ListMetadata(ctx, k, ns, record.LabelPartOf, cluster.Read{Many: read.Many})
		}
		if err != nil {
			return err
		}
		for i := range items {
			found = append(found, &items[i])
		}
		versions[scope{k, ns}] = version
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listed[k] = true
	maps.Copy(s.versions, versions)
	for _, u := range found {
		s.add(k, u)
	}
	return nil
}

// notServed settles what a 404 on a whole collection means: never that all objects are gone.
func (r *Reconciler) notServed(ctx context.Context, s *snapshot, k cluster.Kind, l look, listErr error) error {
	other, err := r.Cluster.Served(ctx, k.GVK())
	var unknown *cluster.UnknownKindError
	switch {
	case errors.As(err, &unknown):
		s.mu.Lock()
		defer s.mu.Unlock()
		s.absent[k] = true
		return nil
	case err != nil:
		return err
	case other == k:
		return listErr
	}
	l.namespaces[other] = l.namespaces[k]
	if err := r.observeKind(ctx, s, other, l); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listed[k], s.moved[k] = true, other
	return nil
}

// again lists kinds once more, consistently: what is missing in a list that may be a moment old is not known to be
// missing.
func (r *Reconciler) again(ctx context.Context, s *snapshot, l look) error {
	for k, u := range s.objects {
		if slices.ContainsFunc(l.kinds, func(kind cluster.Kind) bool { return kind.Group == k.Group && kind.Kind == k.Kind }) {
			if _, whole := u.(*unstructured.Unstructured); !whole {
				s.drop(k)
			}
		}
	}
	for _, k := range l.kinds {
		delete(s.listed, k)
	}
	l.after = ""
	return r.observe(ctx, s, l)
}

// readValues reads the whole objects at refs: one by one where they are few of a kind, by a list where they are many.
// An object that is gone meanwhile leaves the snapshot. With an id, whole objects that are not its members are read again.
func (r *Reconciler) readValues(ctx context.Context, s *snapshot, refs []cluster.Ref, id string) error {
	byKind := map[cluster.Kind][]cluster.Ref{}
	for _, ref := range refs {
		if u, whole := s.objects[record.KeyOf(ref)].(*unstructured.Unstructured); !whole || id != "" && u.GetLabels()[record.LabelPartOf] != id {
			byKind[ref.Kind] = append(byKind[ref.Kind], ref)
		}
	}
	var single []cluster.Ref
	l := look{namespaces: map[cluster.Kind][]string{}, whole: true}
	for k, list := range byKind {
		if len(list) <= fewObjects {
			single = append(single, list...)
			continue
		}
		l.kinds = append(l.kinds, k)
		for _, ref := range list {
			if !slices.Contains(l.namespaces[k], ref.Namespace) {
				l.namespaces[k] = append(l.namespaces[k], ref.Namespace)
			}
		}
		delete(s.listed, k)
	}
	if err := r.observe(ctx, s, l); err != nil {
		return err
	}
	errs := make([]error, len(single))
	parallel(ctx, len(single), readsInFlight, func(i int) {
		at := single[i]
		if k, moved := s.moved[at.Kind]; moved {
			at.Kind = k
		}
		u, err := r.Cluster.Get(ctx, at)
		s.mu.Lock()
		defer s.mu.Unlock()
		switch {
		case apierrors.IsNotFound(err):
			s.drop(record.KeyOf(single[i]))
		case err != nil:
			errs[i] = err
		default:
			s.drop(record.KeyOf(single[i]))
			s.add(single[i].Kind, u)
		}
	})
	return errors.Join(append(errs, ctx.Err())...)
}
