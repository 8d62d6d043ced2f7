package target

import (
	"context"
	"sync"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/sources"
)

// maxShared is how many trees of sources are kept while nobody reads them.
const maxShared = 8

// sharedTrees keep the trees of sources that were fetched: many apps may lie in one of them. The last ones stay until close.
type sharedTrees struct {
	mu    sync.Mutex
	trees map[string]*sharedTree
	order []string // keys of trees, the oldest first
}

type sharedTree struct {
	ready   chan struct{} // closed when it is open, or cannot be opened
	tree    sources.Tree
	err     error
	readers int
}

// get returns the tree of a key, which open opens if it is not there. The caller closes it.
func (s *sharedTrees) get(ctx context.Context, key string, open func() (sources.Tree, error)) (sources.Tree, error) {
	for {
		t, mine := s.take(key)
		if mine {
			t.tree, t.err = open()
			s.opened(key, t)
			if t.err != nil {
				return sources.Tree{}, t.err
			}
			return s.shared(t), nil
		}
		select {
		case <-t.ready:
		case <-ctx.Done():
			s.release(t)
			return sources.Tree{}, ctx.Err()
		}
		if t.err == nil {
			return s.shared(t), nil
		}
		s.release(t) // whoever opened it may have had less time: the next one tries again
		if ctx.Err() != nil {
			return sources.Tree{}, ctx.Err()
		}
	}
}

// take returns the tree of a key with one reader more. mine says that the caller has to open it.
func (s *sharedTrees) take(key string) (t *sharedTree, mine bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t = s.trees[key]; t == nil {
		t, mine = &sharedTree{ready: make(chan struct{})}, true
		s.trees[key] = t
		s.order = append(s.order, key)
	}
	t.readers++
	return t, mine
}

// opened lets others read a tree, or forgets it when it could not be opened.
func (s *sharedTrees) opened(key string, t *sharedTree) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.err != nil {
		s.drop(key)
	}
	close(t.ready)
}

// shared is a tree whose Close ends the reading of one caller.
func (s *sharedTrees) shared(t *sharedTree) sources.Tree {
	tree := t.tree
	tree.Close = func() { s.release(t) }
	return tree
}

// release takes one reader off a tree, and closes the oldest trees that nobody reads when there are too many.
func (s *sharedTrees) release(t *sharedTree) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t.readers--
	for i := 0; i < len(s.order) && len(s.order) > maxShared; {
		key := s.order[i]
		if old := s.trees[key]; old.readers == 0 {
			s.drop(key)
			old.tree.Close()
		} else {
			i++
		}
	}
}

// drop forgets a tree.
func (s *sharedTrees) drop(key string) {
	delete(s.trees, key)
	for i, other := range s.order {
		if other == key {
			s.order = append(s.order[:i], s.order[i+1:]...)
			return
		}
	}
}

// close closes all trees. Nobody reads any more.
func (s *sharedTrees) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, key := range s.order {
		if t := s.trees[key]; t.tree.Close != nil {
			t.tree.Close()
		}
	}
	s.trees, s.order = map[string]*sharedTree{}, nil
}
