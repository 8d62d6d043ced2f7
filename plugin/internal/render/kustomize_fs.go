package render

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// mountPoint is where the checkout appears to Kustomize, which works with absolute paths. Nothing else exists there:
// "../" beyond the checkout and absolute paths such as /etc/passwd lie outside of it. The name is one that no
// repository uses, so that it can be cut out of error messages.
const mountPoint = "/.gitops-checkout"

func mounted(name string) string { return path.Join(mountPoint, name) }

func unmounted(name string) (string, error) {
	clean := path.Clean(filepath.ToSlash(name))
	if clean == mountPoint {
		return ".", nil
	}
	inside, ok := strings.CutPrefix(clean, mountPoint+"/")
	if !ok {
		return "", Problem{Origin: Origin{File: name}, Message: "the path leaves the repository"}
	}
	return inside, nil
}

var errReadOnly = errors.New("the checkout is read-only")

// readOnlyFS is the file system Kustomize sees: the checkout, read through tree, with one file replaced.
type readOnlyFS struct {
	ctx     context.Context
	tree    *tree
	file    string // resolved name of the replaced file
	content []byte
	survey  *survey // knows what exists in this render only; may be nil
}

var _ filesys.FileSystem = readOnlyFS{}

func (readOnlyFS) Create(string) (filesys.File, error) { return nil, errReadOnly }
func (readOnlyFS) Mkdir(string) error                  { return errReadOnly }
func (readOnlyFS) MkdirAll(string) error               { return errReadOnly }
func (readOnlyFS) RemoveAll(string) error              { return errReadOnly }
func (readOnlyFS) WriteFile(string, []byte) error      { return errReadOnly }

// Open, Glob and Walk are not used by builds.
func (readOnlyFS) Open(string) (filesys.File, error)    { return nil, errors.ErrUnsupported }
func (readOnlyFS) Glob(string) ([]string, error)        { return nil, errors.ErrUnsupported }
func (readOnlyFS) Walk(string, filepath.WalkFunc) error { return errors.ErrUnsupported }
func (f readOnlyFS) Exists(name string) bool {
	if f.generated(name) || f.isHome(name) {
		return true
	}
	_, err := f.stat(name)
	return err == nil
}

// generated tells whether a file exists in this render only.
func (f readOnlyFS) generated(name string) bool {
	inside, err := unmounted(name)
	if err != nil {
		return false
	}
	_, ok := f.tree.plain[inside]
	return ok
}

// isHome reports whether a name is that of the directory of an overlay, which exists in this render only.
func (f readOnlyFS) isHome(name string) bool {
	inside, err := unmounted(name)
	return err == nil && inside == overlayHome && f.survey != nil && f.survey.overlaid
}

func (f readOnlyFS) IsDir(name string) bool {
	if f.isHome(name) {
		return true
	}
	if f.generated(name) {
		return false
	}
	info, err := f.stat(name)
	return err == nil && info.IsDir()
}
func (f readOnlyFS) stat(name string) (fs.FileInfo, error) {
	real, err := f.resolve(name)
	if err != nil {
		return nil, err
	}
	return f.tree.root.Lstat(real)
}

func (f readOnlyFS) resolve(name string) (string, error) {
	if err := f.ctx.Err(); err != nil {
		return "", err
	}
	inside, err := unmounted(name)
	if err != nil {
		return "", err
	}
	if _, ok := f.tree.plain[inside]; ok {
		return inside, nil
	}
	if f.survey != nil {
		if f.survey.overlaid && isOfHome(inside) {
			return "", fs.ErrNotExist
		}
		inside = f.survey.real(inside)
	}
	return f.tree.resolve(inside)
}

func (f readOnlyFS) ReadDir(name string) ([]string, error) {
	real, err := f.resolve(name)
	if err != nil {
		return nil, err
	}
	list, err := f.tree.entries(real)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(list))
	for i, entry := range list {
		names[i] = entry.Name()
	}
	return names, nil
}

// CleanedAbs returns the directory and, for a file, its name, with symbolic links followed.
func (f readOnlyFS) CleanedAbs(name string) (filesys.ConfirmedDir, string, error) {
	if f.isHome(name) {
		return filesys.ConfirmedDir(mounted(overlayHome)), "", nil
	}
	real, err := f.resolve(name)
	if err != nil {
		return "", "", err
	}
	if inside, err := unmounted(name); err == nil && f.survey != nil && f.survey.isVariant(inside) {
		return filesys.ConfirmedDir(mounted(inside)), "", nil
	}
	if f.IsDir(mounted(real)) {
		return filesys.ConfirmedDir(mounted(real)), "", nil
	}
	return filesys.ConfirmedDir(mounted(path.Dir(real))), path.Base(real), nil
}

// ReadFile returns the bytes that the survey of the kustomization has seen.
func (f readOnlyFS) ReadFile(name string) ([]byte, error) {
	real, err := f.resolve(name)
	if err != nil {
		return nil, err
	}
	if real == f.file {
		return f.content, nil
	}
	if data, ok := f.tree.plain[real]; ok {
		return data, nil
	}
	data, err := f.tree.readFile(real)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return data, nil
}
