package action

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/display"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/github"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/promotion"
)

// undo is what a pull request or a commit changed, file by file.
type undo struct {
	what, slug string
	files      []undone
}

// undone is one file as it was before and after.
type undone struct {
	path          string
	before, after []byte
	had, has      bool   // it was there before, and after
	mode          string // before
}

func (u *undo) paths() []string {
	var out []string
	for _, f := range u.files {
		out = append(out, f.path)
	}
	return out
}

// pullRange returns the base branch just before and just after the pull request that is to be rolled back was merged.
func (r restorer) pullRange(ctx context.Context) (before, after string, err error) {
	what := fmt.Sprintf("roll back #%d", r.in.PullNumber)
	m, err := r.client.MergedPull(ctx, what, r.in.PullNumber)
	if err != nil {
		return "", "", err
	}
	base := cmp.Or(r.in.Ref, m.Fallback)
	switch {
	case m.Into == "":
		return "", "", hint.With(fmt.Errorf("%s: it is not merged", what), "close it; there is nothing to roll back")
	case m.Into != base:
		return "", "", hint.With(fmt.Errorf("%s: it was merged into %s, not into %s", what, m.Into, base), "set the ref input to the branch it was merged into")
	case m.Before == "":
		return "", "", fmt.Errorf("%s: cannot find where its commits begin; give the commit input instead", what)
	}
	return m.Before, m.After, nil
}

// commitRange returns the first parent of the commit that is to be rolled back, and the commit. It must be on the base branch.
func (r restorer) commitRange(ctx context.Context) (before, after string, err error) {
	what := "roll back " + display.SHA(r.in.Commit)
	c, err := r.client.CommitAt(ctx, what, r.in.Commit)
	if err != nil {
		return "", "", err
	}
	if c.Parent == "" {
		return "", "", fmt.Errorf("%s: it is the first commit of the repository", what)
	}
	base := cmp.Or(r.in.Ref, c.Fallback)
	where, err := r.client.Compare(ctx, c.SHA, base)
	if err != nil {
		return "", "", err
	}
	if where.Status != "ahead" && where.Status != "identical" {
		return "", "", fmt.Errorf("%s: it is not on the branch %s", what, base)
	}
	return c.Parent, c.SHA, nil
}

// undoOf finds out what the pull request or the commit changed.
func (r restorer) undoOf(ctx context.Context) (*undo, error) {
	u := &undo{}
	var before, after string
	var err error
	if r.in.PullNumber > 0 {
		u.what, u.slug = fmt.Sprintf("#%d", r.in.PullNumber), fmt.Sprintf("pr-%d", r.in.PullNumber)
		before, after, err = r.pullRange(ctx)
	} else {
		before, after, err = r.commitRange(ctx)
		u.what, u.slug = display.SHA(after), display.SHA(after)
	}
	if err != nil {
		return nil, err
	}
	changed, err := r.client.Compare(ctx, before, after)
	if err != nil {
		return nil, err
	}
	if len(changed.Files) >= github.MaxCompared {
		return nil, fmt.Errorf("roll back %s: it changes %d files or more, too many to undo in one run", u.what, github.MaxCompared)
	}
	var paths []string
	for _, f := range changed.Files {
		paths = append(paths, f.Path)
		if f.Previous != "" {
			paths = append(paths, f.Previous)
		}
	}
	wants := wanted{only: true, extra: paths}
	old, err := fetch(ctx, r.client, before, wants)
	if err != nil {
		return nil, err
	}
	now, err := fetch(ctx, r.client, after, wants)
	if err != nil {
		return nil, err
	}
	slices.Sort(paths)
	paths = slices.Compact(paths)
	if err := errors.Join(checkBytes(ctx, r.client, old, paths), checkBytes(ctx, r.client, now, paths)); err != nil {
		return nil, err
	}
	for _, p := range paths {
		if p == promotion.HoldsPath {
			continue // holds follow the versions, see holdChange
		}
		c := undone{path: p, mode: old.modes[p]}
		c.before, c.had = old.data(p)
		c.after, c.has = now.data(p)
		if !c.had && !c.has {
			return nil, fmt.Errorf("roll back %s: %s is a symbolic link, a submodule or too large; undo it manually", u.what, p)
		}
		u.files = append(u.files, c)
	}
	return u, nil
}
