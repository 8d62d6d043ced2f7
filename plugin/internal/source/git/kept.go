package git

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// Kept is the checkout of the commit that was closed last. The next commit begins with it: the server sends the directories that
// changed, and files that did not change stay. Whoever makes a Kept calls Close when no further commit is opened.
type Kept struct {
	mu    sync.Mutex
	last  *partial
	ended bool
}

// Close removes what is kept. A checkout that is closed later is removed then.
func (k *Kept) Close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.ended = true
	if k.last != nil {
		k.last.remove()
		k.last = nil
	}
}

// give keeps a checkout that nobody reads any more, instead of the one before.
func (k *Kept) give(p *partial) {
	if k == nil || p.bytes > p.repo.Limits.Bytes/2 { // so much was read over time that it is better to begin anew
		p.remove()
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	before := k.last
	if k.ended {
		before = p
	} else {
		k.last = p
	}
	if before != nil {
		before.remove()
	}
}

// take returns what is kept of a repository, nil when nothing is.
func (k *Kept) take(of Repo) *partial {
	if k == nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	p := k.last
	if p != nil && p.repo.URL != of.URL {
		return nil
	}
	k.last = nil
	return p
}

// tree returns the entries of a directory: those that were sent or, of one that the commit before has somewhere, the known ones.
func (s *skeleton) tree(h plumbing.Hash) ([]object.TreeEntry, error) {
	t, err := getTree(s.objects, h)
	if err == nil {
		return t.Entries, nil
	}
	if !errors.Is(err, plumbing.ErrObjectNotFound) || s.before == nil {
		return nil, err
	}
	if s.known == nil {
		s.known = map[plumbing.Hash][]object.TreeEntry{s.before.top: s.before.dirs["."]}
		for dir, entries := range s.before.dirs {
			for _, e := range entries {
				if e.Mode == filemode.Dir {
					s.known[e.Hash] = s.before.dirs[path.Join(dir, e.Name)]
				}
			}
		}
	}
	entries, found := s.known[h]
	if !found {
		return nil, err
	}
	return entries, nil
}

// turn makes of a directory of the commit before what it is now.
func (s *skeleton) turn(dir string, now plumbing.Hash, p *partial, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("%q: more than %d directories inside each other", dir, maxDepth)
	}
	was := map[string]object.TreeEntry{}
	for _, e := range s.before.dirs[dir] {
		was[e.Name] = e
	}
	entries, err := s.tree(now)
	if err != nil {
		return fmt.Errorf("directory %q: %w", dir, err)
	}
	same, seen := map[string]bool{}, map[string]bool{}
	for _, e := range entries {
		old := was[e.Name]
		if seen[e.Name] {
			return fmt.Errorf("%q: the directory has two entries of this name", path.Join(dir, e.Name))
		}
		seen[e.Name] = true
		same[e.Name] = old == e || old.Mode == filemode.Dir && e.Mode == filemode.Dir
	}
	for name := range was {
		if same[name] {
			continue
		}
		if err := p.forget(s.names, path.Join(dir, name)); err != nil {
			return err
		}
	}
	s.names.dirs[dir] = entries
	for _, e := range entries {
		name := path.Join(dir, e.Name)
		if err := checkName(e.Name); err != nil {
			return fmt.Errorf("%q: %w", name, err)
		}
		switch old := was[e.Name]; {
		case old == e:
			continue
		case same[e.Name]:
			err = s.turn(name, e.Hash, p, depth+1)
		default:
			p.changed(name)
			err = s.writeEntry(e, name, depth)
		}
		if err == nil {
			err = s.ctx.Err()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// forget removes what lay at a path.
func (p *partial) forget(n *names, name string) error {
	p.changed(name)
	below := func(other string) bool { return other == name || strings.HasPrefix(other, name+"/") }
	maps.DeleteFunc(n.dirs, func(dir string, _ []object.TreeEntry) bool { return below(dir) })
	maps.DeleteFunc(p.asked, func(dir string, _ bool) bool { return below(dir) })
	maps.DeleteFunc(p.have, func(file string, size int64) bool {
		if below(file) {
			p.bytes -= size
		}
		return below(file)
	})
	return p.files.RemoveAll(name)
}

// changed notes that not everything that is wanted of the directories above a path is there any more.
func (p *partial) changed(name string) {
	for name != "." {
		name = path.Dir(name)
		delete(p.asked, name)
	}
}
