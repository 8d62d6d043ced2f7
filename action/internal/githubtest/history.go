package githubtest

import (
	"slices"
	"sort"
	"strings"
	"time"
	"unicode/utf8"
)

// object resolves an expression as git rev-parse does: a commit, or a file or directory of one.
func (r *Repo) object(expression string, perm Permissions) any {
	at, path, inside := strings.Cut(expression, ":")
	sha := at
	switch {
	case at == "HEAD":
		sha = r.refs["refs/heads/"+r.options.DefaultBranch]
	case r.refs[at] != "":
		sha = r.refs[at]
	}
	if !inside {
		for full := range r.store.commits {
			if len(sha) >= 7 && strings.HasPrefix(full, sha) {
				sha = full
			}
		}
		if c := r.store.commits[sha]; c != nil {
			return r.commitGraph(c, perm)
		}
		return nil
	}
	files, _ := r.store.resolveTree(sha)
	if f, ok := files[path]; ok {
		return blobGraph(f)
	}
	return nil
}

func blobGraph(f File) map[string]any {
	out := map[string]any{"__typename": "Blob", "oid": BlobHash(f.Data), "isTruncated": false, "text": any(f.Data)}
	if !utf8.ValidString(f.Data) {
		out["text"] = nil
	}
	return out
}

// commitGraph is one commit; its history is that of git log, with or without a path.
func (r *Repo) commitGraph(c *Commit, perm Permissions) map[string]any {
	author := map[string]any{"name": "github-actions[bot]", "user": any(nil)}
	if name, _, ok := strings.Cut(c.Author, " <"); ok {
		author["name"] = name
	}
	headline, _, _ := strings.Cut(c.Message, "\n")
	var parents []any
	for _, p := range c.Parents {
		parents = append(parents, map[string]any{"__typename": "Commit", "oid": p, "message": r.store.commits[p].Message})
	}
	return map[string]any{
		"__typename": "Commit", "oid": c.SHA, "message": c.Message, "messageHeadline": headline, "committedDate": c.Date.Format(time.RFC3339),
		"author": author, "tree": map[string]any{"oid": c.Tree},
		"parents": lazy(func(map[string]any) (any, *gqlError) { return map[string]any{"nodes": orEmpty(parents)}, nil }),
		"statusCheckRollup": lazy(func(map[string]any) (any, *gqlError) {
			if perm.Statuses == "" {
				return nil, &gqlError{"FORBIDDEN", "Resource not accessible by integration", "statusCheckRollup"}
			}
			return orNil(r.rollup(c.SHA)), nil
		}),
		"history": lazy(func(args map[string]any) (any, *gqlError) { return r.historyGraph(c.SHA, args, perm), nil }),
		"file":    lazy(func(args map[string]any) (any, *gqlError) { return orNil(r.entryGraph(c, args["path"])), nil }),
		"associatedPullRequests": lazy(func(map[string]any) (any, *gqlError) {
			if perm.PullRequests == "" {
				return nil, &gqlError{"FORBIDDEN", "Resource not accessible by integration", "associatedPullRequests"}
			}
			nodes := []any{}
			for _, p := range r.pulls {
				if slices.Contains(p.landed, c.SHA) {
					nodes = append(nodes, r.pullGraph(p))
				}
			}
			return map[string]any{"nodes": nodes}, nil
		}),
	}
}

// entryGraph is a file or a directory of a commit.
func (r *Repo) entryGraph(c *Commit, at any) map[string]any {
	path, _ := at.(string)
	files := r.store.trees[c.Tree]
	if f, ok := files[path]; ok {
		return map[string]any{"__typename": "TreeEntry", "oid": BlobHash(f.Data), "object": blobGraph(f)}
	}
	dir := directory(files, path)
	if len(dir) == 0 {
		return nil
	}
	return map[string]any{"__typename": "TreeEntry", "oid": treeHash(dir), "object": map[string]any{"__typename": "Tree", "oid": treeHash(dir)}}
}

func directory(files map[string]File, path string) map[string]File {
	out := map[string]File{}
	for name, f := range files {
		if rest, ok := strings.CutPrefix(name, strings.TrimSuffix(path, "/")+"/"); ok {
			out[rest] = f
		}
	}
	return out
}

func (r *Repo) historyGraph(head string, args map[string]any, perm Permissions) map[string]any {
	path, _ := args["path"].(string)
	limit, _ := args["first"].(int64)
	if n, ok := args["first"].(float64); ok { // from a variable
		limit = int64(n)
	}
	var list []*Commit
	for sha, c := range r.store.commits {
		if r.store.isAncestor(sha, head) && (path == "" || r.touches(c, path)) {
			list = append(list, c)
		}
	}
	sort.Slice(list, func(i, j int) bool { return list[i].order > list[j].order })
	nodes := []any{}
	for _, c := range list[:min(len(list), int(limit))] {
		nodes = append(nodes, r.commitGraph(c, perm))
	}
	return map[string]any{"nodes": nodes}
}

// touches says whether a commit differs from all its parents below a path.
func (r *Repo) touches(c *Commit, path string) bool {
	mine := r.pathHash(c, path)
	for _, p := range c.Parents {
		if r.pathHash(r.store.commits[p], path) == mine {
			return false
		}
	}
	return len(c.Parents) > 0 || mine != ""
}

func (r *Repo) pathHash(c *Commit, path string) string {
	if e := r.entryGraph(c, path); e != nil {
		return e["oid"].(string)
	}
	return ""
}
