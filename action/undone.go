package action

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/display"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/hint"
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
func (r *run) pullRange(ctx context.Context) (before, after string, err error) {
	what := fmt.Sprintf("roll back #%d", r.in.PullNumber)
	m, err := r.client.mergedPull(ctx, what, r.in.PullNumber)
	if err != nil {
		return "", "", err
	}
	base := cmp.Or(r.in.Ref, m.fallback)
	switch {
	case m.into == "":
		return "", "", hint.With(fmt.Errorf("%s: it is not merged", what), "close it; there is nothing to roll back")
	case m.into != base:
		return "", "", hint.With(fmt.Errorf("%s: it was merged into %s, not into %s", what, m.into, base), "set the ref input to the branch it was merged into")
	case m.before == "":
		return "", "", fmt.Errorf("%s: where its commits begin cannot be told; give the commit input instead", what)
	}
	return m.before, m.after, nil
}

// commitRange returns the first parent of the commit that is to be rolled back, and the commit. It must be on the base branch.
func (r *run) commitRange(ctx context.Context) (before, after string, err error) {
	what := "roll back " + display.SHA(r.in.Commit)
	c, err := r.client.commitAt(ctx, what, r.in.Commit)
	if err != nil {
		return "", "", err
	}
	if c.parent == "" {
		return "", "", fmt.Errorf("%s: it is the first commit of the repository", what)
	}
	base := cmp.Or(r.in.Ref, c.fallback)
	where, err := r.client.compare(ctx, c.oid, base)
	if err != nil {
		return "", "", err
	}
	if where.status != "ahead" && where.status != "identical" {
		return "", "", fmt.Errorf("%s: it is not on the branch %s", what, base)
	}
	return c.parent, c.oid, nil
}

// undoOf finds out what the pull request or the commit changed.
func (r *run) undoOf(ctx context.Context) (*undo, error) {
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
	changed, err := r.client.compare(ctx, before, after)
	if err != nil {
		return nil, err
	}
	if len(changed.files) >= maxCompared {
		return nil, fmt.Errorf("roll back %s: it changes %d files or more, too many to undo in one run", u.what, maxCompared)
	}
	var paths []string
	for _, f := range changed.files {
		paths = append(paths, f.path)
		if f.previous != "" {
			paths = append(paths, f.previous)
		}
	}
	wants := wanted{only: true, extra: paths}
	old, err := r.fetch(ctx, before, wants)
	if err != nil {
		return nil, err
	}
	now, err := r.fetch(ctx, after, wants)
	if err != nil {
		return nil, err
	}
	slices.Sort(paths)
	paths = slices.Compact(paths)
	if err := errors.Join(r.checkBytes(ctx, old, paths), r.checkBytes(ctx, now, paths)); err != nil {
		return nil, err
	}
	for _, p := range paths {
		if p == holdsFile {
			continue // holds follow the versions, see holdChange
		}
		c := undone{path: p, mode: old.modes[p]}
		c.before, c.had = old.data(p)
		c.after, c.has = now.data(p)
		if !c.had && !c.has {
			return nil, fmt.Errorf("roll back %s: %s is a symbolic link, a submodule or too large; undo it by hand", u.what, p)
		}
		u.files = append(u.files, c)
	}
	return u, nil
}
