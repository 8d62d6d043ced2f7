package render

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/placeholder"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// maxLinks is how many symbolic links one path may go through, as on Linux.
const maxLinks = 40

// tree reads the checkout for one render: bounded, each file once, and never outside the root. Names are slash paths
// from the root. It also collects the problems of the render.
type tree struct {
	root    *os.Root
	limits  Limits
	read    int64             // bytes read so far
	dirs    map[string]string // resolved directories, by name
	plain   map[string][]byte // decrypted content, by resolved name
	files   map[string][]byte // by resolved name, so that every reader of a render sees the same bytes
	inputs  map[string]bool   // what the render depends on, see note
	opened  map[string]bool   // files that were read, and links that were followed
	lacking map[string]bool   // files that were read, and whose contents are not in the checkout
	modules *[]string         // what .gitmodules lists; nil before it was read

	generatedAt string // resolved directory whose kustomization exists in this render only; "" for none
	problems    Problems

	decrypting
	rendered [][]byte     // what charts of kustomizations rendered
	again    again        // what objects with generated values are in another render
	cuts                  // of replacements
	mayHold  []ObjectRule // objects besides Secrets that may contain decrypted values of others
}

func newTree(root *os.Root, limits Limits) *tree {
	return &tree{root: root, limits: limits, dirs: map[string]string{}, files: map[string][]byte{},
		plain: map[string][]byte{}, inputs: map[string]bool{}, opened: map[string]bool{}, lacking: map[string]bool{},
		decrypting: decrypting{sealed: map[string]bool{}, known: map[string]string{}, encrypted: map[Origin]*encryptedDocument{}, asText: map[string]bool{}}, again: again{}}
}

// again has objects of charts as another render made them, by the ones that count.
type again map[*unstructured.Unstructured]map[string]any

// resolve follows the symbolic links of name and returns the name of what they lead to. A link that leaves the
// checkout or turns in a circle is a Problem that names the link; a missing file is fs.ErrNotExist.
func (t *tree) resolve(name string) (string, error) {
	real, err := t.resolveQuietly(name)
	if err == nil {
		t.note(real)
	}
	return real, err
}

// resolveQuietly is resolve for a directory on the way to something: the render does not depend on all that is in it.
func (t *tree) resolveQuietly(name string) (string, error) {
	clean := path.Clean(name)
	if clean == "." {
		return clean, nil
	}
	if clean == ".." || strings.HasPrefix(clean, "../") {
		return "", outside(name, "")
	}
	parent := path.Dir(clean)
	real, ok := t.dirs[parent]
	if !ok {
		var err error
		if real, err = t.resolveQuietly(parent); err != nil {
			return "", err
		}
		t.dirs[parent] = real
	}
	return t.follow(name, real, path.Base(clean))
}

// follow resolves one entry of a resolved directory.
func (t *tree) follow(name, dir, entry string) (string, error) {
	done, link := dir, ""
	rest := []string{entry}
	for hops := 0; len(rest) > 0; {
		part := rest[0]
		rest = rest[1:]
		if part == "" || part == "." {
			continue
		}
		if part == ".." {
			if done == "." {
				return "", outside(name, link)
			}
			done = path.Dir(done)
			continue
		}
		next := path.Join(done, part)
		info, err := t.root.Lstat(next)
		if err != nil {
			t.note(next)
			return "", err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			done = next
			continue
		}
		t.note(next)
		t.opened[next] = true
		if hops++; hops > maxLinks {
			return "", Problem{Origin: Origin{File: next}, Message: "too many levels of symbolic links", Hint: "remove the link"}
		}
		target, err := t.root.Readlink(next)
		if err != nil {
			return "", err
		}
		if link = next; path.IsAbs(target) {
			return "", outside(name, link)
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	return done, nil
}

func outside(name, link string) error {
	if link == "" {
		return Problem{Origin: Origin{File: name}, Message: "the path leaves the repository", Hint: "only files of the repository are read"}
	}
	return Problem{Origin: Origin{File: link}, Message: "symbolic link leaves the repository",
		Hint: "replace the link by the file it means, or list it in " + ignoreFile}
}

// exists reports whether there is an entry of this name, be it a link to nothing.
func (t *tree) exists(name string) bool {
	dir, err := t.resolveQuietly(path.Dir(name))
	if err != nil {
		return false
	}
	at := path.Join(dir, path.Base(name))
	t.note(at)
	_, err = t.root.Lstat(at)
	return err == nil
}

// isDir reports whether name is a directory, or a link to one inside the checkout.
func (t *tree) isDir(name string) bool {
	real, err := t.resolve(name)
	if err != nil {
		return false
	}
	info, err := t.root.Lstat(real)
	return err == nil && info.IsDir()
}

// readFile returns the content of a regular file, within the limits. The caller must not change it. A file that does not
// hold its content, such as a pointer of Git LFS, is a Problem.
func (t *tree) readFile(name string) ([]byte, error) {
	data, err := t.readAny(name)
	if err != nil {
		return nil, err
	}
	if kind, found := placeholder.Of(data); found {
		return nil, Problem{Origin: Origin{File: name}, Message: "the file is " + kind.What, Hint: kind.Hint}
	}
	return data, nil
}

// readAny returns the bytes of a regular file, whatever they stand for.
func (t *tree) readAny(name string) ([]byte, error) {
	real, err := t.resolve(name)
	if err != nil {
		return nil, err
	}
	if data, ok := t.files[real]; ok {
		return data, nil
	}
	// Asked before opening: opening a named pipe would wait for its writer.
	info, err := t.root.Lstat(real)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, Problem{Origin: Origin{File: name}, Message: "not a regular file"}
	}
	if info.Size() > t.limits.FileBytes {
		return nil, tooBig(name, t.limits.FileBytes)
	}
	data, err := t.readRegular(real)
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > t.limits.FileBytes {
		return nil, tooBig(name, t.limits.FileBytes)
	}
	if t.read += int64(len(data)); t.read > t.limits.TotalBytes {
		return nil, hint.With(fmt.Errorf("the files to render are larger than %s together (at %s)", size(t.limits.TotalBytes), Origin{File: name}),
			"split the directory into several apps, or leave out what is not needed with %s", ignoreFile)
	}
	t.files[real], t.opened[real] = data, true
	if placeholder.IsNotFetched(data) {
		t.lacking[real] = true
	}
	return data, nil
}

func (t *tree) readRegular(real string) ([]byte, error) {
	f, err := t.root.Open(real)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, t.limits.FileBytes+1))
}

func tooBig(name string, limit int64) error {
	return Problem{Origin: Origin{File: name}, Message: "the file is larger than " + size(limit),
		Hint: "split the file, or list it in " + ignoreFile}
}

// entries returns the names in a resolved directory, sorted.
func (t *tree) entries(dir string) ([]fs.DirEntry, error) {
	t.note(dir)
	f, err := t.root.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	list, err := f.ReadDir(-1)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return list, nil
}

// missing says that name does not exist, and which directories are near it.
func (t *tree) missing(name string) error {
	err := fmt.Errorf("path %q does not exist in the repository", name)
	parent, rest := ".", name
	for {
		part, after, more := strings.Cut(rest, "/")
		if next := path.Join(parent, part); more && t.isDir(next) {
			parent, rest = next, after
			continue
		}
		break
	}
	real, resolveErr := t.resolve(parent)
	if resolveErr != nil {
		return errors.Join(err, resolveErr)
	}
	list, readErr := t.entries(real)
	if readErr != nil {
		return errors.Join(err, readErr)
	}
	var names []string
	for _, e := range list {
		if !strings.HasPrefix(e.Name(), ".") && t.isDir(path.Join(parent, e.Name())) {
			names = append(names, path.Join(parent, e.Name()))
		}
	}
	if len(names) == 0 {
		if parent == "." {
			return hint.With(err, "the repository root has no directories")
		}
		return hint.With(err, "%q has no directories", parent)
	}
	if len(names) > 10 {
		names = append(names[:10], "...")
	}
	return hint.With(err, "directories there: %s", strings.Join(names, ", "))
}

// cuts are what the replacements of a render cut values at.
type cuts struct {
	delimiters map[string]bool
	secrets    []Origin // replacements that take a part of a value of a Secret
}
