package githubtest

import (
	"maps"
	"sort"
	"strings"
)

// Repo is one repository. Its methods are safe while the server runs.
type Repo struct {
	s       *Server
	name    string // owner/name
	store   *objects
	refs    map[string]string // refs/heads/x -> sha
	pulls   []*Pull
	reports []*Report
	options RepoOptions
}

// RepoOptions are the settings of a repository that change how GitHub answers.
type RepoOptions struct {
	DefaultBranch string // "main" when empty
	// Protected maps a branch to the message with which GitHub refuses a direct update.
	Protected map[string]string
	// AutoMerge allows auto-merge.
	AutoMerge bool
	// MergeState is what GitHub says about pull requests without conflicts: BLOCKED (the default), CLEAN, UNSTABLE.
	MergeState string
	// MergeableAfter is how often GitHub answers that it does not know yet whether a pull request has conflicts, each
	// time one of the branches has moved. The default is once; a negative number means never.
	MergeableAfter int
	// UpToDate is the rule that a branch must contain its base branch before it is merged.
	UpToDate bool
	// MergeMethods are those that the repository allows; nil means all.
	MergeMethods []string
	// DeleteBranchOnMerge is the setting "Automatically delete head branches".
	DeleteBranchOnMerge bool
	// BaseModified is how many merges are refused because the base branch has just moved.
	BaseModified int
	// NoForce is a rule that forbids to force branches.
	NoForce bool
	// Collaborators and Teams are those who can be asked for a review or be assigned; nil means everybody but "nobody".
	Collaborators, Teams []string
	// ChecksAppear refuses the first merge, because the required checks only appear then; from there on the
	// merge state is BLOCKED.
	ChecksAppear bool
	// MergeQueue makes a direct merge fail as a branch with a merge queue does.
	MergeQueue bool
}

// Pull is one pull request.
type Pull struct {
	Number        int
	Title, Body   string
	Head, Base    string // branch names
	State         string // open or closed
	Merged, Draft bool
	Fork          bool // from another repository
	Labels        []string
	Assignees     []string
	Reviewers     []string
	Teams         []string
	Comments      []string // of the token's owner
	// ForeignComments are those of others.
	ForeignComments []string
	Reviews         int      // reviews given
	Approvers       []string // who has approved
	ApprovedAt      string   // the commit that they saw; "" is the last one
	AutoMerge       string   // MERGE, SQUASH, REBASE or empty

	Author string // a login; "gitops[bot]" when it is empty

	closedAt    string // the head when it was closed or merged
	askedAt     string // the commits for which GitHub was asked whether they merge
	asked       int    // how often
	commits     int    // how many it had when it was merged
	mergeCommit string
	// The message of the merge, when it was given; else GitHub makes one.
	mergeTitle, mergeText string
	landed                []string // what the base branch has of it, once it is merged
}

// AddRepo creates owner/name with one commit on the default branch. The files map paths to contents;
// they get mode 100644, or 100755 when the path ends in .sh.
func (s *Server) AddRepo(name string, files map[string]string, options RepoOptions) *Repo {
	s.mu.Lock()
	defer s.mu.Unlock()
	if options.DefaultBranch == "" {
		options.DefaultBranch = "main"
	}
	if options.MergeState == "" {
		options.MergeState = "BLOCKED"
	}
	if options.MergeableAfter == 0 {
		options.MergeableAfter = 1
	}
	r := &Repo{s: s, name: name, store: newObjects(), refs: map[string]string{}, options: options}
	tree := map[string]File{}
	for p, data := range files {
		tree[p] = newFile(p, data)
	}
	c := r.store.addCommit(Commit{Tree: r.store.addTree(tree), Message: "Start", Author: "Ada <ada@example.com>"})
	r.refs["refs/heads/"+options.DefaultBranch] = c.SHA
	s.repos[strings.ToLower(name)] = r
	return r
}

func newFile(path, data string) File {
	mode := "100644"
	if strings.HasSuffix(path, ".sh") {
		mode = "100755"
	}
	return File{Mode: mode, Data: data}
}

// Head is the commit a branch points to, or nil.
func (r *Repo) Head(branch string) *Commit {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	c := r.store.commits[r.refs["refs/heads/"+branch]]
	if c == nil {
		return nil
	}
	copied := *c
	return &copied
}

// Commit is a commit of the repository, or nil.
func (r *Repo) Commit(sha string) *Commit {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	c := r.store.commits[sha]
	if c == nil {
		return nil
	}
	copied := *c
	return &copied
}

// Files are the files at the head of a branch.
func (r *Repo) Files(branch string) map[string]File {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	files, _ := r.store.resolveTree(r.refs["refs/heads/"+branch])
	return maps.Clone(files)
}

// Read is the content of one file at the head of a branch.
func (r *Repo) Read(branch, path string) string { return r.Files(branch)[path].Data }

// Branches are the names of all branches, sorted.
func (r *Repo) Branches() []string {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	var out []string
	for ref := range r.refs {
		out = append(out, strings.TrimPrefix(ref, "refs/heads/"))
	}
	sort.Strings(out)
	return out
}

// Commits is the length of a branch's history, every parent counted once.
func (r *Repo) Commits(branch string) int {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	head, n := r.refs["refs/heads/"+branch], 0
	for sha := range r.store.commits {
		if r.store.isAncestor(sha, head) {
			n++
		}
	}
	return n
}

// Push commits files on a branch as a person would, creating the branch from the default one when it
// does not exist, and returns the new commit.
func (r *Repo) Push(branch, message string, files map[string]string) *Commit {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	parent := r.refs["refs/heads/"+branch]
	if parent == "" {
		parent = r.refs["refs/heads/"+r.options.DefaultBranch]
	}
	old, _ := r.store.resolveTree(parent)
	tree := maps.Clone(old)
	for p, data := range files {
		tree[p] = newFile(p, data)
	}
	c := r.store.addCommit(Commit{Tree: r.store.addTree(tree), Parents: []string{parent}, Message: message, Author: "Ada <ada@example.com>"})
	r.refs["refs/heads/"+branch] = c.SHA
	r.moved()
	return c
}

// ForcePush makes a branch one commit on top of another commit, with that one's files and these, "" for a file that goes.
// The message may name the tree, which is all that somebody needs who forges what a run writes.
func (r *Repo) ForcePush(branch, parent string, files map[string]string, message func(tree string) string) *Commit {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	old, _ := r.store.resolveTree(parent)
	tree := maps.Clone(old)
	for p, data := range files {
		if tree[p] = newFile(p, data); data == "" {
			delete(tree, p)
		}
	}
	name := r.store.addTree(tree)
	c := r.store.addCommit(Commit{Tree: name, Parents: []string{parent}, Message: message(name), Author: "Mallory <mallory@example.com>"})
	r.refs["refs/heads/"+branch] = c.SHA
	r.moved()
	return c
}

// Remove deletes files of a branch in one commit.
func (r *Repo) Remove(branch, message string, paths ...string) *Commit {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	head := r.refs["refs/heads/"+branch]
	old, _ := r.store.resolveTree(head)
	tree := maps.Clone(old)
	for _, p := range paths {
		delete(tree, p)
	}
	c := r.store.addCommit(Commit{Tree: r.store.addTree(tree), Parents: []string{head}, Message: message, Author: "Ada <ada@example.com>"})
	r.refs["refs/heads/"+branch] = c.SHA
	r.moved()
	return c
}

// DeleteBranch removes a branch and closes its pull requests, as GitHub does.
func (r *Repo) DeleteBranch(branch string) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	r.deleteBranch(branch)
}

func (r *Repo) deleteBranch(branch string) {
	for _, p := range r.pulls {
		if p.Head == branch && p.State == "open" {
			p.closedAt, p.State = r.headOf(p), "closed"
		}
	}
	delete(r.refs, "refs/heads/"+branch)
}

// UpdateBranch merges the base branch into a pull request's branch, as GitHub's button does. The files are
// what a person might have changed on the way.
func (r *Repo) UpdateBranch(number int, files map[string]string) *Commit {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	p := r.pulls[number-1]
	base, head := r.refs["refs/heads/"+p.Base], r.refs["refs/heads/"+p.Head]
	tree, _ := r.mergedTree(base, head) // a person resolves conflicts with files
	for path, data := range files {
		tree[path] = newFile(path, data)
	}
	c := r.store.addCommit(Commit{Tree: r.store.addTree(tree), Parents: []string{head, base}, Message: "Merge branch '" + p.Base + "' into " + p.Head, Author: "GitHub <noreply@github.com>"})
	r.refs["refs/heads/"+p.Head] = c.SHA
	r.moved()
	return c
}

// Pulls are copies of all pull requests, oldest first.
func (r *Repo) Pulls() []Pull {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	out := make([]Pull, 0, len(r.pulls))
	for _, p := range r.pulls {
		out = append(out, *p)
	}
	return out
}

// Open are the pull requests that are open.
func (r *Repo) Open() []Pull {
	var out []Pull
	for _, p := range r.Pulls() {
		if p.State == "open" {
			out = append(out, p)
		}
	}
	return out
}

// OpenPull opens a pull request from a branch to the default branch, as a person would.
func (r *Repo) OpenPull(branch, title string) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	r.pulls = append(r.pulls, &Pull{Number: len(r.pulls) + 1, Title: title, Head: branch, Base: r.options.DefaultBranch, State: "open"})
}

// Edit changes one pull request the way a person would in the web page.
func (r *Repo) Edit(number int, change func(*Pull)) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	p := r.pulls[number-1]
	was, head := p.State, r.headOf(p)
	change(p)
	if was == "open" && p.State != was {
		p.closedAt = head
	}
}

func (r *Repo) owner() string { return strings.Split(r.name, "/")[0] }
