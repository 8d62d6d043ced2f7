package reconcile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/fields"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// readsInFlight bounds how many lists run at once.
const readsInFlight = 8

// snapshot is what the cluster holds of some kinds: every object that is a member of an ApplySet, ours or not. It
// comes from one list per kind; a kind whose list failed is not in it.
type snapshot struct {
	mu      sync.Mutex
	listed  map[cluster.Kind]bool
	absent  map[cluster.Kind]bool // the server says that it does not serve the kind at all
	objects map[record.Key]*unstructured.Unstructured
}

func newSnapshot() *snapshot {
	return &snapshot{listed: map[cluster.Kind]bool{}, absent: map[cluster.Kind]bool{},
		objects: map[record.Key]*unstructured.Unstructured{}}
}

// member returns the live object at k if it carries the ApplySet label of id.
func (s *snapshot) member(k record.Key, id string) *unstructured.Unstructured {
	if u := s.objects[k]; u != nil && u.GetLabels()[record.LabelPartOf] == id {
		return u
	}
	return nil
}

// observe lists the kinds that s does not hold yet. namespaces are tried one by one where a kind may not be listed in
// the whole cluster. Any failure fails the whole: nothing is concluded from a part of a list.
func (r *Reconciler) observe(ctx context.Context, s *snapshot, kinds []cluster.Kind, namespaces map[cluster.Kind][]string) error {
	kinds = slices.DeleteFunc(slices.Clone(kinds), func(k cluster.Kind) bool { return s.listed[k] || s.absent[k] })
	errs := make([]error, len(kinds))
	parallel(ctx, len(kinds), readsInFlight, func(i int) {
		errs[i] = r.observeKind(ctx, s, kinds[i], namespaces[kinds[i]])
	})
	return errors.Join(append(errs, ctx.Err())...)
}

func (r *Reconciler) observeKind(ctx context.Context, s *snapshot, k cluster.Kind, namespaces []string) error {
	items, _, err := r.Cluster.List(ctx, k, "", record.LabelPartOf)
	switch {
	case apierrors.IsForbidden(err) && k.Namespaced && len(namespaces) > 0:
		items = nil
		for _, ns := range namespaces {
			part, _, err := r.Cluster.List(ctx, k, ns, record.LabelPartOf)
			if err != nil {
				return err
			}
			items = append(items, part...)
		}
	case apierrors.IsNotFound(err):
		return r.notServed(ctx, s, k, err)
	case err != nil:
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listed[k] = true
	for i := range items {
		u := &items[i]
		if u.GetLabels()[record.LabelPartOf] == "" {
			continue // a server that ignores label selectors
		}
		s.objects[record.Key{Group: k.Group, Kind: k.Kind, Namespace: u.GetNamespace(), Name: u.GetName()}] = u
	}
	return nil
}

// notServed settles what a 404 on a whole collection means: never that all objects are gone.
func (r *Reconciler) notServed(ctx context.Context, s *snapshot, k cluster.Kind, listErr error) error {
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
	if err := r.observeKind(ctx, s, other, nil); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listed[k] = true
	return nil
}

// verdict says how a recorded object compares with the live one.
type verdict int

const (
	clean       verdict = iota
	drifted             // a field we own has another value, or is no longer ours
	missing             // not in the list: deleted, or its label was removed
	replaced            // another object of the same name
	terminating         // being deleted
	unsettled           // written ahead, or failed: must be applied again
	kindAbsent          // the server does not serve the kind (any more)
)

// judge compares a row with the live object. It looks at values, not only at managedFields: those can stay unchanged
// while values change (a second apply under our name, a mutating webhook).
func judge(inv *record.Inventory, row record.Row, s *snapshot, id string) verdict {
	live := s.member(record.KeyOf(row.Ref), id)
	switch {
	case s.absent[row.Ref.Kind]:
		return kindAbsent
	case live == nil:
		if row.Manifest == "" {
			return unsettled
		}
		return missing
	case live.GetDeletionTimestamp() != nil:
		return terminating
	case row.Manifest == "" || row.UID == "":
		return unsettled
	case live.GetUID() != row.UID:
		return replaced
	case live.GetResourceVersion() == row.ResourceVersion:
		return clean
	}
	set, ok, err := fields.Applied(live, record.Manager)
	if err != nil || !ok || fields.Digest(inv.Secret, live, set) != row.Owned {
		return drifted
	}
	return clean
}

// namespacesOf lists the namespaces in which the rows of each kind are.
func namespacesOf(rows map[record.Key]record.Row) map[cluster.Kind][]string {
	sets := map[cluster.Kind]map[string]bool{}
	for _, row := range rows {
		if sets[row.Ref.Kind] == nil {
			sets[row.Ref.Kind] = map[string]bool{}
		}
		if row.Namespace != "" {
			sets[row.Ref.Kind][row.Namespace] = true
		}
	}
	out := map[cluster.Kind][]string{}
	for k, set := range sets {
		out[k] = slices.Sorted(maps.Keys(set))
	}
	return out
}

// parallel calls do(0..n-1), at most limit at once, and returns when all calls did. Once ctx ends no call is started.
func parallel(ctx context.Context, n, limit int, do func(i int)) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, limit)
	for i := range n {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		wg.Go(func() {
			defer func() { <-slots }()
			do(i)
		})
	}
	wg.Wait()
}

// errInterrupted ends a pass that was told to stop.
var errInterrupted = fmt.Errorf("interrupted: no more was written; the next run continues: %w", context.Canceled)
