// Package worktree is the source of commands that only read, such as diff, render and preview: the checkout that contains
// the current directory, with its uncommitted changes. It fetches nothing and has no credentials, and nothing is applied
// from it.
package worktree

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing/format/gitignore"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source/git"
)

// Checkout is a working tree. It is a source.Source with a single state, which is not a commit.
type Checkout struct {
	Top      string // its uppermost directory
	revision source.Revision
}

// Find returns the checkout that dir lies in, and the path of dir in it, with slashes.
func Find(dir string) (Checkout, string, error) {
	top, rev, err := git.WorkTree(dir)
	if err != nil {
		return Checkout{}, "", err
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return Checkout{}, "", err
	}
	if abs, err = filepath.EvalSymlinks(abs); err != nil {
		return Checkout{}, "", err
	}
	if top, err = filepath.EvalSymlinks(top); err != nil {
		return Checkout{}, "", err
	}
	rel, err := filepath.Rel(top, abs)
	return Checkout{top, rev}, filepath.ToSlash(rel), err
}

// Of reports whether the checkout belongs to a repository. commit is one that the instance has applied from it, "" for none.
func (c Checkout) Of(repo, commit string) bool { return git.CheckoutOf(c.Top, repo, commit) }

// Poll implements source.Source. A working tree is no commit, so nothing recorded ever equals it.
func (c Checkout) Poll(context.Context) (string, error) { return "working tree", nil }

// Open implements source.Source.
func (c Checkout) Open(context.Context, string) (*source.Tree, error) {
	root, err := os.OpenRoot(c.Top)
	if err != nil {
		return nil, err
	}
	return &source.Tree{Root: root, Revision: c.revision, Close: func() { root.Close() }}, nil
}

// Commits implements source.Source, for the commit that is checked out.
func (c Checkout) Commits(ctx context.Context, from, _ string, paths ...string) ([]source.Commit, error) {
	return git.Repo{URL: c.Top}.Commits(ctx, from, c.revision.Commit, paths...)
}

// Ignored returns a function that reports whether Git ignores a path below top; nil when nothing is ignored.
func Ignored(top string) func(name string, isDir bool) bool {
	patterns, err := gitignore.ReadPatterns(osfs.New(top), nil)
	if err != nil || len(patterns) == 0 {
		return nil
	}
	m := gitignore.NewMatcher(patterns)
	return func(name string, isDir bool) bool { return m.Match(strings.Split(name, "/"), isDir) }
}
