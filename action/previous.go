package action

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/bumper"
)

// maxHistoryRead is how many commits of a directory are searched for an earlier version.
const maxHistoryRead = 100

// imagesBackOperation sets images of some directories back to what they were before, or to a given version.
func (r *run) imagesBackOperation() (operation, error) {
	var keys []string
	for _, img := range r.in.Images {
		keys = append(keys, "back "+img.String())
	}
	op := operation{name: opRollback, slug: slug(r.in.Images, nil), wants: wanted{}}
	op.target = targetName(append(keys, r.in.Paths...)...)
	for _, p := range r.in.Paths {
		if strings.ContainsAny(p, "*?[") {
			return op, fmt.Errorf("input paths: %q is a pattern; rollback takes directories, or names of %s", p, promotionFile)
		}
	}
	// What "the version before" is, is decided once: after a lost answer the tree may have it already, and the version
	// before that one is not what was asked for.
	chosen := map[[2]string]bumper.Image{}
	op.plan = func(ctx context.Context, s *snapshot) (Plan, error) { return r.planBack(ctx, s, chosen) }
	op.again = func([]string) operation { return op }
	return op, nil
}

func (r *run) planBack(ctx context.Context, s *snapshot, chosen map[[2]string]bumper.Image) (Plan, error) {
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
		if e := p.environment(dir); e != nil {
			dir = e.Path
		}
		files := withData(s.below(dir), plan.Files)
		if len(files) == 0 {
			return Plan{}, advise(fmt.Errorf("input paths: there is no YAML in %s", dir), "give a directory of the repository, or the name of an environment in "+promotionFile)
		}
		for _, img := range r.in.Images {
			to, known := chosen[[2]string{dir, img.Name}]
			if !known {
				to = img
				if img.Tag == "" && img.Digest == "" {
					if to, err = r.previous(ctx, s.commit, dir, files, img, holds); err != nil {
						return Plan{}, err
					}
				}
				chosen[[2]string{dir, img.Name}] = to
			}
			res, err := bumper.Bump(files, bumper.Request{Images: []bumper.Image{to}, AllowDowngrade: true})
			if err != nil {
				return Plan{}, advise(fmt.Errorf("roll back in %s: %w", dir, err), bumpHint(err))
			}
			if line := "back to " + to.String() + " in " + dir; !slices.Contains(plan.Set, line) {
				plan.Set = append(plan.Set, line)
			}
			files = withData(files, res.Files)
			for name, data := range res.Files {
				plan.Files[name] = data
			}
			plan.Edits, plan.Current = append(plan.Edits, res.Edits...), append(plan.Current, res.Current...)
			plan.Left = append(plan.Left, leftOf(res.Left)...)
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

// previous finds the version that a directory had of an image before the one it has now. Held versions do not count.
func (r *run) previous(ctx context.Context, commit, dir string, files []bumper.File, img bumper.Image, holds []Hold) (bumper.Image, error) {
	refs, err := byImage(files)
	if err != nil {
		return img, err
	}
	name := img.Normalised()
	now := deciding(refs[name])
	if len(now) == 0 {
		_, err := bumper.Bump(files, bumper.Request{Images: []bumper.Image{{Name: img.Name, Tag: "x"}}})
		return img, advise(fmt.Errorf("roll back in %s: %w", dir, err), bumpHint(err))
	}
	var carriers []string
	for _, ref := range now {
		if !slices.Contains(carriers, ref.File) && len(carriers) < maxCarriers {
			carriers = append(carriers, ref.File)
		}
	}
	history, err := r.client.revisions(ctx, commit, path.Clean(dir), carriers, maxHistoryRead)
	if err != nil {
		return img, err
	}
	for _, rev := range history {
		then, err := byImage(rev.files)
		if err != nil {
			continue
		}
		was := deciding(then[name])
		if len(was) == 0 || slices.ContainsFunc(was, func(w bumper.Reference) bool { return exact(w.Image) != exact(was[0].Image) }) {
			continue
		}
		to := bumper.Image{Name: img.Name, Tag: was[0].Image.Tag, Digest: was[0].Image.Digest}
		if exact(to) == exact(now[0].Image) || slices.ContainsFunc(holds, func(h Hold) bool { return h.stops(to, dir) }) {
			continue
		}
		return to, nil
	}
	return img, advise(fmt.Errorf("roll back %s in %s: %w", img.Name, dir, errNoPrevious), fmt.Sprintf("the last %d commits of the directory were read; name the version: %s=TAG", maxHistoryRead, img.Name))
}
