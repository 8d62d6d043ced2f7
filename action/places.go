package action

import (
	"bytes"
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/display"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/glob"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/bumper"
)

// place is an environment of a promotion: a directory, a file, or a pattern that stands for several of them, and the
// entry of promotion.yaml when there is one.
type place struct {
	patterns []string
	name     string // for people
	env      *Environment
}

// String is how the environment is written.
func (p place) String() string { return strings.Join(p.patterns, ", ") }

// member is one directory or file of an environment.
type member struct {
	path string
	// stars are what the wildcards of the pattern stand for; they pair the members of two environments.
	stars []string
	files []bumper.File
	// images are the references in files, by image.
	images map[string][]bumper.Reference
	// beside are other files, which may say what the values in files are for. Nothing in them counts, and none is edited.
	beside []bumper.File
}

// members are the directories and files that a pattern stands for, sorted by their paths.
func members(pattern string, files []bumper.File) []member {
	if pattern == "." && len(files) > 0 {
		return []member{{path: ".", files: files}}
	}
	re, err := glob.Regexp(pattern)
	if err != nil {
		return nil
	}
	var out []member
	for _, f := range files {
		p, stars, ok := glob.First(re, f.Path)
		if !ok {
			continue
		}
		at := slices.IndexFunc(out, func(m member) bool { return m.path == p })
		if at < 0 {
			at, out = len(out), append(out, member{path: p, stars: stars})
		}
		out[at].files = append(out[at].files, f)
	}
	slices.SortFunc(out, func(a, b member) int { return cmp.Compare(a.path, b.path) })
	return out
}

// file is a file of the member by its name there. A member that is a file has one, with the name ".".
func (m member) file(name string) (bumper.File, bool) {
	want := path.Join(m.path, name)
	at := slices.IndexFunc(m.files, func(f bumper.File) bool { return f.Path == want })
	if at < 0 {
		return bumper.File{}, false
	}
	return m.files[at], true
}

// pair is one member of the source and the one of the target that gets its versions.
type pair struct{ from, to member }

// pairing is how the members of two environments belong together.
type pairing struct {
	pairs    []pair
	onlyFrom []unpaired // nothing in the target corresponds to them
	onlyTo   []unpaired // nothing in the source does
	from, to place
	file     *Promotion // nil without promotion.yaml
}

// unpaired is a member, and what would correspond to it.
type unpaired struct {
	member
	lacks string
}

// cannotPair says why two environments cannot be paired, whatever files there are.
func cannotPair(from, to place) string {
	if len(from.patterns) != len(to.patterns) {
		return fmt.Sprintf("%s, but %s has %s; the first takes its versions from the first, the second from the second, so both need as many",
			display.Count(len(to.patterns), "path"), from.name, display.Count(len(from.patterns), "path"))
	}
	for i, p := range to.patterns {
		if have, want := glob.Wildcards(p), glob.Wildcards(from.patterns[i]); want > 0 && have != want {
			return fmt.Sprintf("%s has %s, but %s (of %s) has %s; what the wildcards stand for says which belong together, so both need as many",
				p, display.Count(have, "wildcard"), from.patterns[i], from.name, display.Count(want, "wildcard"))
		}
	}
	return ""
}

// pairUp finds the members of both environments and pairs those for which the wildcards stand for the same. One source
// without wildcards serves every target. The files beside them only explain what their values are for.
func pairUp(from, to place, files, beside []bumper.File, p *Promotion) (pairing, error) {
	out := pairing{from: from, to: to, file: p}
	if text := cannotPair(from, to); text != "" {
		return out, p.problem(to, "to", text)
	}
	sources, targets := make([][]member, len(from.patterns)), make([][]member, len(to.patterns))
	for i := range from.patterns {
		if sources[i] = members(from.patterns[i], files); len(sources[i]) == 0 {
			return out, out.nothing("from", from, i)
		}
		if targets[i] = members(to.patterns[i], files); len(targets[i]) == 0 {
			return out, out.nothing("to", to, i)
		}
	}
	if err := out.checkOverlaps(sources, targets); err != nil {
		return out, err
	}
	if err := understand(beside, slices.Concat(sources, targets)...); err != nil {
		return out, err
	}
	for i := range sources {
		out.match(sources[i], targets[i], i)
	}
	if len(out.pairs) == 0 {
		lonely := out.onlyFrom[0]
		return out, p.problem(to, "to", fmt.Sprintf("nothing in %s corresponds to anything in %s (of %s): for %s there is no %s", to, from, from.name, lonely.path, lonely.lacks))
	}
	return out, nil
}

// match pairs the members of one path with those of another, by what the wildcards stand for.
func (p *pairing) match(sources, targets []member, i int) {
	from, to := p.from.patterns[i], p.to.patterns[i]
	used := map[string]bool{}
	for _, t := range targets {
		at := slices.IndexFunc(sources, func(s member) bool { return glob.Wildcards(from) == 0 || slices.Equal(s.stars, t.stars) })
		if at < 0 {
			p.onlyTo = append(p.onlyTo, unpaired{t, glob.Fill(from, t.stars)})
			continue
		}
		used[sources[at].path] = true
		p.pairs = append(p.pairs, pair{sources[at], t})
	}
	for _, s := range sources {
		if !used[s.path] {
			p.onlyFrom = append(p.onlyFrom, unpaired{s, glob.Fill(to, s.stars)})
		}
	}
}

// checkOverlaps refuses a file that belongs to both environments, or to one of them twice.
func (p *pairing) checkOverlaps(sources, targets [][]member) error {
	owner := map[string]string{}
	for _, side := range []struct {
		at    place
		lists [][]member
	}{{p.from, sources}, {p.to, targets}} {
		for i, list := range side.lists {
			for _, m := range list {
				for _, f := range m.files {
					if other := owner[f.Path]; other != "" {
						return p.file.problem(p.to, "to", fmt.Sprintf("%s is in %s and in %s", f.Path, side.at.patterns[i], other))
					}
					owner[f.Path] = fmt.Sprintf("%s (of %s)", side.at.patterns[i], side.at.name)
				}
			}
		}
	}
	return nil
}

// understand finds the images of members, which explain each other, and keeps what else explains them.
func understand(beside []bumper.File, lists ...[]member) error {
	var files []bumper.File
	for _, list := range lists {
		for _, m := range list {
			files = append(files, m.files...)
		}
	}
	more, err := bumper.Explaining(files, beside)
	if err != nil {
		return err
	}
	refs, err := bumper.Find(files, more...)
	byFile := map[string][]bumper.Reference{}
	for _, r := range refs {
		byFile[r.File] = append(byFile[r.File], r)
	}
	all := slices.Concat(files, more)
	for _, list := range lists {
		for i := range list {
			m := &list[i]
			m.beside, m.images = all, map[string][]bumper.Reference{}
			for _, f := range m.files {
				for _, r := range byFile[f.Path] {
					m.images[r.Image.Normalised()] = append(m.images[r.Image.Normalised()], r)
				}
			}
		}
	}
	return err
}

// explaining are the files beside the member that may name one of the images, and the descriptions of charts.
func (m member) explaining(images ...bumper.Image) []bumper.File {
	var out []bumper.File
	for _, f := range m.beside {
		if path.Base(f.Path) == "Chart.yaml" || slices.ContainsFunc(images, func(i bumper.Image) bool { return bytes.Contains(f.Data, []byte(display.ShortName(i.Name))) }) {
			out = append(out, f)
		}
	}
	return out
}

// partsOf are the members of an environment, or of a directory that is none.
func partsOf(patterns []string, files, beside []bumper.File) ([]member, error) {
	var out []member
	for _, p := range patterns {
		out = append(out, members(p, files)...)
	}
	return out, understand(beside, out)
}

// nothing is the error for an environment without files.
func (p pairing) nothing(input string, at place, i int) error {
	if at.env != nil {
		return p.file.problem(at, input, fmt.Sprintf("path: there is no YAML in %s", at.patterns[i]))
	}
	advice := "the input is a directory or a file of the repository, a pattern, or the name of an environment in " + promotionFile
	if p.file != nil {
		advice = "environments of " + promotionFile + ": " + strings.Join(p.file.names(), ", ")
	}
	return hint.With(fmt.Errorf("input %s: there is no YAML in %s", input, at.patterns[i]), advice)
}

// problem is an error about an environment: with the line in promotion.yaml, or with the name of the input.
func (p *Promotion) problem(at place, input, text string) error {
	if at.env == nil {
		return fmt.Errorf("input %s: %s", input, text)
	}
	return &lineError{promotionFile, p.lines[at.env.Name], at.env.Name + ": " + text}
}

// several says whether versions of an image may differ from member to member.
func (p pairing) several() bool {
	return len(p.to.patterns) > 1 || glob.Wildcards(p.to.patterns[0]) > 0
}

// member is the part of an environment that a file belongs to, "" when the file is not in it.
func (e *Environment) member(file string) string {
	for _, pattern := range e.patterns {
		re, err := glob.Regexp(pattern)
		if err != nil {
			continue
		}
		if p, _, ok := glob.First(re, file); ok {
			return p
		}
	}
	return ""
}

// bump makes the edits of a request in the files of the member, and in no others.
func (m member) bump(req bumper.Request) (bumper.Result, error) {
	res, _, err := m.bumpUnlessHeld(req, nil)
	return res, err
}

func (m member) bumpUnlessHeld(req bumper.Request, holds []Hold) (bumper.Result, []Hold, error) {
	req.Context = m.explaining(req.Images...)
	return bumpUnlessHeld(m.files, req, holds)
}
