package action

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/display"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/github"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/promotion"
	"github.com/kubectl-gitops/kubectl-gitops/bumper"
)

// restorer makes the plans of a rollback.
type restorer struct {
	in     Inputs
	client *github.Client
	now    func() time.Time
}

// operation makes the operation that the inputs ask for: undo a pull request or a commit, set images back, or
// release what an earlier rollback holds.
func (r restorer) operation(ctx context.Context) (operation, error) {
	switch {
	case len(r.in.Release) > 0:
		return r.release(), nil
	case len(r.in.Images) > 0:
		return r.imagesBack()
	}
	u, err := r.undoOf(ctx)
	if err != nil {
		return operation{}, err
	}
	op := operation{name: opRollback, slug: u.slug, target: targetName("undo " + u.what), wants: wanted{only: true, explain: true, extra: u.paths()}, set: []string{"undo " + u.what}}
	op.plan = func(_ context.Context, s *snapshot) (Plan, error) { return r.planUndo(s, u) }
	op.again = func([]string) operation { return op }
	return op, nil
}

// held returns a hold of the version that an edit takes away.
func (r restorer) held(p *promotion.File, e bumper.Edit) promotion.Hold {
	h := promotion.Hold{Image: e.Before.Name, Tag: e.Before.Tag, Digest: e.Before.Digest, Path: p.Directory(e.File), Reason: display.OneLine(r.in.Reason), By: r.in.event.actor,
		Since: r.now().UTC().Format(time.DateOnly)}
	if h.Reason == "" {
		h.Reason = "rolled back"
	}
	return h
}

// withHolds adds to a plan the holds of the versions that it takes away.
func (r restorer) withHolds(s *snapshot, plan Plan) (Plan, error) {
	p, err := s.promotion()
	if err != nil {
		return Plan{}, err
	}
	var bad []promotion.Hold
	for _, e := range plan.Edits {
		if e.Image != "" && e.Before.Tag+e.Before.Digest != "" && promotion.Exact(e.Before) != promotion.Exact(e.After) {
			bad = append(bad, r.held(p, e))
		}
	}
	data, notes, err := promotion.ChangeHolds(s.own[promotion.HoldsPath], bad, plan.Edits, r.in.Hold)
	if err != nil {
		return Plan{}, err
	}
	if data != nil {
		plan.Files[promotion.HoldsPath] = data
	}
	plan.Notes = append(plan.Notes, notes...)
	return plan, nil
}

// release makes the operation that takes holds out.
func (r restorer) release() operation {
	var keys []string
	for _, img := range r.in.Release {
		keys = append(keys, "release "+img.String())
	}
	op := operation{name: opRollback, slug: "release-" + display.ShortName(r.in.Release[0].Name), wants: wanted{only: true}}
	op.target = targetName(append(keys, r.in.Paths...)...)
	op.plan = func(_ context.Context, s *snapshot) (Plan, error) {
		plan := Plan{Files: map[string][]byte{}, Set: keys, Lead: "Release " + display.ShortName(r.in.Release[0].Name)}
		p, err := s.promotion()
		if err != nil {
			return plan, err
		}
		holds, err := s.holds()
		if err != nil {
			return plan, err
		}
		drop := func(h promotion.Hold) bool {
			return slices.ContainsFunc(r.in.Release, func(img bumper.Image) bool { return h.IsAbout(img) }) &&
				(len(r.in.Paths) == 0 || slices.ContainsFunc(r.in.Paths, func(at string) bool { return p.Contains(at, h.Path) }))
		}
		var out []string
		for _, h := range holds {
			if drop(h) {
				out = append(out, "released: "+h.String())
			}
		}
		if len(out) == 0 {
			plan.Notes = append(plan.Notes, "there is no hold on "+strings.TrimPrefix(strings.Join(keys, ", "), "release "))
			return plan, nil
		}
		plan.Notes, plan.Set = out, append(slices.Clone(keys), out...)
		plan.Files[promotion.HoldsPath], err = promotion.EditHolds(s.own[promotion.HoldsPath], drop, nil)
		return plan, err
	}
	op.again = func([]string) operation { return op }
	return op
}
