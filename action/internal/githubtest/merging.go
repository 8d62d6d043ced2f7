package githubtest

import (
	"net/http"
	"slices"
	"strings"
)

// What GitHub knows about merging a pull request, and how it merges one: with a commit of two parents, as one commit,
// or commit by commit on top of the base branch.

// mergeability says whether a pull request can be merged: UNKNOWN, MERGEABLE or CONFLICTING. GitHub finds out when it is
// asked, in the background, and forgets it when one of the two branches moves.
func (r *Repo) mergeability(p *Pull) string {
	if p.State != "open" {
		return "UNKNOWN"
	}
	if at := r.refs["refs/heads/"+p.Base] + r.headOf(p); at != p.askedAt {
		p.askedAt, p.asked = at, 0
	}
	p.asked++
	if p.asked <= r.options.MergeableAfter {
		return "UNKNOWN"
	}
	if len(r.conflicts(p)) > 0 {
		return "CONFLICTING"
	}
	return "MERGEABLE"
}

// mergeState is GitHub's mergeStateStatus, which the REST API calls mergeable_state.
func (r *Repo) mergeState(p *Pull, mergeable string) string {
	switch {
	case mergeable == "CONFLICTING":
		return "DIRTY"
	case mergeable == "UNKNOWN":
		return "UNKNOWN"
	case p.Draft:
		return "DRAFT"
	case r.options.UpToDate && !r.store.isAncestor(r.refs["refs/heads/"+p.Base], r.headOf(p)):
		return "BEHIND"
	}
	return r.options.MergeState
}

// headOf is the commit of a pull request: where its branch is, or was when it was closed.
func (r *Repo) headOf(p *Pull) string {
	if p.State == "open" || p.closedAt == "" {
		return r.refs["refs/heads/"+p.Head]
	}
	return p.closedAt
}

// mergedTree is the base branch with what head has changed since it left base.
func (r *Repo) mergedTree(base, head string) (map[string]File, []string) {
	old, _ := r.store.resolveTree(r.store.mergeBase(base, head))
	ours, _ := r.store.resolveTree(base)
	theirs, _ := r.store.resolveTree(head)
	return mergeTrees(old, ours, theirs)
}

// conflicts are the paths that keep a pull request from being merged.
func (r *Repo) conflicts(p *Pull) []string {
	_, list := r.mergedTree(r.refs["refs/heads/"+p.Base], r.headOf(p))
	return list
}

// Conflicts are the paths in which an open pull request conflicts with its base branch.
func (r *Repo) Conflicts(number int) []string {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	return r.conflicts(r.pulls[number-1])
}

// PullCommits are the messages of the commits that a pull request lists, oldest first.
func (r *Repo) PullCommits(number int) []string {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	p := r.pulls[number-1]
	var out []string
	for _, c := range r.store.since(r.refs["refs/heads/"+p.Base], r.headOf(p)) {
		out = append(out, c.Message)
	}
	return out
}

// mergeBy merges by a method of the API: merge, squash or rebase. The answer is an error of GitHub's, or nil.
func (r *Repo) mergeBy(p *Pull, method string) (*Commit, *answer) {
	base, head := r.refs["refs/heads/"+p.Base], r.headOf(p)
	tree, conflicts := r.mergedTree(base, head)
	if len(conflicts) > 0 {
		return nil, failure(http.StatusMethodNotAllowed, "Pull Request is not mergeable")
	}
	list := r.store.since(base, head)
	var done *Commit
	var landed []string
	switch method {
	case "squash":
		done = r.store.addCommit(Commit{Tree: r.store.addTree(tree), Parents: []string{base}, Message: p.message(p.Title)})
		landed = []string{done.SHA}
	case "rebase":
		var ok bool
		if done, landed, ok = r.replay(base, list); !ok {
			return nil, failure(http.StatusMethodNotAllowed, "This branch can't be rebased")
		}
	default:
		done = r.store.addCommit(Commit{Tree: r.store.addTree(tree), Parents: []string{base, head}, Message: p.message("Merge " + p.Title)})
		for _, c := range append(list, done) {
			landed = append(landed, c.SHA)
		}
	}
	p.commits, p.closedAt, p.State, p.Merged, p.mergeCommit, p.AutoMerge = len(list), head, "closed", true, done.SHA, ""
	p.landed = append(p.landed, landed...)
	r.refs["refs/heads/"+p.Base] = done.SHA
	if r.options.DeleteBranchOnMerge {
		delete(r.refs, "refs/heads/"+p.Head)
	}
	r.moved()
	return done, nil
}

// message is that of a merge: the one that was given, or, with the setting "Default to pull request title and description",
// the title and the text that the pull request has by now.
func (p *Pull) message(title string) string {
	if p.mergeTitle != "" {
		return strings.TrimSpace(p.mergeTitle + "\n\n" + p.mergeText)
	}
	return strings.TrimSpace(title + "\n\n" + p.Body)
}

// replay makes commits anew on top of base, as git rebase does: merge commits are left out, and so is what base has
// already.
func (r *Repo) replay(base string, list []*Commit) (last *Commit, landed []string, ok bool) {
	last = r.store.commits[base]
	for _, old := range list {
		if len(old.Parents) != 1 {
			continue
		}
		before, _ := r.store.resolveTree(old.Parents[0])
		ours, _ := r.store.resolveTree(last.SHA)
		theirs, _ := r.store.resolveTree(old.SHA)
		tree, conflicts := mergeTrees(before, ours, theirs)
		if len(conflicts) > 0 {
			return nil, nil, false
		}
		name := r.store.addTree(tree)
		if name == last.Tree {
			continue
		}
		last = r.store.addCommit(Commit{Tree: name, Parents: []string{last.SHA}, Message: old.Message, Author: old.Author})
		landed = append(landed, last.SHA)
	}
	return last, landed, true
}

// moved is called when a branch has moved: GitHub switches auto-merge off where it can no longer merge.
func (r *Repo) moved() {
	for _, p := range r.pulls {
		if p.State == "open" && p.AutoMerge != "" && len(r.conflicts(p)) > 0 {
			p.AutoMerge = ""
		}
	}
}

// byHand merges a pull request as somebody does who presses the button. A button that is grey fails the test.
func (r *Repo) byHand(number int, method string) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	if _, refused := r.mergeBy(r.pulls[number-1], method); refused != nil {
		r.s.tb.Errorf("githubtest: #%d cannot be merged by %s: %v", number, method, refused.body)
	}
}

// Merge merges an open pull request with a merge commit. The branch stays unless DeleteBranchOnMerge is set.
func (r *Repo) Merge(number int) { r.byHand(number, "merge") }

// Squash merges an open pull request as one commit.
func (r *Repo) Squash(number int) { r.byHand(number, "squash") }

// Rebase merges an open pull request by making each of its commits anew on top of the base branch.
func (r *Repo) Rebase(number int) { r.byHand(number, "rebase") }

// RequirementsMet lets GitHub merge a pull request whose auto-merge is on. It returns whether that happened.
func (r *Repo) RequirementsMet(number int) bool {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	p := r.pulls[number-1]
	if p.State != "open" || p.AutoMerge == "" || p.Draft {
		return false
	}
	_, refused := r.mergeBy(p, strings.ToLower(p.AutoMerge))
	return refused == nil
}

// ClosePull closes a pull request as a person does. The branch stays.
func (r *Repo) ClosePull(number int) {
	r.Edit(number, func(p *Pull) { p.State = "closed" })
}

// Reopen opens a closed pull request again. GitHub offers that only while its branch is where it was, or ahead of it.
func (r *Repo) Reopen(number int) bool {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	p := r.pulls[number-1]
	head := r.refs["refs/heads/"+p.Head]
	if p.State != "closed" || p.Merged || head == "" || !r.store.isAncestor(r.headOf(p), head) ||
		slices.ContainsFunc(r.pulls, func(o *Pull) bool { return o.State == "open" && o.Head == p.Head && o.Base == p.Base }) {
		return false
	}
	p.State, p.closedAt = "open", ""
	return true
}

func (c *call) mergePull() *answer {
	p := c.pull()
	o := &c.repo.options
	method := c.str("merge_method")
	if method == "" {
		method = "merge"
	}
	switch {
	case p == nil:
		return failure(http.StatusNotFound, "Not Found")
	case p.State != "open" || p.Draft:
		return failure(http.StatusMethodNotAllowed, "Pull Request is not mergeable")
	case len(o.MergeMethods) > 0 && !slices.Contains(o.MergeMethods, method):
		word := map[string]string{"merge": "Merge commits", "squash": "Squash merges", "rebase": "Rebase merges"}[method]
		return failure(http.StatusMethodNotAllowed, "%s are not allowed on this repository.", word)
	case o.BaseModified > 0:
		o.BaseModified--
		return failure(http.StatusMethodNotAllowed, "Base branch was modified. Review and try the merge again.")
	case o.ChecksAppear:
		o.ChecksAppear, o.MergeState = false, "BLOCKED"
		return failure(http.StatusMethodNotAllowed, "Required status check \"ci\" is expected.")
	case o.MergeQueue:
		return failure(http.StatusMethodNotAllowed, "Changes must be made through the merge queue")
	case c.str("sha") != "" && c.str("sha") != c.repo.headOf(p):
		return failure(http.StatusConflict, "Head branch was modified. Review and try the merge again.")
	}
	p.mergeTitle, p.mergeText = c.str("commit_title"), c.str("commit_message")
	done, refused := c.repo.mergeBy(p, method)
	if refused != nil {
		return refused
	}
	return &answer{status: http.StatusOK, body: map[string]any{"sha": done.SHA, "merged": true, "message": "Pull Request successfully merged"}}
}
