package git

import (
	"path"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// names implements source.Objects.
type names struct {
	top  plumbing.Hash
	dirs map[string][]object.TreeEntry // by path, "." for the top
}

// At implements source.Objects.
func (o *names) At(name string) string {
	e, found := o.entry(name)
	if !found {
		return ""
	}
	return e.Mode.String() + " " + e.Hash.String()
}

// entry returns what lies at a clean path.
func (o *names) entry(name string) (object.TreeEntry, bool) {
	if name == "." {
		return object.TreeEntry{Mode: filemode.Dir, Hash: o.top}, true
	}
	entries := o.dirs[path.Dir(name)]
	i := slices.IndexFunc(entries, func(e object.TreeEntry) bool { return e.Name == path.Base(name) })
	if i < 0 {
		return object.TreeEntry{}, false
	}
	return entries[i], true
}

// below calls each for all that is below a directory and no directory itself.
func (o *names) below(dir string, each func(name string, e object.TreeEntry)) {
	for _, e := range o.dirs[dir] {
		name := path.Join(dir, e.Name)
		if e.Mode == filemode.Dir {
			o.below(name, each)
		} else {
			each(name, e)
		}
	}
}

// count counts what is below a directory, and stops above most.
func (o *names) count(dir string, most int) (n int) {
	for _, e := range o.dirs[dir] {
		if n++; e.Mode == filemode.Dir {
			n += o.count(path.Join(dir, e.Name), most-n)
		}
		if n > most {
			break
		}
	}
	return n
}

// total counts all entries.
func (o *names) total() (n int) {
	for _, entries := range o.dirs {
		n += len(entries)
	}
	return n
}
