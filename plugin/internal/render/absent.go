package render

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	format "github.com/go-git/go-git/v5/plumbing/format/config"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/placeholder"
)

const submoduleHint = "submodules are not fetched: copy the files into the repository"

// whyAbsent says why nothing can be read at a name though Git knows something there: it lies in a submodule, or in a
// directory that this clone lacks. It is nil for a name that is simply wrong.
func (t *tree) whyAbsent(name string) error {
	at := "."
	for part := range strings.SplitSeq(path.Clean(name), "/") {
		at = path.Join(at, part)
		real, err := t.resolveQuietly(at)
		if err != nil {
			return nil //nolint:nilerr // the caller knows that it is absent
		}
		if t.isSubmodule(real) {
			return Problem{Origin: Origin{File: name}, Message: fmt.Sprintf("is in the submodule %q", at), Hint: submoduleHint}
		}
		info, err := t.root.Lstat(real)
		switch {
		case err != nil:
			return nil
		case info.IsDir() && at != "." && at != name && t.isEmpty(real):
			return Problem{Origin: Origin{File: name}, Message: fmt.Sprintf("is in %q, which is empty", at), Hint: "if that is a submodule: " + submoduleHint}
		case info.Mode().IsRegular():
			if kind, found := placeholder.Of(t.start(real)); found && kind != placeholder.Unfetched {
				return Problem{Origin: Origin{File: at}, Message: "the directory is " + kind.What, Hint: kind.Hint}
			}
			return nil
		}
	}
	return nil
}

// absent is an error about a name at which nothing can be read: whyAbsent where that has an answer, else wrong.
func (t *tree) absent(name string, wrong error) error {
	if err := t.whyAbsent(name); err != nil {
		return err
	}
	return wrong
}

// start reads the beginning of a resolved file, as much as a placeholder may have.
func (t *tree) start(real string) []byte {
	f, err := t.root.Open(real)
	if err != nil {
		return nil
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, 2<<10))
	if err != nil {
		return nil
	}
	return data
}

func (t *tree) isEmpty(real string) bool {
	f, err := t.root.Open(real)
	if err != nil {
		return false
	}
	defer f.Close()
	_, err = f.ReadDir(1)
	return errors.Is(err, io.EOF)
}

// isEmptyModule tells whether a directory is a submodule that was not checked out.
func (t *tree) isEmptyModule(name string) bool {
	real, err := t.resolve(name)
	return err == nil && t.isEmpty(real)
}

// isSubmodule tells whether a resolved directory is a submodule: .gitmodules says so, or it is the checkout of one.
func (t *tree) isSubmodule(real string) bool {
	if real == "." {
		return false
	}
	if slices.Contains(t.submodules(), real) {
		return true
	}
	_, err := t.root.Lstat(path.Join(real, ".git"))
	return err == nil
}

// submodules are the paths that .gitmodules lists. Nothing is noted: with a submodule, what Git has at its path changes.
func (t *tree) submodules() []string {
	if t.modules != nil {
		return *t.modules
	}
	var paths []string
	t.modules = &paths
	if info, err := t.root.Lstat(".gitmodules"); err != nil || !info.Mode().IsRegular() || info.Size() > t.limits.FileBytes {
		return nil
	}
	data, err := fs.ReadFile(t.root.FS(), ".gitmodules")
	if err != nil {
		return nil
	}
	file := format.New()
	if err := format.NewDecoder(bytes.NewReader(data)).Decode(file); err != nil {
		return nil
	}
	for _, s := range file.Section("submodule").Subsections {
		if p := s.Option("path"); p != "" {
			paths = append(paths, path.Clean(p))
		}
	}
	return paths
}
