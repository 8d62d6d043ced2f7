package source

import (
	"path"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// Objects are the names that Git has for the files and directories of one commit.
type Objects struct {
	top  plumbing.Hash
	dirs map[string][]object.TreeEntry // by path, "." for the top
}

// At returns Git's name for what lies at a clean slash path from the top, symbolic links not followed: the mode and the
// hash of the content, which for a directory covers everything below it. It is "" where nothing lies.
func (o *Objects) At(name string) string {
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
