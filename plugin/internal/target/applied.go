package target

import (
	"context"
	"os"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source/git"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source/worktree"
)

// OpenApplied opens a commit that was applied: from the checkout we stand in if it has the commit, otherwise from where
// the app comes from.
func (f *Flags) OpenApplied(ctx context.Context, from report.Source, commit string) (*source.Tree, error) {
	repo := f.at(from)
	if here, _, err := worktree.Find(workingDirectory()); err == nil {
		if tree, err := (Repository{git: git.Repo{URL: here.Top, Limits: repo.git.Limits}}).Source().Open(ctx, commit); err == nil {
			return tree, nil
		}
	}
	return repo.Source().Open(ctx, commit)
}

// at is the repository that an app comes from.
func (f *Flags) at(from report.Source) Repository {
	flags := *f
	flags.Repo, flags.Ref, flags.Path = from.Repo, from.Ref, from.Path
	return flags.Repository()
}

// LastChange finds the newest commit that changed a file, up to a commit that was applied.
func (f *Flags) LastChange(ctx context.Context, from report.Source, commit, file string) (report.Revision, error) {
	if here, _, err := worktree.Find(workingDirectory()); err == nil {
		if c, err := (git.Repo{URL: here.Top}).LastChange(ctx, commit, file); err == nil {
			return revisionOf(c), nil
		}
	}
	c, err := f.at(from).git.LastChange(ctx, commit, file)
	return revisionOf(c), err
}

func revisionOf(c source.Commit) report.Revision {
	return report.Revision{Commit: c.Commit, Author: c.Author, Subject: c.Subject, Time: c.Time}
}

// workingDirectory is where the process stands, or "." when that cannot be told.
func workingDirectory() string {
	dir, err := os.Getwd()
	if err != nil {
		return "."
	}
	return dir
}
