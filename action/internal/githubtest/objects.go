package githubtest

import (
	"crypto/sha1" //nolint:gosec // Git's object names are SHA-1.
	"encoding/hex"
	"fmt"
	"sort"
	"strings"
	"time"
)

// File is one blob of a tree: its Git mode and its bytes.
type File struct {
	Mode string // "100644", "100755" or "120000"
	Data string
}

// Commit is one commit of the in-memory object store.
type Commit struct {
	SHA     string
	Tree    string
	Parents []string
	Message string
	Author  string // empty when the request named none, so that GitHub would sign it
	Date    time.Time

	order int // later commits have higher numbers
}

// objects is a content-addressed store of trees and commits. Trees are kept flat, path to file, and
// named by the SHA-1 that Git itself would compute.
type objects struct {
	trees   map[string]map[string]File
	commits map[string]*Commit
	next    int
}

func newObjects() *objects {
	return &objects{trees: map[string]map[string]File{}, commits: map[string]*Commit{}}
}

func (o *objects) addTree(files map[string]File) string {
	sha := treeHash(files)
	o.trees[sha] = files
	return sha
}

func (o *objects) addCommit(c Commit) *Commit {
	o.next++
	c.order, c.Date = o.next, time.Now().UTC()
	c.SHA = hash("commit", c.object())
	o.commits[c.SHA] = &c
	return &c
}

// object is the commit as Git stores it.
func (c *Commit) object() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "tree %s\n", c.Tree)
	for _, p := range c.Parents {
		fmt.Fprintf(&b, "parent %s\n", p)
	}
	author := c.Author
	if author == "" {
		author = "github-actions[bot] <bot@users.noreply.github.com>"
	}
	fmt.Fprintf(&b, "author %s %d +0000\ncommitter %s %d +0000\n\n%s", author, c.Date.Unix(), author, c.Date.Unix(), c.Message)
	return []byte(b.String())
}

// resolveTree accepts the name of a tree or of a commit, as GitHub does for base_tree.
func (o *objects) resolveTree(sha string) (map[string]File, bool) {
	if c, ok := o.commits[sha]; ok {
		sha = c.Tree
	}
	files, ok := o.trees[sha]
	return files, ok
}

// isAncestor says whether old can be reached from sha.
func (o *objects) isAncestor(old, sha string) bool {
	seen := map[string]bool{}
	todo := []string{sha}
	for len(todo) > 0 {
		c := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if c == old {
			return true
		}
		if commit := o.commits[c]; commit != nil && !seen[c] {
			seen[c] = true
			todo = append(todo, commit.Parents...)
		}
	}
	return false
}

// mergeBase is the newest commit of head's history that base can reach too.
func (o *objects) mergeBase(base, head string) string {
	best := ""
	for sha, c := range o.commits {
		if !o.isAncestor(sha, head) || !o.isAncestor(sha, base) {
			continue
		}
		if best == "" || c.order > o.commits[best].order {
			best = sha
		}
	}
	return best
}

// blob is the content that has this name, in any tree.
func (o *objects) blob(sha string) (string, bool) {
	for _, files := range o.trees {
		for _, f := range files {
			if BlobHash(f.Data) == sha {
				return f.Data, true
			}
		}
	}
	return "", false
}

// since are the commits of head that base does not have, oldest first.
func (o *objects) since(base, head string) []*Commit {
	var out []*Commit
	for sha, c := range o.commits {
		if o.isAncestor(sha, head) && !o.isAncestor(sha, base) {
			out = append(out, c)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].order < out[j].order })
	return out
}

func hash(kind string, data []byte) string {
	h := sha1.New() //nolint:gosec // see the import
	fmt.Fprintf(h, "%s %d\x00", kind, len(data))
	h.Write(data)
	return hex.EncodeToString(h.Sum(nil))
}

// BlobHash is Git's name for a file with these bytes.
func BlobHash(data string) string { return hash("blob", []byte(data)) }

func treeHash(files map[string]File) string {
	return hash("tree", treeObject(files, func(sub map[string]File) string { return treeHash(sub) }))
}

// treeObject is a directory as Git stores it; subtree names the directories in it.
func treeObject(files map[string]File, subtree func(map[string]File) string) []byte {
	type entry struct{ mode, name, sha string }
	var entries []entry
	dirs := map[string]map[string]File{}
	for p, f := range files {
		dir, rest, nested := strings.Cut(p, "/")
		if !nested {
			entries = append(entries, entry{f.Mode, p, BlobHash(f.Data)})
			continue
		}
		if dirs[dir] == nil {
			dirs[dir] = map[string]File{}
		}
		dirs[dir][rest] = f
	}
	for name, sub := range dirs {
		entries = append(entries, entry{"40000", name, subtree(sub)})
	}
	key := func(e entry) string {
		if e.mode == "40000" {
			return e.name + "/"
		}
		return e.name
	}
	sort.Slice(entries, func(i, j int) bool { return key(entries[i]) < key(entries[j]) })
	var b strings.Builder
	for _, e := range entries {
		raw, _ := hex.DecodeString(e.sha)
		fmt.Fprintf(&b, "%s %s\x00%s", e.mode, e.name, raw)
	}
	return []byte(b.String())
}
