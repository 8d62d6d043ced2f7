package promotion

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/display"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/bumper"
)

// Tree is what a promotion looks at.
type Tree struct {
	Files  []bumper.File // that may be edited, and those that versions are taken from
	Beside []bumper.File // that may say what the values of files are for
	File   *File         // nil without promotion.yaml
	Holds  []Hold
}

// Change is what a promotion edits, and what it leaves.
type Change struct {
	Edits   []bumper.Edit
	Files   map[string][]byte // new contents, by path
	Current []bumper.Reference
	Notes   []string
	Scanned int
	Parsed  int

	Asked   []Asked
	Left    []Left
	Strands []Strand
}

// Asked is what a promotion asks for in one part of an environment.
type Asked struct {
	Part    string // "" when it is the same in all parts
	Request bumper.Request
}

// Repeat makes the edits that an earlier promotion asked for. earlier returns what it asked for in a part of the target.
func Repeat(t Tree, from, to Place, earlier func(part string) ([]bumper.Image, []bumper.Value)) (Change, error) {
	out := Change{Files: map[string][]byte{}}
	paired, err := pairUp(from, to, t.Files, t.Beside, t.File)
	if err != nil {
		return out, err
	}
	for _, pr := range paired.pairs {
		req := bumper.Request{AllowDowngrade: true}
		if req.Images, req.Values = earlier(pr.to.Path); len(req.Images)+len(req.Values) == 0 {
			continue
		}
		res, _, err := pr.to.bumpUnlessHeld(req, t.Holds)
		if err != nil {
			return out, err
		}
		out.take(res)
		out.Left = append(out.Left, LeftOf(res.Left)...)
	}
	return out, nil
}

// Plan copies the versions of images from one environment to another, and the values that also names. It changes nothing else.
func Plan(t Tree, from, to Place, w Wish) (Change, error) {
	out := Change{Files: map[string][]byte{}}
	paired, err := pairUp(from, to, t.Files, t.Beside, t.File)
	if err != nil {
		return out, err
	}
	missing := map[string]int{}
	for _, pr := range paired.pairs {
		absent, err := out.promote(pr, paired, w, t.Holds)
		if err != nil {
			return out, err
		}
		for _, text := range absent {
			missing[text]++
		}
	}
	if err := paired.absent(missing, len(w.AlsoFor(to))); err != nil {
		return out, err
	}
	out.Left = append(out.Left, paired.lonely()...)
	return out, nil
}

// promote adds the promotion of one pair to the change. It returns the values that also names and the source does not have.
func (c *Change) promote(pr pair, in pairing, w Wish, holds []Hold) (missing []string, err error) {
	m := newMatch(pr, in.from.Name, in.to.Name)
	req := bumper.Request{Images: m.images(w.Only), AllowDowngrade: w.Downgrade}
	if req.Values, missing, err = m.values(w.AlsoFor(in.to)); err != nil {
		return nil, err
	}
	res, err := m.bump(&req, holds)
	if err != nil {
		return nil, hint.With(err, Hint(err))
	}
	m.leaveValues(res)
	c.Scanned += len(pr.from.Files) + len(pr.to.Files)
	c.take(res)
	c.Left = append(c.Left, joinLeft(LeftOf(res.Left), m.left)...)
	a := Asked{Request: req}
	if in.several() {
		a.Part = pr.to.Path
	}
	c.Asked = append(c.Asked, a)
	if len(res.Edits) > 0 {
		c.Strands = append(c.Strands, Strand{pr.from.Path, pr.to.Path, m.carriers(res), pr.from.Explaining(req.Images...)})
	}
	return missing, nil
}

// take adds the edits of a result to the change.
func (c *Change) take(res bumper.Result) {
	c.Edits, c.Current, c.Notes = append(c.Edits, res.Edits...), append(c.Current, res.Current...), append(c.Notes, res.Notes...)
	maps.Copy(c.Files, res.Files)
	c.Parsed += res.Parsed
}

// absent returns an error when no pair has a file for some line of also.
func (p pairing) absent(missing map[string]int, lines int) error {
	if len(missing) == 0 || len(missing) < lines*len(p.pairs) && p.several() {
		return nil
	}
	return errors.New(strings.Join(slices.Sorted(maps.Keys(missing)), "\n"))
}

// lonely returns the images of members that have no counterpart in the other environment.
func (p pairing) lonely() []Left {
	var out []Left
	list := func(m unpaired, source bool) {
		for _, name := range slices.Sorted(maps.Keys(m.Images)) {
			ref := m.Images[name][0]
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

// Hint returns what to do about an error of package bumper, "" when there is nothing to say.
func Hint(err error) string {
	var missing *bumper.NotFoundError
	var older *bumper.DowngradeError
	var refused bumper.Refusals
	switch {
	case errors.As(err, &older):
		return "allow-downgrade accepts older tags"
	case errors.As(err, &missing) && missing.Hint != "":
		return missing.Hint
	case errors.As(err, &missing):
		return "check the name and the paths input; only .yaml and .yml files are searched"
	case errors.As(err, &refused):
		return refused[0].Hint
	}
	return ""
}
