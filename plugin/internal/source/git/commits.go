package git

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/storer"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/safetext"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
)

// maxCommits bounds how many commits Commits returns.
const maxCommits = 1000

// Commits returns the commits that to reaches and from does not, as `git log from..to` does: parents after their children,
// otherwise the newest first. from and to are full hashes. With paths, which are clean slash paths from the top, it also sets
// Touches and Touched of each commit. It fails when the repository no longer has from, and when there are more than 1,000
// commits. A remote repository sends only the commits where it can filter, and with paths the directories as well.
func (r Repo) Commits(ctx context.Context, from, to string, paths ...string) ([]source.Commit, error) {
	a, err := r.address()
	if err != nil {
		return nil, err
	}
	for _, commit := range []string{from, to} {
		if !isCommit(commit) {
			return nil, fmt.Errorf("%q is not a full commit (40 hexadecimal digits)", commit)
		}
	}
	since, until := plumbing.NewHash(from), plumbing.NewHash(to)
	if since == until {
		return nil, nil
	}
	if a.scheme == schemeLocal {
		l, err := openLocal(a.path)
		if err != nil {
			return nil, err
		}
		defer l.close()
		if _, err := getCommit(l.objects, since); err != nil {
			return nil, wrap(a, unknownCommit(since))
		}
		commits, err := r.between(ctx, l.objects, since, until)
		if err == nil {
			err = touched(ctx, l.objects, commits, paths)
		}
		return commits, redact(wrap(a, err))
	}
	return r.remoteCommits(ctx, a, since, until, paths)
}

// remoteCommits asks a server for the commits that it has for until and not for since. For paths it asks once more, for the
// history with its directories: what since has is left out of the first answer, and is needed to compare.
func (r Repo) remoteCommits(ctx context.Context, a address, since, until plumbing.Hash, paths []string) (commits []source.Commit, err error) {
	err = r.filtered(ctx, a, packRequest{want: until, have: since, filter: packp.FilterTreeDepth(0)}, func(p *pack) error {
		if _, err := getCommit(p.objects, until); errors.Is(err, plumbing.ErrObjectNotFound) {
			return nil // since reaches it
		}
		commits, err = r.between(ctx, p.objects, since, until)
		return err
	})
	if err != nil || len(paths) == 0 || len(commits) == 0 {
		return commits, err
	}
	history := packRequest{want: until, depth: depthOf(commits) + 1, filter: packp.FilterBlobNone()}
	err = r.filtered(ctx, a, history, func(p *pack) error { return touched(ctx, p.objects, commits, paths) })
	return commits, err
}

// filtered runs use with the pack that req asks for: without its filter where the server does not allow that one.
func (r Repo) filtered(ctx context.Context, a address, req packRequest, use func(*pack) error) error {
	ask := func() error {
		return r.remote(ctx, a, func(ctx context.Context, s session) error {
			p, err := fetchPack(ctx, s, req, r.Limits.orDefault())
			if err != nil {
				return err
			}
			defer p.close()
			return use(p)
		})
	}
	err := ask()
	if err != nil && strings.Contains(err.Error(), "filter") {
		req.filter = ""
		err = ask()
	}
	return err
}

func tooManyCommits(since plumbing.Hash) error {
	return fmt.Errorf("more than %d commits since %s", maxCommits, since)
}

// visit is a commit on the way of between.
type visit struct {
	*object.Commit
	wanted, known bool // until reaches it, since does
	listed        bool
}

// between walks from both ends, the newest commit first, until nothing is left that only until reaches. A parent that s
// does not have ends the walk there: in a pack it is a commit that since reaches, in a shallow clone the end of history.
func (r Repo) between(ctx context.Context, s storer.EncodedObjectStorer, since, until plumbing.Hash) ([]source.Commit, error) {
	seen := map[plumbing.Hash]*visit{}
	var queue []*visit
	reach := func(h plumbing.Hash, from *visit) error {
		v := seen[h]
		if v == nil {
			c, err := getCommit(s, h)
			if errors.Is(err, plumbing.ErrObjectNotFound) && h != until {
				return nil
			}
			if err != nil {
				return fmt.Errorf("commit %s: %w", h, err)
			}
			v = &visit{Commit: c}
			seen[h] = v
		}
		if v.wanted == (v.wanted || from.wanted) && v.known == (v.known || from.known) {
			return nil
		}
		v.wanted, v.known = v.wanted || from.wanted, v.known || from.known
		if !slices.Contains(queue, v) {
			i, _ := slices.BinarySearchFunc(queue, v, func(a, b *visit) int { return b.Committer.When.Compare(a.Committer.When) })
			queue = slices.Insert(queue, i, v)
		}
		return nil
	}
	if err := errors.Join(reach(until, &visit{wanted: true}), reach(since, &visit{known: true})); err != nil {
		return nil, err
	}
	var found []*visit
	// A commit can be older than its parents; a few more steps find that the other side reaches it, as git does.
	for slop := 16; len(queue) > 0 && slop > 0; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		v := queue[0]
		queue = queue[1:]
		if !v.known && !v.listed {
			v.listed, found = true, append(found, v)
		}
		if !slices.ContainsFunc(queue, func(v *visit) bool { return !v.known }) && v.known {
			slop--
		}
		if len(found) > 2*maxCommits {
			return nil, tooManyCommits(since)
		}
		for _, parent := range v.ParentHashes {
			if err := reach(parent, v); err != nil {
				return nil, err
			}
		}
	}
	found = slices.DeleteFunc(found, func(v *visit) bool { return v.known })
	if len(found) > maxCommits {
		return nil, tooManyCommits(since)
	}
	return r.list(s, found)
}

// list describes commits, parents after their children.
func (r Repo) list(s storer.EncodedObjectStorer, found []*visit) ([]source.Commit, error) {
	children := map[plumbing.Hash]int{}
	for _, v := range found {
		for _, parent := range v.ParentHashes {
			children[parent]++
		}
	}
	var out []source.Commit
	for len(found) > 0 {
		i := slices.IndexFunc(found, func(v *visit) bool { return children[v.Hash] == 0 })
		if i < 0 {
			return nil, errors.New("commits that are their own ancestors")
		}
		v := found[i]
		found = slices.Delete(found, i, i+1)
		c := source.Commit{Revision: describe(v.Commit)}
		for _, parent := range v.ParentHashes {
			children[parent]--
			c.Parents = append(c.Parents, parent.String())
		}
		c.Signer, c.Untrusted = r.verify(s, v.Commit, plumbing.ZeroHash)
		c.Signer = safetext.Line(c.Signer)
		out = append(out, c)
	}
	return out, nil
}

// depthOf is how many commits deep a server has to send the history of the first of commits, so that all are in it.
func depthOf(commits []source.Commit) int {
	at := map[string]int{commits[0].Commit: 1}
	deepest := 1
	for _, c := range commits { // parents come later
		for _, parent := range c.Parents {
			if known, ok := at[parent]; !ok || at[c.Commit]+1 < known {
				at[parent] = at[c.Commit] + 1
			}
		}
		deepest = max(deepest, at[c.Commit])
	}
	return deepest
}

// touched fills Touches: it compares what lies at paths in each commit and in its parents.
func touched(ctx context.Context, s storer.EncodedObjectStorer, commits []source.Commit, paths []string) error {
	if len(paths) == 0 {
		return nil
	}
	t := trees{objects: s, entries: map[plumbing.Hash]map[string]object.TreeEntry{}, names: map[string][]string{}}
	for i := range commits {
		if err := ctx.Err(); err != nil {
			return err
		}
		mine, err := t.at(commits[i].Commit, paths)
		if err != nil {
			return err
		}
		theirs := make([][]string, len(commits[i].Parents))
		for j, parent := range commits[i].Parents {
			if theirs[j], err = t.at(parent, paths); err != nil {
				return err
			}
		}
		for j, p := range paths {
			here := func(names []string) bool { return names[j] == mine[j] }
			if !slices.ContainsFunc(theirs, here) && (len(theirs) > 0 || mine[j] != "") {
				commits[i].Touched = append(commits[i].Touched, p)
			}
		}
		commits[i].Touches = len(commits[i].Touched) > 0
	}
	return nil
}

// maxBack is how many commits LastChange goes back in a remote repository.
const maxBack = 200

// LastChange returns the newest commit that to reaches and that changed path, as `git log -1 to -- path` does. path is a clean
// slash path from the top. When a merge has the same content at path as one of its parents, LastChange follows that parent. A
// remote repository sends the last 200 commits with their directories; an older change is not found, which is an error.
func (r Repo) LastChange(ctx context.Context, to, path string) (c source.Commit, err error) {
	a, err := r.address()
	if err != nil {
		return source.Commit{}, err
	}
	if !isCommit(to) {
		return source.Commit{}, fmt.Errorf("%q is not a full commit (40 hexadecimal digits)", to)
	}
	tip := plumbing.NewHash(to)
	if a.scheme == schemeLocal {
		l, err := openLocal(a.path)
		if err != nil {
			return source.Commit{}, err
		}
		defer l.close()
		c, err = lastChange(ctx, l.objects, tip, path)
		return c, redact(wrap(a, err))
	}
	history := packRequest{want: tip, depth: maxBack, filter: packp.FilterBlobNone()}
	err = r.filtered(ctx, a, history, func(p *pack) error {
		c, err = lastChange(ctx, p.objects, tip, path)
		return err
	})
	return c, err
}

func lastChange(ctx context.Context, s storer.EncodedObjectStorer, at plumbing.Hash, path string) (source.Commit, error) {
	t := trees{objects: s, entries: map[plumbing.Hash]map[string]object.TreeEntry{}, names: map[string][]string{}}
	for {
		if err := ctx.Err(); err != nil {
			return source.Commit{}, err
		}
		c, err := getCommit(s, at)
		if err != nil {
			return source.Commit{}, fmt.Errorf("commit %s: %w", at, err)
		}
		mine, err := t.at(at.String(), []string{path})
		if err != nil {
			return source.Commit{}, err
		}
		same := plumbing.ZeroHash
		for _, parent := range c.ParentHashes {
			theirs, err := t.at(parent.String(), []string{path})
			if errors.Is(err, plumbing.ErrObjectNotFound) {
				return source.Commit{}, fmt.Errorf("the history before %s was not sent", at)
			}
			if err != nil {
				return source.Commit{}, err
			}
			if same.IsZero() && slices.Equal(mine, theirs) {
				same = parent
			}
		}
		if same.IsZero() {
			if len(c.ParentHashes) == 0 && mine[0] == "" {
				return source.Commit{}, fmt.Errorf("no commit has %q", path)
			}
			found := source.Commit{Revision: describe(c), Touches: true, Touched: []string{path}}
			for _, parent := range c.ParentHashes {
				found.Parents = append(found.Parents, parent.String())
			}
			return found, nil
		}
		at = same
	}
}

// trees reads each directory of a repository's history once.
type trees struct {
	objects storer.EncodedObjectStorer
	entries map[plumbing.Hash]map[string]object.TreeEntry
	names   map[string][]string // by commit
}

// at returns Git's names for what lies at paths in a commit, as source.Objects.At does.
func (t *trees) at(commit string, paths []string) ([]string, error) {
	if names, known := t.names[commit]; known {
		return names, nil
	}
	c, err := getCommit(t.objects, plumbing.NewHash(commit))
	if err != nil {
		return nil, fmt.Errorf("commit %s: %w", commit, err)
	}
	names := make([]string, 0, len(paths))
	for _, p := range paths {
		name, err := t.name(c.TreeHash, p)
		if err != nil {
			return nil, fmt.Errorf("commit %s: %q: %w", commit, p, err)
		}
		names = append(names, name)
	}
	t.names[commit] = names
	return names, nil
}

func (t *trees) name(tree plumbing.Hash, p string) (string, error) {
	if p == "." {
		return tree.String(), nil
	}
	for {
		entries, err := t.of(tree)
		if err != nil {
			return "", err
		}
		first, rest, deeper := strings.Cut(p, "/")
		e, found := entries[first]
		switch {
		case !found:
			return "", nil
		case !deeper:
			return e.Mode.String() + " " + e.Hash.String(), nil
		case e.Mode != filemode.Dir:
			return "", nil
		}
		tree, p = e.Hash, rest
	}
}

func (t *trees) of(tree plumbing.Hash) (map[string]object.TreeEntry, error) {
	if entries, known := t.entries[tree]; known {
		return entries, nil
	}
	found, err := getTree(t.objects, tree)
	if err != nil {
		return nil, err
	}
	entries := make(map[string]object.TreeEntry, len(found.Entries))
	for _, e := range found.Entries {
		entries[e.Name] = e
	}
	t.entries[tree] = entries
	return entries, nil
}
