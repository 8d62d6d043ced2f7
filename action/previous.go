package action

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/github"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/promotion"
	"github.com/kubectl-gitops/kubectl-gitops/bumper"
)

// maxHistoryRead is how many commits of a directory are searched for an earlier version.
const maxHistoryRead = 100

// imagesBack sets images of some directories back to what they were before, or to a given version.
func (r restorer) imagesBack() (operation, error) {
	var keys []string
	for _, img := range r.in.Images {
		keys = append(keys, "back "+img.String())
	}
	op := operation{name: opRollback, slug: slug(r.in.Images, nil), wants: wanted{}}
	op.target = targetName(append(keys, r.in.Paths...)...)
	for _, p := range r.in.Paths {
		if strings.ContainsAny(p, "*?[") {
			return op, fmt.Errorf("input paths: %q is a pattern; rollback takes directories, or names of %s", p, promotion.FilePath)
		}
	}
	// What "the version before" is, is decided once: after a lost answer the tree may have it already, and the version
	// before that one is not what was asked for.
	chosen := map[[2]string]bumper.Image{}
	op.plan = func(ctx context.Context, s *snapshot) (Plan, error) { return r.planBack(ctx, s, chosen) }
	op.again = func([]string) operation { return op }
	return op, nil
}

func (r restorer) planBack(ctx context.Context, s *snapshot, chosen map[[2]string]bumper.Image) (Plan, error) {
	p, err := s.promotion()
	if err != nil {
		return Plan{}, err
	}
	holds, err := s.holds()
	if err != nil {
		return Plan{}, err
	}
	plan := Plan{Files: map[string][]byte{}, Lead: "Roll back", Scanned: len(s.files)}
	for _, dir := range r.in.Paths {
		patterns := []string{dir}
		if e := p.Environment(dir); e != nil {
			patterns = e.Patterns
		}
		parts, err := promotion.PartsOf(patterns, s.files, s.everything())
		if err != nil {
			return Plan{}, err
		}
		if len(parts) == 0 {
			return Plan{}, hint.With(fmt.Errorf("input paths: there is no YAML in %s", strings.Join(patterns, ", ")), "give a directory of the repository, or the name of an environment in "+promotion.FilePath)
		}
		for _, img := range r.in.Images {
			if err := r.backIn(ctx, s, &plan, parts, img, holds, chosen); err != nil {
				return Plan{}, err
			}
		}
	}
	if len(plan.Edits) == 0 {
		return plan, nil
	}
	if err := r.guard(plan); err != nil {
		return Plan{}, err
	}
	return r.withHolds(s, plan)
}

// backIn adds to the plan what takes an image back in the parts of an environment that name it.
func (r restorer) backIn(ctx context.Context, s *snapshot, plan *Plan, parts []promotion.Member, img bumper.Image, holds []promotion.Hold, chosen map[[2]string]bumper.Image) error {
	var found bool
	for _, part := range parts {
		part.Files = promotion.WithData(part.Files, plan.Files)
		if len(part.Images[img.Normalised()]) == 0 && len(parts) > 1 {
			continue
		}
		found = true
		key := [2]string{part.Path, img.Name}
		to, known := chosen[key]
		if !known {
			to = img
			if img.Tag == "" && img.Digest == "" {
				var err error
				if to, err = r.previous(ctx, s.Commit, part, img, holds); err != nil {
					return err
				}
			}
			chosen[key] = to
		}
		res, err := part.Bump(bumper.Request{Images: []bumper.Image{to}, AllowDowngrade: true})
		if err != nil {
			return hint.With(fmt.Errorf("roll back in %s: %w", part.Path, err), promotion.Hint(err))
		}
		plan.Set = append(plan.Set, lineAbout(part.Path, "back to "+to.String()))
		maps.Copy(plan.Files, res.Files)
		plan.Edits, plan.Current, plan.Left = append(plan.Edits, res.Edits...), append(plan.Current, res.Current...), append(plan.Left, promotion.LeftOf(res.Left)...)
	}
	if !found {
		return fmt.Errorf("roll back: image %s: no part of the environment names it", img.Name)
	}
	return nil
}

// previous finds the version that a part of an environment had of an image before the one it has now. Held versions do not count.
func (r restorer) previous(ctx context.Context, commit string, part promotion.Member, img bumper.Image, holds []promotion.Hold) (bumper.Image, error) {
	dir, name := part.Path, img.Normalised()
	now := promotion.Deciding(part.Images[name])
	if len(now) == 0 {
		_, err := bumper.Bump(part.Files, bumper.Request{Images: []bumper.Image{{Name: img.Name, Tag: "x"}}})
		return img, hint.With(fmt.Errorf("roll back in %s: %w", dir, err), promotion.Hint(err))
	}
	var carriers []string
	for _, ref := range now {
		if !slices.Contains(carriers, ref.File) && len(carriers) < maxCarriers {
			carriers = append(carriers, ref.File)
		}
	}
	histories, err := r.client.Histories(ctx, commit, []github.Path{{Name: dir, Files: carriers}}, maxHistoryRead)
	if err != nil {
		return img, err
	}
	for _, rev := range revisionsOf(histories[0], part.Explaining(img)) {
		then, err := rev.Images()
		if err != nil {
			continue
		}
		was := promotion.Deciding(then[name])
		if len(was) == 0 || slices.ContainsFunc(was, func(w bumper.Reference) bool { return promotion.Exact(w.Image) != promotion.Exact(was[0].Image) }) {
			continue
		}
		to := bumper.Image{Name: img.Name, Tag: was[0].Image.Tag, Digest: was[0].Image.Digest}
		if promotion.Exact(to) == promotion.Exact(now[0].Image) || slices.ContainsFunc(holds, func(h promotion.Hold) bool { return h.Stops(to, dir) }) {
			continue
		}
		return to, nil
	}
	return img, hint.With(fmt.Errorf("roll back %s in %s: %w", img.Name, dir, errNoPrevious), fmt.Sprintf("the last %d commits of the directory were read; name the version: %s=TAG", maxHistoryRead, img.Name))
}
