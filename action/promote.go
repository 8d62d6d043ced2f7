package action

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/bumper"
)

// promoteWish is one promotion: from one environment into another, as the inputs name them.
type promoteWish struct {
	from, to     string   // directories, or names of promotion.yaml; from may be empty when promotion.yaml knows it
	also         []string // besides those of promotion.yaml
	only         []string // normalised names of images; empty for all
	downgrade    bool
	plainSecrets bool
}

// promoted is what a plan knows about the promotion it belongs to.
type promoted struct {
	from, to         string // directories
	fromName, toName string // for people
	env              *Environment
	sources          []AppSource
	carriers         []string // files of the source that carry the versions
	gates            []gateResult
}

// place is an environment of a promotion: a directory, and the entry of promotion.yaml when there is one.
type place struct {
	dir, name string
	env       *Environment
}

// promotions are the operations of one run, last environment first: a version moves one stage in a run, not two.
func (r *run) promotions(ctx context.Context) ([]operation, error) {
	p, err := r.client.promotionAt(ctx, r.in.Ref)
	if err != nil {
		return nil, err
	}
	wishes, err := r.wishes(p)
	if err != nil {
		return nil, err
	}
	wants := wanted{}
	for _, w := range wishes {
		from, to, err := w.places(p)
		if err != nil {
			return nil, err
		}
		wants.patterns = append(wants.patterns, from.dir, to.dir)
		for _, line := range w.alsoFor(to) {
			a, _ := parseAlso(line)
			wants.extra = append(wants.extra, path.Join(from.dir, a.file), path.Join(to.dir, a.file))
		}
	}
	var out []operation
	for _, w := range wishes {
		from, to, err := w.places(p)
		if err != nil {
			return nil, err
		}
		out = append(out, promoteOperation(w, from, to, wants))
	}
	return out, nil
}

// wishes are the promotions that the inputs ask for; without from and to, all of promotion.yaml.
func (r *run) wishes(p *Promotion) ([]promoteWish, error) {
	base := promoteWish{from: r.in.From, also: r.in.Also, downgrade: r.in.AllowDowngrade, plainSecrets: r.in.AllowPlainSecrets}
	for _, img := range r.in.Images {
		base.only = append(base.only, img.Normalised())
	}
	targets := slices.Clone(r.in.To)
	if len(targets) == 0 && p == nil {
		return nil, advise(fmt.Errorf("nothing to promote: the inputs from and to are empty and the repository has no %s", promotionFile),
			"give two directories, or write "+promotionFile+" as docs/promotion.md shows")
	}
	if len(targets) == 0 {
		for _, e := range p.Environments {
			if e.From != "" && (base.from == "" || p.environment(base.from) == p.environment(e.From)) {
				targets = append(targets, e.Name)
			}
		}
		if len(targets) == 0 {
			return nil, advise(fmt.Errorf("input from: nothing takes its versions from %q", base.from), "environments: "+strings.Join(p.names(), ", "))
		}
	}
	order := func(target string) int {
		e := p.environment(target)
		return slices.IndexFunc(p.names(), func(name string) bool { return e != nil && name == e.Name })
	}
	slices.SortStableFunc(targets, func(a, b string) int { return cmp.Compare(order(b), order(a)) })
	var out []promoteWish
	for _, t := range targets {
		w := base
		w.to = t
		out = append(out, w)
	}
	return out, nil
}

// places turns the names of the wish into directories.
func (w promoteWish) places(p *Promotion) (from, to place, err error) {
	if to, err = w.place("to", w.to, p); err != nil {
		return from, to, err
	}
	name := w.from
	if name == "" && to.env != nil {
		name = to.env.From
	}
	if name == "" {
		return from, to, advise(fmt.Errorf("input from: nothing says where %s takes its versions from", w.to), "give the from input, or list the environments in "+promotionFile)
	}
	if from, err = w.place("from", name, p); err != nil {
		return from, to, err
	}
	if below(from.dir, to.dir) || below(to.dir, from.dir) {
		return from, to, fmt.Errorf("inputs from and to: %s and %s overlap", from.dir, to.dir)
	}
	return from, to, nil
}

func (w promoteWish) place(input, name string, p *Promotion) (place, error) {
	if e := p.environment(name); e != nil {
		return place{e.Path, e.Name, e}, nil
	}
	clean, err := cleanPattern(name)
	if err != nil {
		return place{}, fmt.Errorf("input %s: %w", input, err)
	}
	if clean == "." || strings.ContainsAny(clean, "*?[") {
		return place{}, fmt.Errorf("input %s: %q is not a directory of the repository below its root", input, name)
	}
	return place{clean, clean, nil}, nil
}

func (w promoteWish) alsoFor(to place) []string {
	if to.env == nil {
		return w.also
	}
	return append(slices.Clone(to.env.Also), w.also...)
}

var notSlugRE = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// promoteOperation is the one pull request of a target.
func promoteOperation(w promoteWish, from, to place, wants wanted) operation {
	op := operation{name: opPromote, wants: wants, target: targetName("from "+from.dir, "to "+to.dir)}
	op.slug = strings.Trim(notSlugRE.ReplaceAllString(to.name, "-"), "-.")
	op.plan = func(_ context.Context, s *snapshot) (Plan, error) { return planPromote(s, w) }
	op.again = func(earlier []string) operation {
		next := op
		next.plan = func(_ context.Context, s *snapshot) (Plan, error) {
			req := bumper.Request{AllowDowngrade: true}
			req.Images, req.Values = parseSet(earlier)
			res, err := bumper.Bump(s.below(to.dir), req)
			plan := newPlan(res)
			plan.Set, plan.Lead = earlier, "Promote to "+to.name
			return plan, err
		}
		return next
	}
	return op
}

// planPromote copies the versions of images, and the values that were asked for, and nothing else.
func planPromote(s *snapshot, w promoteWish) (Plan, error) {
	p, err := s.promotion()
	if err != nil {
		return Plan{}, err
	}
	from, to, err := w.places(p)
	if err != nil {
		return Plan{}, err
	}
	m := &match{from: from, to: to, source: s.below(from.dir), target: s.below(to.dir)}
	if err := m.read(p); err != nil {
		return Plan{}, err
	}
	req := bumper.Request{Images: m.images(w.only), AllowDowngrade: w.downgrade}
	if req.Values, err = m.values(w.alsoFor(to)); err != nil {
		return Plan{}, err
	}
	holds, err := s.holds()
	if err != nil {
		return Plan{}, err
	}
	res, err := m.bump(&req, holds)
	if err != nil {
		return Plan{}, advise(err, bumpHint(err))
	}
	m.leaveValues(res)
	plan := newPlan(res)
	plan.Scanned = len(m.source) + len(m.target)
	plan.Set, plan.Left, plan.Lead = setLines(req), joinLeft(plan.Left, m.left), "Promote to "+to.name
	plan.Promoted = &promoted{from: from.dir, to: to.dir, fromName: from.name, toName: to.name, env: to.env, carriers: m.carriers(res)}
	if p != nil {
		plan.Promoted.sources = p.Sources
	}
	if w.plainSecrets {
		return plan, nil
	}
	return plan, guardSecrets(plan.Files)
}

// promotion is promotion.yaml, or nil when there is none.
func (s *snapshot) promotion() (*Promotion, error) {
	data, ok := s.own[promotionFile]
	if !ok {
		return nil, nil
	}
	return parsePromotion(data)
}

// bump makes the edits. An image that would go back, or is held, stays and is listed.
func (m *match) bump(req *bumper.Request, holds []Hold) (bumper.Result, error) {
	for {
		res, stopped, err := bumpUnlessHeld(m.target, *req, holds)
		var older *bumper.DowngradeError
		if !errors.As(err, &older) {
			for _, h := range stopped {
				m.left = append(m.left, m.held(h))
			}
			return res, err
		}
		for _, e := range older.Edits {
			at := slices.IndexFunc(req.Images, func(i bumper.Image) bool { return i.Normalised() == e.Image })
			if at < 0 {
				continue
			}
			m.leave(req, req.Images[at], fmt.Sprintf("%s is older than %s; allow-downgrade accepts that", version(e.After), version(e.Before)))
		}
	}
}
