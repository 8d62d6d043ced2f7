package github

import (
	"crypto/sha1" //nolint:gosec // Git's object names are SHA-1.
	"encoding/hex"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// The name of a tree in Git is a hash of everything in the tree. Computed from the files of an archive, it shows whether the
// archive is the whole commit, and what the tree would be called with some edits and nothing else.

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

// IsTree says whether the archive held the files of a tree and nothing else. It does not when .gitattributes leaves files out or
// rewrites them, and when there are submodules.
func (a *Archive) IsTree(oid string) bool {
	if a.root == "" && len(a.tree) > 0 {
		a.root = treeName(a.tree)
	}
	return a.root == oid
}

// TreeWith returns the name that the tree has with some files changed.
func (a *Archive) TreeWith(list []Change) string {
	files := maps.Clone(a.tree)
	for _, c := range list {
		if c.Remove {
			delete(files, path.Clean(c.Path))
			continue
		}
		files[c.Path] = treeFile{c.Mode, BlobName([]byte(c.Content))}
	}
	return treeName(files)
}
