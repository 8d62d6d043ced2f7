package githubtest

import (
	"archive/tar"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"net/http"
	"sort"
	"strings"
)

func (c *call) getRepo() *answer {
	return &answer{status: http.StatusOK, body: c.repo.json()}
}

func (r *Repo) json() map[string]any {
	_, name, _ := strings.Cut(r.name, "/")
	return map[string]any{
		"name": name, "full_name": r.name, "default_branch": r.options.DefaultBranch,
		"owner": map[string]any{"login": r.owner()}, "private": true,
		"allow_auto_merge": r.options.AutoMerge,
	}
}

func refJSON(ref, sha string) map[string]any {
	return map[string]any{"ref": ref, "node_id": "REF_" + ref, "url": "https://api.github.com/" + ref,
		"object": map[string]any{"type": "commit", "sha": sha, "url": "https://api.github.com/" + sha}}
}

func (c *call) getRef() *answer {
	ref := "refs/" + c.params["ref"]
	sha, ok := c.repo.refs[ref]
	if !ok {
		return failure(http.StatusNotFound, "Not Found")
	}
	return &answer{status: http.StatusOK, body: refJSON(ref, sha)}
}

func (c *call) createRef() *answer {
	ref, sha := c.str("ref"), c.str("sha")
	if !strings.HasPrefix(ref, "refs/heads/") {
		return failure(http.StatusUnprocessableEntity, "Reference name must be fully qualified")
	}
	if _, ok := c.repo.refs[ref]; ok {
		return failure(http.StatusUnprocessableEntity, "Reference already exists")
	}
	if c.repo.store.commits[sha] == nil {
		return failure(http.StatusUnprocessableEntity, "Object does not exist")
	}
	c.repo.refs[ref] = sha
	return &answer{status: http.StatusCreated, body: refJSON(ref, sha)}
}

func (c *call) updateRef() *answer {
	ref, sha := "refs/"+c.params["ref"], c.str("sha")
	old, ok := c.repo.refs[ref]
	if !ok {
		return failure(http.StatusUnprocessableEntity, "Reference does not exist")
	}
	if c.repo.store.commits[sha] == nil {
		return failure(http.StatusUnprocessableEntity, "Object does not exist")
	}
	if message := c.repo.options.Protected[strings.TrimPrefix(ref, "refs/heads/")]; message != "" {
		return failure(http.StatusUnprocessableEntity, "%s", message)
	}
	force, _ := c.in["force"].(bool)
	switch ff := c.repo.store.isAncestor(old, sha); {
	case !ff && !force:
		return failure(http.StatusUnprocessableEntity, "Update is not a fast forward")
	case !ff && c.repo.options.NoForce:
		return failure(http.StatusUnprocessableEntity, "Repository rule violations found\n\nCannot force-push to this branch\n\n")
	}
	c.repo.refs[ref] = sha
	c.repo.moved()
	return &answer{status: http.StatusOK, body: refJSON(ref, sha)}
}

func (c *call) deleteRef() *answer {
	ref := "refs/" + c.params["ref"]
	if _, ok := c.repo.refs[ref]; !ok {
		return failure(http.StatusUnprocessableEntity, "Reference does not exist")
	}
	c.repo.deleteBranch(strings.TrimPrefix(ref, "refs/heads/"))
	return &answer{status: http.StatusNoContent}
}

func (c *call) createTree() *answer {
	base, ok := map[string]File{}, true
	if name := c.str("base_tree"); name != "" {
		base, ok = c.repo.store.resolveTree(name)
	}
	if !ok {
		return failure(http.StatusUnprocessableEntity, "base_tree is not a valid tree oid")
	}
	files := maps.Clone(base)
	list, _ := c.in["tree"].([]any)
	for _, e := range list {
		entry, _ := e.(map[string]any)
		path, _ := entry["path"].(string)
		mode, _ := entry["mode"].(string)
		content, ok := entry["content"].(string)
		if sha, given := entry["sha"]; given && sha == nil && path != "" && mode != "" {
			delete(files, path)
			continue
		}
		if sha, given := entry["sha"].(string); given {
			content, ok = c.repo.store.blob(sha)
		}
		if path == "" || strings.HasPrefix(path, "/") || mode == "" || !ok {
			return failure(http.StatusUnprocessableEntity, "Must supply a valid tree.sha, or both tree.path and tree.mode")
		}
		files[path] = File{Mode: mode, Data: content}
	}
	sha := c.repo.store.addTree(files)
	var tree []any
	for _, p := range sorted(files) {
		f := files[p]
		if strings.Contains(p, "/") { // GitHub lists the top level only
			continue
		}
		tree = append(tree, map[string]any{"path": p, "mode": f.Mode, "type": "blob", "sha": BlobHash(f.Data), "size": len(f.Data)})
	}
	return &answer{status: http.StatusCreated, body: map[string]any{
		"sha": sha, "url": "https://api.github.com/trees/" + sha, "truncated": false, "tree": orEmpty(tree)}}
}

func sorted(files map[string]File) []string {
	var out []string
	for p := range files {
		out = append(out, p)
	}
	sort.Strings(out)
	return out
}

func (c *call) createCommit() *answer {
	commit := Commit{Tree: c.str("tree"), Message: c.str("message")}
	if _, ok := c.repo.store.trees[commit.Tree]; !ok {
		return failure(http.StatusUnprocessableEntity, "Tree SHA does not exist")
	}
	list, _ := c.in["parents"].([]any)
	var parents []any
	for _, p := range list {
		sha, _ := p.(string)
		if c.repo.store.commits[sha] == nil {
			return failure(http.StatusUnprocessableEntity, "Parent SHA does not exist or is not a commit object")
		}
		commit.Parents = append(commit.Parents, sha)
		parents = append(parents, map[string]any{"sha": sha})
	}
	if author, ok := c.in["author"].(map[string]any); ok {
		commit.Author = fmt.Sprintf("%v <%v>", author["name"], author["email"])
	}
	done := c.repo.store.addCommit(commit)
	reason := "valid"
	if commit.Author != "" {
		reason = "unsigned"
	}
	return &answer{status: http.StatusCreated, body: map[string]any{
		"sha": done.SHA, "message": done.Message, "tree": map[string]any{"sha": done.Tree}, "parents": parents,
		"verification": map[string]any{"verified": reason == "valid", "reason": reason},
	}}
}

// compare lists the files that head changes since it left base.
func (c *call) compare() *answer {
	base, head, ok := strings.Cut(c.params["basehead"], "...")
	base, head = c.repo.commitNamed(base), c.repo.commitNamed(head)
	if !ok || c.repo.store.commits[base] == nil || c.repo.store.commits[head] == nil {
		return failure(http.StatusNotFound, "Not Found")
	}
	shared := c.repo.store.mergeBase(base, head)
	old, _ := c.repo.store.resolveTree(shared)
	now, _ := c.repo.store.resolveTree(head)
	files := []any{}
	for _, p := range sorted(now) {
		was, existed := old[p]
		if existed && was == now[p] {
			continue
		}
		status := "modified"
		if !existed {
			status = "added"
		}
		files = append(files, map[string]any{"filename": p, "sha": BlobHash(now[p].Data), "status": status})
	}
	for _, p := range sorted(old) {
		if _, there := now[p]; !there {
			files = append(files, map[string]any{"filename": p, "sha": BlobHash(old[p].Data), "status": "removed"})
		}
	}
	state := "diverged"
	switch shared {
	case head:
		state = "behind"
	case base:
		state = "ahead"
	}
	if base == head {
		state = "identical"
	}
	commits := []any{}
	for _, k := range c.repo.store.since(base, head) {
		commits = append(commits, compared(k))
	}
	return &answer{status: http.StatusOK, body: map[string]any{"status": state, "commits": commits, "total_commits": len(commits), "files": files, "merge_base_commit": map[string]any{"sha": shared}}}
}

// compared is one commit of a comparison.
func compared(k *Commit) map[string]any {
	parents := []any{}
	for _, p := range k.Parents {
		parents = append(parents, map[string]any{"sha": p})
	}
	return map[string]any{"sha": k.SHA, "parents": parents, "commit": map[string]any{"message": k.Message, "tree": map[string]any{"sha": k.Tree}}}
}

// commitNamed resolves a branch or a commit.
func (r *Repo) commitNamed(name string) string {
	if sha, ok := r.refs["refs/heads/"+name]; ok {
		return sha
	}
	return name
}

func (c *call) tarball() *answer {
	ref := c.params["ref"]
	if c.repo.store.commits[ref] == nil {
		if sha, ok := c.repo.refs["refs/heads/"+ref]; ok {
			ref = sha
		} else {
			return failure(http.StatusNotFound, "Not Found")
		}
	}
	to := c.s.URL + "/codeload/" + c.repo.name + "/" + ref + "?token=signed-download"
	return &answer{status: http.StatusFound, header: http.Header{"Location": {to}}}
}

// codeload is the download host. Like GitHub's it wants its own signed token, not the API's.
func (s *Server) codeload(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/codeload/"), "/")
	if len(parts) != 3 || r.URL.Query().Get("token") != "signed-download" {
		http.Error(w, "not found", http.StatusNotFound)
		return
	}
	s.mu.Lock()
	var files map[string]File
	if repo := s.repos[strings.ToLower(parts[0]+"/"+parts[1])]; repo != nil {
		files, _ = repo.store.resolveTree(parts[2])
	}
	if s.ArchiveOmits != "" {
		files = maps.Clone(files)
		delete(files, s.ArchiveOmits)
	}
	if s.ArchiveFilter != nil {
		files = maps.Clone(files)
		for p, f := range files {
			files[p] = File{Mode: f.Mode, Data: s.ArchiveFilter(p, f.Data)}
		}
	}
	s.mu.Unlock()
	if files == nil {
		http.Error(w, "not found", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/x-gzip")
	if err := writeTarball(w, parts[0]+"-"+parts[1]+"-"+parts[2][:7]+"/", parts[2], files); err != nil {
		s.tb.Logf("githubtest: tarball: %v", err)
	}
}

func writeTarball(w io.Writer, root, sha string, files map[string]File) error {
	zw, _ := gzip.NewWriterLevel(w, gzip.BestSpeed)
	tw := tar.NewWriter(zw)
	// git archive starts with a global header that names the commit.
	if err := tw.WriteHeader(&tar.Header{Typeflag: tar.TypeXGlobalHeader, Name: "pax_global_header", PAXRecords: map[string]string{"comment": sha}}); err != nil {
		return err
	}
	if err := tw.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: root, Mode: 0o775}); err != nil {
		return err
	}
	for _, p := range sorted(files) {
		f := files[p]
		h := &tar.Header{Typeflag: tar.TypeReg, Name: root + p, Mode: 0o664, Size: int64(len(f.Data))}
		switch f.Mode {
		case "100755":
			h.Mode = 0o775
		case "120000":
			h.Typeflag, h.Linkname, h.Size = tar.TypeSymlink, f.Data, 0
		}
		if err := tw.WriteHeader(h); err != nil {
			return err
		}
		if h.Size > 0 {
			if _, err := io.WriteString(tw, f.Data); err != nil {
				return err
			}
		}
	}
	if err := tw.Close(); err != nil {
		return err
	}
	return zw.Close()
}
