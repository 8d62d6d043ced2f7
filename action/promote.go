package action

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/display"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/glob"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/hint"
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
	fromName, toName string // for people
	env              *Environment
	sources          []AppSource
	strands          []Strand
	gates            []gateResult
}

// promotions are the operations of one run, last environment first: a version moves one stage in a run, not two.
func (r *run) promotions(ctx context.Context) ([]operation, error) {
	p, err := r.promotionFile(ctx)
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
		wants.patterns = slices.Concat(wants.patterns, from.patterns, to.patterns)
		for _, line := range w.alsoFor(to) {
			a, _ := parseAlso(line)
			for _, dir := range slices.Concat(from.patterns, to.patterns) {
				wants.extra = append(wants.extra, path.Join(dir, a.file))
			}
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

// promotionFile reads promotion.yaml, nil when there is none, before it is known what to read of the whole repository.
func (r *run) promotionFile(ctx context.Context) (*Promotion, error) {
	at := "HEAD"
	if r.in.Ref != "" {
		at = "refs/heads/" + r.in.Ref
	}
	text, found, err := r.client.FileAt(ctx, at, promotionFile)
	if err != nil || !found {
		return nil, err
	}
	return parsePromotion([]byte(text))
}

// wishes are the promotions that the inputs ask for; without from and to, all of promotion.yaml.
func (r *run) wishes(p *Promotion) ([]promoteWish, error) {
	base := promoteWish{from: r.in.From, also: r.in.Also, downgrade: r.in.AllowDowngrade, plainSecrets: r.in.AllowPlainSecrets}
	for _, img := range r.in.Images {
		base.only = append(base.only, img.Normalised())
	}
	targets := slices.Clone(r.in.To)
	if len(targets) == 0 && p == nil {
		return nil, hint.With(fmt.Errorf("nothing to promote: the inputs from and to are empty and the repository has no %s", promotionFile),
			"give two directories, or write "+promotionFile+" as docs/promotion.md shows")
	}
	if len(targets) == 0 {
		for _, e := range p.Environments {
			if e.From != "" && (base.from == "" || p.environment(base.from) == p.environment(e.From)) {
				targets = append(targets, e.Name)
			}
		}
		if len(targets) == 0 {
			return nil, hint.With(fmt.Errorf("input from: nothing takes its versions from %q", base.from), "environments: "+strings.Join(p.names(), ", "))
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
		return from, to, hint.With(fmt.Errorf("input from: nothing says where %s takes its versions from", w.to), "give the from input, or list the environments in "+promotionFile)
	}
	if from, err = w.place("from", name, p); err != nil {
		return from, to, err
	}
	for _, a := range from.patterns {
		for _, b := range to.patterns {
			if glob.Below(a, b) || glob.Below(b, a) {
				return from, to, fmt.Errorf("inputs from and to: %s and %s overlap", a, b)
			}
		}
	}
	return from, to, nil
}

func (w promoteWish) place(input, name string, p *Promotion) (place, error) {
	if e := p.environment(name); e != nil {
		return place{e.patterns, e.Name, e}, nil
	}
	clean, err := glob.Clean(name)
	if err != nil {
		return place{}, fmt.Errorf("input %s: %w", input, err)
	}
	if clean == "." {
		return place{}, fmt.Errorf("input %s: %q is not below the root of the repository", input, name)
	}
	return place{[]string{clean}, clean, nil}, nil
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
	op := operation{name: opPromote, wants: wants, target: targetName("from "+from.String(), "to "+to.String())}
	op.slug = strings.Trim(notSlugRE.ReplaceAllString(to.name, "-"), "-.")
	op.plan = func(_ context.Context, s *snapshot) (Plan, error) { return planPromote(s, w) }
	op.again = func(earlier []string) operation {
		next := op
		next.plan = func(_ context.Context, s *snapshot) (Plan, error) { return planAgain(s, from, to, earlier) }
		return next
	}
	return op
}

// planAgain makes the edits that an earlier promotion (its set) asked for.
func planAgain(s *snapshot, from, to place, earlier []string) (Plan, error) {
	plan := Plan{Files: map[string][]byte{}, Set: earlier, Lead: "Promote to " + to.name}
	p, err := s.promotion()
	if err != nil {
		return Plan{}, err
	}
	holds, err := s.holds()
	if err != nil {
		return Plan{}, err
	}
	paired, err := pairUp(from, to, s.files, s.everything(), p)
	if err != nil {
		return Plan{}, err
	}
	for _, pr := range paired.pairs {
		req := bumper.Request{AllowDowngrade: true}
		if req.Images, req.Values = parseSet(setIn(earlier, pr.to.path)); len(req.Images)+len(req.Values) == 0 {
			continue
		}
		res, _, err := pr.to.bumpUnlessHeld(req, holds)
		if err != nil {
			return Plan{}, err
		}
		plan.take(res)
		plan.Left = append(plan.Left, leftOf(res.Left)...)
	}
	return plan, nil
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
	holds, err := s.holds()
	if err != nil {
		return Plan{}, err
	}
	paired, err := pairUp(from, to, s.files, s.everything(), p)
	if err != nil {
		return Plan{}, err
	}
	plan := Plan{Files: map[string][]byte{}, Lead: "Promote to " + to.name}
	plan.Promoted = &promoted{fromName: from.name, toName: to.name, env: to.env}
	if p != nil {
		plan.Promoted.sources = p.Sources
	}
	missing := map[string]int{}
	for _, pr := range paired.pairs {
		absent, err := plan.promote(pr, paired, w, holds)
		if err != nil {
			return Plan{}, err
		}
		for _, text := range absent {
			missing[text]++
		}
	}
	if err := paired.absent(missing, len(w.alsoFor(to))); err != nil {
		return Plan{}, err
	}
	plan.Left = append(plan.Left, paired.lonely()...)
	if w.plainSecrets {
		return plan, nil
	}
	return plan, guardSecrets(plan.Files)
}

// promote adds the promotion of one pair to the plan. It returns what also names and the source does not have.
func (p *Plan) promote(pr pair, in pairing, w promoteWish, holds []Hold) (missing []string, err error) {
	m := newMatch(pr, in.from.name, in.to.name)
	req := bumper.Request{Images: m.images(w.only), AllowDowngrade: w.downgrade}
	if req.Values, missing, err = m.values(w.alsoFor(in.to)); err != nil {
		return nil, err
	}
	res, err := m.bump(&req, holds)
	if err != nil {
		return nil, hint.With(err, hint.ForBump(err))
	}
	m.leaveValues(res)
	p.Scanned += len(pr.from.files) + len(pr.to.files)
	p.take(res)
	p.Left = append(p.Left, joinLeft(leftOf(res.Left), m.left)...)
	for _, line := range setLines(req) {
		if in.several() {
			line = lineAbout(pr.to.path, line)
		}
		p.Set = append(p.Set, line)
	}
	if len(res.Edits) > 0 {
		p.Promoted.strands = append(p.Promoted.strands, Strand{pr.from.path, pr.to.path, m.carriers(res), pr.from.explaining(req.Images...)})
	}
	return missing, nil
}

// take adds the edits of a result to the plan.
func (p *Plan) take(res bumper.Result) {
	p.Edits, p.Current, p.Notes = append(p.Edits, res.Edits...), append(p.Current, res.Current...), append(p.Notes, res.Notes...)
	maps.Copy(p.Files, res.Files)
	p.Parsed += res.Parsed
}

// absent is the error for lines of also that no pair has a file for.
func (p pairing) absent(missing map[string]int, lines int) error {
	if len(missing) == 0 || len(missing) < lines*len(p.pairs) && p.several() {
		return nil
	}
	return errors.New(strings.Join(slices.Sorted(maps.Keys(missing)), "\n"))
}

// lonely lists the images of members that have no counterpart in the other environment.
func (p pairing) lonely() []Left {
	var out []Left
	list := func(m unpaired, source bool) {
		for _, name := range slices.Sorted(maps.Keys(m.images)) {
			ref := m.images[name][0]
			l := Left{File: ref.File, Line: ref.Line, What: ref.Image.Name, To: display.Version(ref.Image), Reason: "there is no " + m.lacks}
			if source {
				l.From, l.To = l.To, ""
			}
			out = append(out, l)
		}
	}
	for _, m := range p.onlyFrom {
		list(m, true)
	}
	for _, m := range p.onlyTo {
		list(m, false)
	}
	return out
}

// bump makes the edits. An image that would go back, or is held, stays and is listed.
func (m *match) bump(req *bumper.Request, holds []Hold) (bumper.Result, error) {
	for {
		res, stopped, err := m.to.bumpUnlessHeld(*req, holds)
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
			m.leave(req, req.Images[at], fmt.Sprintf("%s is older than %s; allow-downgrade accepts that", display.Version(e.After), display.Version(e.Before)))
		}
	}
}
