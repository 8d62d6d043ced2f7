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
	if name == "." {
		return filemode.Dir.String() + " " + o.top.String()
	}
	entries := o.dirs[path.Dir(name)]
	i := slices.IndexFunc(entries, func(e object.TreeEntry) bool { return e.Name == path.Base(name) })
	if i < 0 {
		return ""
	}
	return entries[i].Mode.String() + " " + entries[i].Hash.String()
}
