package target

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source/git"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source/worktree"
)

// State is the files of a repository at a ref of the checkout we stand in, in its working tree, or in a directory.
type State struct {
	Root        *os.Root
	Ref, Commit string                             // empty for a directory and for the working tree
	Ignored     func(name string, isDir bool) bool // not part of the state, although it is there; may be nil
	Close       func()
}

// OpenState makes the files of a ref or of a directory readable, of the working tree when value is empty. flag is the flag that
// named it.
func OpenState(ctx context.Context, flag, value string, limits Limits) (State, error) {
	top, _, worktreeErr := git.WorkTree(workingDirectory())
	if value == "" {
		if worktreeErr != nil {
			return State{}, hint.Errorf("this is no Git checkout", "name two directories, --base DIR --head DIR, or change into a checkout")
		}
		s, err := openDirectory(top)
		s.Ignored = worktree.Ignored(top)
		return s, err
	}
	named := git.Repo{URL: top, Ref: value, Limits: limits.within()}
	commit, err := "", worktreeErr
	if worktreeErr == nil {
		commit, err = pollLocal(ctx, &named)
	}
	switch isDir := IsDirectory(value); {
	case isDir && err == nil && !strings.ContainsAny(value, `/\`):
		return State{}, hint.Errorf(fmt.Sprintf("%s %s is both a directory and a ref", flag, value),
			"write ./%s for the directory, refs/heads/%s for the branch", value, value)
	case isDir:
		return openDirectory(value)
	case worktreeErr != nil:
		return State{}, hint.Errorf(fmt.Sprintf("%s %s: there is no such directory, and this is no Git checkout", flag, value),
			"name a directory, or change into a checkout")
	case err != nil:
		return State{}, fmt.Errorf("%s: %w", flag, err)
	}
	tree, err := git.Unpacker{Repo: named}.Open(ctx, commit)
	if err != nil {
		return State{}, fmt.Errorf("%s: %w", flag, err)
	}
	return State{Root: tree.Root, Ref: value, Commit: commit, Close: tree.Close}, nil
}

// pollLocal finds what a ref of the checkout points at; what is no branch or tag may be one of a remote's.
func pollLocal(ctx context.Context, repo *git.Repo) (string, error) {
	commit, err := repo.Poll(ctx)
	if err == nil {
		return commit, nil
	}
	remote := *repo
	remote.Ref = "refs/remotes/" + repo.Ref
	if commit, remoteErr := remote.Poll(ctx); remoteErr == nil {
		*repo = remote
		return commit, nil
	}
	return "", err
}

func openDirectory(dir string) (State, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return State{}, err
	}
	return State{Root: root, Close: func() { root.Close() }}, nil
}

// Below returns the path of the current directory inside its checkout; "." at the top, or outside a checkout.
func Below() string {
	if _, rel, err := worktree.Find(workingDirectory()); err == nil {
		return rel
	}
	return "."
}

// OpenCheckout opens the top of the checkout we stand in. The caller closes it.
func OpenCheckout() (*os.Root, error) {
	here, _, err := worktree.Find(workingDirectory())
	if err != nil {
		return nil, hint.Errorf("this is no Git checkout", "change into a checkout of the config repository")
	}
	return os.OpenRoot(here.Top)
}
