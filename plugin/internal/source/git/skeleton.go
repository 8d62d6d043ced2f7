package git

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/placeholder"
)

// skeleton writes the directories of a commit and, for each file in them, a placeholder. All placeholders are one file with
// many names, which takes no space on disk. It writes no symbolic link, so that each name it writes leads to where it says.
type skeleton struct {
	ctx     context.Context
	objects storer.EncodedObjectStorer
	most    int // entries
	limits  Limits
	top     string // directory of this machine
	names   *names
	entries int
	links   []string // symbolic links of the commit, which are placeholders, too
	one     string   // the file whose names the placeholders are; "" before the first

	before *names                               // of the commit that is turned into this one, see turn; nil for none
	known  map[plumbing.Hash][]object.TreeEntry // directories of before
}

func (s *skeleton) write(tree plumbing.Hash, dir string, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("%q: more than %d directories inside each other", dir, maxDepth)
	}
	entries, err := s.tree(tree)
	if err != nil {
		return fmt.Errorf("directory %q: %w", dir, err)
	}
	s.names.dirs[path.Clean(dir)] = entries
	for _, e := range entries {
		name := path.Join(dir, e.Name)
		if err := checkName(e.Name); err != nil {
			return fmt.Errorf("%q: %w", dir+"/"+e.Name, err)
		}
		if s.entries++; s.entries > s.most {
			return tooManyFiles(s.limits.Files)
		}
		if err := s.ctx.Err(); err != nil {
			return err
		}
		if err := s.writeEntry(e, name, depth); err != nil {
			return err
		}
	}
	return nil
}

func (s *skeleton) writeEntry(e object.TreeEntry, name string, depth int) error {
	switch e.Mode {
	case filemode.Dir, filemode.Submodule:
		if err := os.Mkdir(s.at(name), 0o755); err != nil {
			return err
		}
		if e.Mode == filemode.Dir {
			return s.write(e.Hash, name, depth+1)
		}
		return nil
	case filemode.Symlink:
		s.links = append(s.links, name)
		return s.placeholder(name)
	case filemode.Regular, filemode.Executable, filemode.Deprecated:
		return s.placeholder(name)
	}
	return fmt.Errorf("%q: unknown file mode %s", name, e.Mode)
}

func (s *skeleton) at(name string) string { return filepath.Join(s.top, filepath.FromSlash(name)) }

// placeholder gives the placeholder one name more, or begins a new one where the file system allows no more names.
func (s *skeleton) placeholder(name string) error {
	at := s.at(name)
	if s.one != "" && os.Link(s.one, at) == nil {
		return nil
	}
	f, err := os.OpenFile(at, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(placeholder.NotFetched())
	if closed := f.Close(); err == nil {
		err = closed
	}
	s.one = at
	return err
}
