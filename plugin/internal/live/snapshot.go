package live

import (
	"maps"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// Snapshot is what the cluster holds of some kinds: every object that belongs to an ApplySet, ours or not. It comes from one
// list per kind, of metadata only; whole objects are read where metadata does not answer a question. A kind whose list
// failed is not in it. Several goroutines may add lists, but nobody may read meanwhile.
type Snapshot struct {
	mu       sync.Mutex
	listed   map[object.Kind]bool
	absent   map[object.Kind]bool        // the server says that it does not serve the kind at all
	moved    map[object.Kind]object.Kind // the same kind at the version it is served at, where that is another one
	objects  map[object.Key]metav1.Object
	byLabel  map[string][]object.Key // objects by ApplySet id; nil until asked for, and when objects changed
	versions map[Scope]string        // of the metadata lists: where a watch goes on
	rewound  bool
}

// Scope is what one list or watch covers: a kind in one namespace, or in all when Namespace is "".
type Scope struct {
	Kind      object.Kind
	Namespace string
}

// New returns an empty Snapshot.
func New() *Snapshot {
	return &Snapshot{listed: map[object.Kind]bool{}, absent: map[object.Kind]bool{}, moved: map[object.Kind]object.Kind{},
		objects: map[object.Key]metav1.Object{}, versions: map[Scope]string{}}
}

// Object returns the object at k, *unstructured.Unstructured where its values were read; nil when there is none.
func (s *Snapshot) Object(k object.Key) metav1.Object { return s.objects[k] }

// Member returns the object at k if it carries the ApplySet label of set, otherwise nil.
func (s *Snapshot) Member(k object.Key, set string) metav1.Object {
	if u := s.objects[k]; u != nil && u.GetLabels()[record.LabelPartOf] == set {
		return u
	}
	return nil
}

// Values returns the whole object at k if it is a member of set and its values were read, otherwise nil.
func (s *Snapshot) Values(k object.Key, set string) *unstructured.Unstructured {
	u, _ := s.Member(k, set).(*unstructured.Unstructured)
	return u
}

// Carrying returns the objects with the ApplySet label of set. The first call builds an index for all sets.
func (s *Snapshot) Carrying(set string) []object.Key {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byLabel == nil {
		s.byLabel = map[string][]object.Key{}
		for k, u := range s.objects {
			owner := u.GetLabels()[record.LabelPartOf]
			s.byLabel[owner] = append(s.byLabel[owner], k)
		}
	}
	return s.byLabel[set]
}

// Covers reports whether the objects of a kind in one namespace were listed.
func (s *Snapshot) Covers(k object.Kind, namespace string) bool {
	_, everywhere := s.versions[Scope{k, ""}]
	_, there := s.versions[Scope{k, namespace}]
	return everywhere || there
}

// IsListed reports whether a kind was listed.
func (s *Snapshot) IsListed(k object.Kind) bool { return s.listed[k] }

// IsAbsent reports whether the server does not serve a kind.
func (s *Snapshot) IsAbsent(k object.Kind) bool { return s.absent[k] }

// IsRewound reports whether the server's state is older than the record. Then no resourceVersion can be compared.
func (s *Snapshot) IsRewound() bool { return s.rewound }

// Served returns the kind at the version that it was listed at.
func (s *Snapshot) Served(k object.Kind) object.Kind {
	if other, moved := s.moved[k]; moved {
		return other
	}
	return k
}

// Versions returns the resourceVersion of each list of metadata: a watch can start after it.
func (s *Snapshot) Versions() map[Scope]string { return s.versions }

// AddList adds the result of lists of a kind, with the resourceVersion of each.
func (s *Snapshot) AddList(k object.Kind, found []metav1.Object, versions map[Scope]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listed[k] = true
	maps.Copy(s.versions, versions)
	for _, u := range found {
		s.add(k, u)
	}
}

// Add adds one object of a kind, or replaces it. An object of no ApplySet is ignored.
func (s *Snapshot) Add(k object.Kind, u metav1.Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.add(k, u)
}

func (s *Snapshot) add(k object.Kind, u metav1.Object) {
	if u.GetLabels()[record.LabelPartOf] != "" { // some servers ignore label selectors
		s.objects[object.Key{Group: k.Group, Kind: k.Kind, Namespace: u.GetNamespace(), Name: u.GetName()}] = u
		s.byLabel = nil
	}
}

// Drop removes the object at k.
func (s *Snapshot) Drop(k object.Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.objects, k)
	s.byLabel = nil
}

// Unlist makes a kind count as not listed, because no list covers some namespaces. Its metadata stays.
func (s *Snapshot) Unlist(k object.Kind) { delete(s.listed, k) }

// Forget makes a kind count as not listed, and drops its metadata. Whole objects stay.
func (s *Snapshot) Forget(k object.Kind) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, u := range s.objects {
		if _, whole := u.(*unstructured.Unstructured); !whole && key.Group == k.Group && key.Kind == k.Kind {
			delete(s.objects, key)
		}
	}
	delete(s.listed, k)
	s.byLabel = nil
}

// SetAbsent notes that the server does not serve a kind.
func (s *Snapshot) SetAbsent(k object.Kind) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.absent[k] = true
}

// SetServed notes that a kind was listed at another version.
func (s *Snapshot) SetServed(k, at object.Kind) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listed[k], s.moved[k] = true, at
}

// SetRewound notes that the server's state is older than the record.
func (s *Snapshot) SetRewound() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rewound = true
}

// AddVersions adds the resourceVersions of the lists of another snapshot.
func (s *Snapshot) AddVersions(other *Snapshot) { maps.Copy(s.versions, other.versions) }

// Part returns the objects at keys as a snapshot of one app. What is read into it later does not change s.
func (s *Snapshot) Part(keys []object.Key) *Snapshot {
	own := New()
	maps.Copy(own.listed, s.listed)
	maps.Copy(own.absent, s.absent)
	maps.Copy(own.moved, s.moved)
	maps.Copy(own.versions, s.versions)
	own.rewound = s.rewound
	for _, k := range keys {
		if u, ok := s.objects[k]; ok {
			own.objects[k] = u
		}
	}
	return own
}
