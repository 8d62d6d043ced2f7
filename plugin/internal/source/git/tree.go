package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/placeholder"
)

const (
	maxDepth  = 256
	maxTarget = 4096 // bytes of a symbolic link's target
)

// treeWriter writes Git trees. Every write goes through an os.Root and creates a new entry, so a tree that names an
// entry twice, or a link where it later writes, cannot leave the directory. dir, the path from the top, is for messages.
type treeWriter struct {
	ctx     context.Context
	objects storer.EncodedObjectStorer
	limits  Limits
	bytes   int64
	entries int
	dirs    map[string][]object.TreeEntry // what was written, by path
	partial bool                          // the repository may lack objects: a placeholder is written for each
}

func (w *treeWriter) write(root *os.Root, tree plumbing.Hash, dir string, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("%q: more than %d directories inside each other", dir, maxDepth)
	}
	t, err := getTree(w.objects, tree)
	if err != nil {
		return fmt.Errorf("directory %q: %w", dir, err)
	}
	w.dirs[path.Clean(dir)] = t.Entries
	for _, e := range t.Entries {
		name := path.Join(dir, e.Name)
		if err := checkName(e.Name); err != nil {
			return fmt.Errorf("%q: %w", dir+"/"+e.Name, err)
		}
		if w.entries++; w.entries > w.limits.Files {
			return tooManyFiles(w.limits.Files)
		}
		if err := w.ctx.Err(); err != nil {
			return err
		}
		if err := w.writeEntry(root, e, name, depth); err != nil {
			return err
		}
	}
	return nil
}

func (w *treeWriter) writeEntry(root *os.Root, e object.TreeEntry, name string, depth int) error {
	switch e.Mode {
	case filemode.Dir:
		if w.lacks(plumbing.TreeObject, e.Hash) {
			return w.writePlaceholder(root, e, name)
		}
		sub, err := makeDir(root, e.Name)
		if err != nil {
			return fmt.Errorf("%q: %w", name, err)
		}
		defer sub.Close()
		return w.write(sub, e.Hash, name, depth+1) // a Root per directory: a long path is not walked for each file
	case filemode.Submodule: // an empty directory, as after git clone
		if err := root.Mkdir(e.Name, 0o755); err != nil {
			return fmt.Errorf("%q: %w", name, err)
		}
		return nil
	case filemode.Symlink:
		return w.writeLink(root, e, name)
	case filemode.Executable, filemode.Regular, filemode.Deprecated:
		return w.writeFile(root, e, name)
	}
	return fmt.Errorf("%q: unknown file mode %s", name, e.Mode)
}

func makeDir(root *os.Root, name string) (*os.Root, error) {
	if err := root.Mkdir(name, 0o755); err != nil {
		return nil, err
	}
	return root.OpenRoot(name)
}

func (w *treeWriter) open(blob plumbing.Hash, name string) (io.ReadCloser, int64, error) {
	o, err := w.objects.EncodedObject(plumbing.BlobObject, blob)
	if err != nil {
		return nil, 0, fmt.Errorf("%q: %w", name, err)
	}
	if w.bytes += o.Size(); w.bytes > w.limits.Bytes {
		return nil, 0, tooManyBytes(w.limits.Bytes)
	}
	r, err := o.Reader()
	if err != nil {
		return nil, 0, fmt.Errorf("%q: %w", name, err)
	}
	return r, o.Size(), nil
}

// lacks tells whether a partial clone does not hold an object.
func (w *treeWriter) lacks(t plumbing.ObjectType, h plumbing.Hash) bool {
	if !w.partial {
		return false
	}
	_, err := w.objects.EncodedObject(t, h)
	return errors.Is(err, plumbing.ErrObjectNotFound)
}

// writePlaceholder writes a file that says which object is missing. Who reads it gets an error.
func (w *treeWriter) writePlaceholder(root *os.Root, e object.TreeEntry, name string) error {
	if err := root.WriteFile(e.Name, placeholder.Missing(e.Hash.String()), 0o644); err != nil {
		return fmt.Errorf("%q: %w", name, err)
	}
	return nil
}

func (w *treeWriter) writeFile(root *os.Root, e object.TreeEntry, name string) error {
	if w.lacks(plumbing.BlobObject, e.Hash) {
		return w.writePlaceholder(root, e, name)
	}
	r, size, err := w.open(e.Hash, name)
	if err != nil {
		return err
	}
	defer r.Close()
	return writeFile(root, e.Name, name, e.Mode, r, size)
}

// writeFile creates a file with what r holds. name, the path from the top, is for messages.
func writeFile(root *os.Root, at, name string, mode filemode.FileMode, r io.Reader, size int64) error {
	perm := os.FileMode(0o644)
	if mode == filemode.Executable {
		perm = 0o755
	}
	f, err := root.OpenFile(at, os.O_CREATE|os.O_EXCL|os.O_WRONLY, perm)
	if err != nil {
		return fmt.Errorf("%q: %w", name, err)
	}
	n, err := io.Copy(f, r)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil && n != size {
		err = fmt.Errorf("%d bytes instead of %d", n, size)
	}
	if err != nil {
		return fmt.Errorf("%q: %w", name, err)
	}
	return nil
}

func (w *treeWriter) writeLink(root *os.Root, e object.TreeEntry, name string) error {
	if w.lacks(plumbing.BlobObject, e.Hash) {
		return w.writePlaceholder(root, e, name)
	}
	r, size, err := w.open(e.Hash, name)
	if err != nil {
		return err
	}
	defer r.Close()
	return writeLink(root, e.Name, name, r, size)
}

// writeLink creates a symbolic link to what r holds. name, the path from the top, is for messages.
func writeLink(root *os.Root, at, name string, r io.Reader, size int64) error {
	if size == 0 || size > maxTarget {
		return fmt.Errorf("%q: target of the symbolic link has %d bytes", name, size)
	}
	target, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("%q: %w", name, err)
	}
	if strings.ContainsRune(string(target), 0) {
		return fmt.Errorf("%q: target of the symbolic link holds a NUL", name)
	}
	if err := root.Symlink(string(target), at); err != nil {
		return fmt.Errorf("%q: %w", name, err)
	}
	return nil
}

// checkName refuses names no Git client would write: path syntax, and spellings of .git that file systems of other
// platforms take for it.
func checkName(name string) error {
	switch {
	case name == "" || name == "." || name == "..":
		return fmt.Errorf("a file cannot have this name")
	case strings.ContainsAny(name, "/\x00"):
		return fmt.Errorf("a file name cannot contain a slash or NUL")
	case drive.MatchString(name):
		return fmt.Errorf("a file name cannot begin with a drive letter")
	}
	plain := strings.Map(func(r rune) rune {
		if r >= '\u200c' && r <= '\u200f' || r >= '\u202a' && r <= '\u202e' || r >= '\u206a' && r <= '\u206f' || r == '\ufeff' {
			return -1 // HFS+ ignores these
		}
		return r
	}, name)
	plain, _, _ = strings.Cut(plain, ":") // NTFS streams
	plain = strings.ToLower(strings.TrimRight(plain, " ."))
	if plain == ".git" || plain == "git~1" {
		return fmt.Errorf("a repository cannot contain a %s entry", ".git")
	}
	return nil
}
