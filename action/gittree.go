package action

import (
	"crypto/sha1" //nolint:gosec // Git's object names are SHA-1.
	"encoding/hex"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// A tree of Git has a name made of all that is in it. Made from the files of an archive it shows that the archive is the
// whole commit, and, with an edit, what a commit with just that edit is called.

// treeFile is one file of a commit.
type treeFile struct {
	mode string // 100644, 100755 or 120000
	blob string // Git's name of its contents
}

// treeName is Git's name of the tree that holds the files.
func treeName(files map[string]treeFile) string {
	type entry struct{ mode, name, oid string }
	var entries []entry
	below := map[string]map[string]treeFile{}
	for p, f := range files {
		dir, rest, nested := strings.Cut(p, "/")
		if !nested {
			entries = append(entries, entry{f.mode, p, f.blob})
			continue
		}
		if below[dir] == nil {
			below[dir] = map[string]treeFile{}
		}
		below[dir][rest] = f
	}
	for dir, list := range below {
		entries = append(entries, entry{"40000", dir, treeName(list)})
	}
	key := func(e entry) string { // Git sorts a directory as if its name ended in a slash
		if e.mode == "40000" {
			return e.name + "/"
		}
		return e.name
	}
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(key(a), key(b)) })
	var data []byte
	for _, e := range entries {
		raw, err := hex.DecodeString(e.oid)
		if err != nil {
			return ""
		}
		data = append(append(data, e.mode+" "+e.name+"\x00"...), raw...)
	}
	h := sha1.New() //nolint:gosec // see the import
	fmt.Fprintf(h, "tree %d\x00", len(data))
	h.Write(data)
	return hex.EncodeToString(h.Sum(nil))
}

// isTree says whether the archive held just the files of a tree. It does not when .gitattributes leaves files out or
// rewrites them, and when there are submodules.
func (a *archive) isTree(oid string) bool {
	if a.root == "" && len(a.tree) > 0 {
		a.root = treeName(a.tree)
	}
	return a.root == oid
}

// treeWith is the name of the tree with an edit.
func (a *archive) treeWith(list []change) string {
	files := maps.Clone(a.tree)
	for _, c := range list {
		if c.remove {
			delete(files, path.Clean(c.path))
			continue
		}
		files[c.path] = treeFile{c.mode, blobName([]byte(c.content))}
	}
	return treeName(files)
}
