package action

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/display"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/github"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/promotion"
	"github.com/kubectl-gitops/kubectl-gitops/bumper"
)

// Plan is what one operation wants the config repository to become, computed from one commit of it.
// Everything behind a plan (commit, pull request, report) is the same for every operation.
type Plan struct {
	Edits   []bumper.Edit
	Files   map[string][]byte // new contents of the files that change, nil for one that goes
	Modes   map[string]string // Git modes of files that come back
	Current []bumper.Reference
	Notes   []string
	Scanned int
	Parsed  int

	// Set is what was asked for, one image or value each, as the trailers of the commit say it.
	Set []string
	// Lead begins the title and the commit message, "Promote to prod"; "" is for a bump.
	Lead string
	// Left are differences that were deliberately not touched, and places that still have the old version.
	Left []promotion.Left
	// Sections are parts of the pull request's text, in Markdown that is escaped already.
	Sections []string
	// Promoted is set by promote only.
	Promoted *promoted
}

// operation makes plans. It is asked again, with a newer snapshot, whenever a race is lost.
type operation struct {
	name   string // bump, promote
	target string // names what the operation is about: one open pull request per target
	slug   string // the target for people, part of the default branch name
	image  string // the first image's last name, for {image}
	tag    string // its new tag, for {tag}
	wants  wanted
	plan   func(context.Context, *snapshot) (Plan, error)
	// about says whether a set is about what the operation is about, whatever the versions; nil when any set may be.
	about func(set []string) bool
	// older says that the request would take back what an earlier request (its set) asked for.
	older func(snap *snapshot, earlier []string) bool
	// set is what is asked for, when that is known before the repository is read.
	set []string
	// again is the operation that asks for what an earlier request (its set) asked for.
	again func(earlier []string) operation
}

// bumpOperation sets images and values.
func bumpOperation(in Inputs, images []bumper.Image) operation {
	req := bumper.Request{Images: images, Values: in.Values, AllowDowngrade: in.AllowDowngrade}
	op := operation{name: opBump, wants: wanted{patterns: in.Paths}, set: setLines(req)}
	var keys []string
	for _, img := range images {
		keys = append(keys, "image "+img.Normalised())
	}
	for _, v := range in.Values {
		keys = append(keys, "value "+v.File+":"+v.Path)
		op.wants.extra = append(op.wants.extra, v.File)
	}
	for _, p := range in.Paths {
		keys = append(keys, "path "+p)
	}
	op.target = targetName(keys...)
	op.slug = slug(images, in.Values)
	if len(images) > 0 {
		op.image, op.tag = display.ShortName(images[0].Name), images[0].Tag
	}
	op.plan = func(_ context.Context, s *snapshot) (Plan, error) { return planBump(s, req, in.AllowPlainSecrets) }
	op.about = func(set []string) bool { return sameSubject(req, set) }
	op.older = func(s *snapshot, earlier []string) bool {
		return !in.AllowDowngrade && sameValues(req, earlier) && takesBack(s, req, earlier)
	}
	op.again = func(earlier []string) operation {
		in := in
		in.AllowDowngrade = true
		in.Images, in.Values = parseSet(earlier)
		next := bumpOperation(in, in.Images)
		next.target = op.target
		return next
	}
	return op
}

// targetName is a short name made of what an operation is about.
func targetName(keys ...string) string {
	keys = slices.Clone(keys)
	slices.Sort(keys)
	return fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(keys, "\n"))))[:12]
}

// slug is the last name of the first image, or the file of the first value.
func slug(images []bumper.Image, values []bumper.Value) string {
	name := "values"
	if len(images) > 0 {
		name = display.ShortName(images[0].Name)
	}
	if n := len(images) + len(values); n > 1 {
		name += fmt.Sprintf("-and-%d-more", n-1)
	}
	return name
}

func planBump(s *snapshot, req bumper.Request, plainSecrets bool) (Plan, error) {
	holds, err := s.holds()
	if err != nil {
		return Plan{}, err
	}
	req.Context = s.context
	res, stopped, err := promotion.BumpUnlessHeld(s.files, req, holds)
	if err != nil {
		if len(s.skipped) > 0 {
			err = fmt.Errorf("%w (not searched, larger than %d MiB: %s)", err, maxFile>>20, strings.Join(s.skipped, ", "))
		}
		return Plan{}, hint.With(err, promotion.Hint(err))
	}
	p := newPlan(res)
	p.Set = setLines(req)
	if err := p.note(stopped); err != nil {
		return Plan{}, err
	}
	if plainSecrets {
		return p, nil
	}
	return p, guardSecrets(p.Files)
}

func newPlan(res bumper.Result) Plan {
	return Plan{Edits: res.Edits, Files: res.Files, Current: res.Current, Notes: res.Notes, Left: promotion.LeftOf(res.Left), Scanned: res.Scanned, Parsed: res.Parsed}
}

// note says what a hold kept from being edited. It is an error when that is all there was to do.
func (p *Plan) note(stopped []promotion.Hold) error {
	var texts []string
	for _, h := range stopped {
		texts = append(texts, "held: "+h.String())
	}
	if len(texts) > 0 && len(p.Edits)+len(p.Current) == 0 {
		return hint.With(errors.New(strings.Join(texts, "\n")), "the version was rolled back; to allow it again: operation: rollback with the release input")
	}
	p.Notes = append(p.Notes, texts...)
	return nil
}

// guardSecrets refuses to commit a file that holds a Secret anybody can read.
func guardSecrets(files map[string][]byte) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(files)) {
		for _, found := range bumper.PlainSecrets(bumper.File{Path: name, Data: files[name]}) {
			errs = append(errs, found)
		}
	}
	if len(errs) == 0 {
		return nil
	}
	return hint.With(fmt.Errorf("a Secret with plain data would be committed: %w", errors.Join(errs...)),
		"keep Secrets out of Git (SealedSecret, ExternalSecret, SOPS), or accept it with allow-plain-secrets")
}

// takesBack says whether req is older than the earlier request, by making both edits one after the other.
func takesBack(s *snapshot, req bumper.Request, earlier []string) bool {
	before := bumper.Request{AllowDowngrade: true, Context: s.context}
	before.Images, _ = parseSet(earlier)
	if len(before.Images) == 0 || len(req.Images) == 0 {
		return false
	}
	res, err := bumper.Bump(s.files, before)
	if err != nil {
		return false
	}
	_, err = bumper.Bump(promotion.WithData(s.files, res.Files), bumper.Request{Images: req.Images, Context: s.context})
	var older *bumper.DowngradeError
	return errors.As(err, &older)
}

// digest names the edits: two plans with the same digest write the same files over the same files. What the base branch
// has now belongs to it: where it changed, the branch of an earlier edit does not merge any more.
func (p Plan) digest(s *snapshot) string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(p.Files)) {
		old, had := s.data(name)
		fmt.Fprintf(h, "%s\x00%v\x00%d\x00%s%d\x00", name, had, len(old), old, len(p.Files[name]))
		if p.Files[name] == nil {
			fmt.Fprint(h, "removed\x00")
		}
		h.Write(p.Files[name])
	}
	return fmt.Sprintf("%x", h.Sum(nil))[:16]
}

// changes are the files of the commit, with the modes they have.
func (p Plan) changes(s *snapshot) []github.Change {
	var out []github.Change
	for _, name := range slices.Sorted(maps.Keys(p.Files)) {
		ch := github.Change{Path: name, Mode: cmp.Or(s.modes[name], p.Modes[name], "100644"), Content: string(p.Files[name]), Remove: p.Files[name] == nil}
		if !utf8.Valid(p.Files[name]) { // it comes back from an earlier commit, so Git has it; JSON could not carry it
			ch.Blob = github.BlobName(p.Files[name])
		}
		out = append(out, ch)
	}
	return out
}
