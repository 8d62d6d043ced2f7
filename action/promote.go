package action

import (
	"context"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/github"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/promotion"
	"github.com/kubectl-gitops/kubectl-gitops/bumper"
)

// promoted is what a plan knows about the promotion it belongs to.
type promoted struct {
	fromName, toName string // for people
	env              *promotion.Environment
	sources          []promotion.AppSource
	strands          []promotion.Strand
	gates            []promotion.GateResult
}

// promotions are the operations of one run, last environment first: a version moves one stage in a run, not two.
func promotions(ctx context.Context, c *github.Client, in Inputs) ([]operation, error) {
	p, err := promotionFile(ctx, c, in.Ref)
	if err != nil {
		return nil, err
	}
	base := promotion.Wish{From: in.From, Also: in.Also, Downgrade: in.AllowDowngrade}
	for _, img := range in.Images {
		base.Only = append(base.Only, img.Normalised())
	}
	list, err := promotion.Wishes(base, in.To, p)
	if err != nil {
		return nil, err
	}
	wants := wanted{}
	for _, w := range list {
		from, to, err := w.Places(p)
		if err != nil {
			return nil, err
		}
		wants.patterns = slices.Concat(wants.patterns, from.Patterns, to.Patterns)
		for _, line := range w.AlsoFor(to) {
			a, _ := promotion.ParseAlso(line)
			for _, dir := range slices.Concat(from.Patterns, to.Patterns) {
				wants.extra = append(wants.extra, path.Join(dir, a.File))
			}
		}
	}
	var out []operation
	for _, w := range list {
		from, to, err := w.Places(p)
		if err != nil {
			return nil, err
		}
		out = append(out, promoteOperation(w, from, to, wants, in.AllowPlainSecrets))
	}
	return out, nil
}

// promotionFile reads promotion.yaml, nil when there is none, before it is known what to read of the whole repository.
func promotionFile(ctx context.Context, c *github.Client, ref string) (*promotion.File, error) {
	at := "HEAD"
	if ref != "" {
		at = "refs/heads/" + ref
	}
	text, found, err := c.FileAt(ctx, at, promotion.FilePath)
	if err != nil || !found {
		return nil, err
	}
	return promotion.Parse([]byte(text))
}

var notSlugRE = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// promoteOperation is the one pull request of a target.
func promoteOperation(w promotion.Wish, from, to promotion.Place, wants wanted, plainSecrets bool) operation {
	op := operation{name: opPromote, wants: wants, target: targetName("from "+from.String(), "to "+to.String())}
	op.slug = strings.Trim(notSlugRE.ReplaceAllString(to.Name, "-"), "-.")
	op.plan = func(_ context.Context, s *snapshot) (Plan, error) { return planPromote(s, w, plainSecrets) }
	op.again = func(earlier []string) operation {
		next := op
		next.plan = func(_ context.Context, s *snapshot) (Plan, error) { return planAgain(s, from, to, earlier) }
		return next
	}
	return op
}

// promotable is what a promotion looks at.
func (s *snapshot) promotable() (promotion.Tree, error) {
	p, err := s.promotion()
	if err != nil {
		return promotion.Tree{}, err
	}
	holds, err := s.holds()
	return promotion.Tree{Files: s.files, Beside: s.everything(), File: p, Holds: holds}, err
}

// planAgain makes the edits that an earlier promotion (its set) asked for.
func planAgain(s *snapshot, from, to promotion.Place, earlier []string) (Plan, error) {
	tree, err := s.promotable()
	if err != nil {
		return Plan{}, err
	}
	made, err := promotion.Repeat(tree, from, to, func(part string) ([]bumper.Image, []bumper.Value) { return parseSet(setIn(earlier, part)) })
	if err != nil {
		return Plan{}, err
	}
	plan := promotionPlan(made, to)
	plan.Set = earlier
	return plan, nil
}

// planPromote copies the versions of images, and the values that were asked for, and nothing else.
func planPromote(s *snapshot, w promotion.Wish, plainSecrets bool) (Plan, error) {
	tree, err := s.promotable()
	if err != nil {
		return Plan{}, err
	}
	from, to, err := w.Places(tree.File)
	if err != nil {
		return Plan{}, err
	}
	made, err := promotion.Plan(tree, from, to, w)
	if err != nil {
		return Plan{}, err
	}
	plan := promotionPlan(made, to)
	for _, a := range made.Asked {
		for _, line := range setLines(a.Request) {
			if a.Part != "" {
				line = lineAbout(a.Part, line)
			}
			plan.Set = append(plan.Set, line)
		}
	}
	plan.Promoted = &promoted{fromName: from.Name, toName: to.Name, env: to.Env, strands: made.Strands}
	if tree.File != nil {
		plan.Promoted.sources = tree.File.Sources
	}
	if plainSecrets {
		return plan, nil
	}
	return plan, guardSecrets(plan.Files)
}

func promotionPlan(c promotion.Change, to promotion.Place) Plan {
	return Plan{Edits: c.Edits, Files: c.Files, Current: c.Current, Notes: c.Notes, Scanned: c.Scanned, Parsed: c.Parsed, Left: c.Left, Lead: "Promote to " + to.Name}
}
