package gitopsyaml

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/placeholder"
)

// Load reads the gitops.yaml in the directory dir of a checkout. found is false when there is none. Apps are in the order of
// the file; the apps of an entry with wildcards are in the order of their paths. Errors in the file are returned together, as
// manifest.Problems; found is true then.
func Load(root *os.Root, dir string) (apps []app.App, found bool, err error) {
	if !isDirectory(root, dir) {
		return nil, false, nil // who renders it says so
	}
	name, data, err := find(root, dir)
	if name == "" || err != nil {
		return nil, name != "", err
	}
	l := &loader{decoder: &decoder{file: name, lines: map[string]int{}}, tree: root, places: map[string]bool{}}
	apps = l.load(data)
	if len(l.problems) > 0 {
		slices.SortStableFunc(l.problems, func(a, b manifest.Problem) int { return cmp.Compare(a.Origin.Line, b.Origin.Line) })
		return nil, true, l.problems
	}
	return apps, true, nil
}

// Files returns the names that Load looks for in a directory.
func Files(dir string) []string { return []string{path.Join(dir, Name), path.Join(dir, OtherName)} }

// find returns the name of the file in dir and what is in it; the name is "" when there is none.
func find(root *os.Root, dir string) (name string, data []byte, err error) {
	for _, at := range Files(dir) {
		if _, err := root.Lstat(at); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if name != "" {
			return at, nil, refused(at, "the directory also holds "+Name, "keep one of the two")
		}
		name = at
		if data, err = read(root, at); err != nil {
			return at, nil, fmt.Errorf("%s: %w", at, err)
		}
	}
	if kind, found := placeholder.Of(data); found {
		return name, nil, refused(name, "the file is "+kind.What, kind.Hint)
	}
	return name, data, nil
}

func refused(file, message, hint string) error {
	return manifest.Problems{{Origin: manifest.Origin{File: file}, Message: message, Hint: hint}}
}

func read(root *os.Root, name string) ([]byte, error) {
	info, err := root.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("is a symbolic link to nothing")
	}
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("is not a regular file")
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxBytes+1))
}
