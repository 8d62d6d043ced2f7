package promotion

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

// Place is an environment of a promotion: directories, files, or patterns that stand for several of them.
type Place struct {
	Patterns []string
	Name     string       // for people
	Env      *Environment // its entry in promotion.yaml, or nil
}

// String returns the patterns, with commas between them.
func (p Place) String() string { return strings.Join(p.Patterns, ", ") }

// Member is one directory or file of an environment.
type Member struct {
	Path string
	// stars are what the wildcards of the pattern stand for; they pair the members of two environments.
	stars []string
	Files []bumper.File
	// Images are the references in files, by image.
	Images map[string][]bumper.Reference
	// beside are other files, which may say what the values in files are for. Nothing in them counts, and none is edited.
	beside []bumper.File
}

// members returns the directories and files that a pattern stands for, sorted by their paths.
func members(pattern string, files []bumper.File) []Member {
	if pattern == "." && len(files) > 0 {
		return []Member{{Path: ".", Files: files}}
	}
	re, err := glob.Regexp(pattern)
	if err != nil {
		return nil
	}
	var out []Member
	for _, f := range files {
		p, stars, ok := glob.First(re, f.Path)
		if !ok {
			continue
		}
		at := slices.IndexFunc(out, func(m Member) bool { return m.Path == p })
		if at < 0 {
			at, out = len(out), append(out, Member{Path: p, stars: stars})
		}
		out[at].Files = append(out[at].Files, f)
	}
	slices.SortFunc(out, func(a, b Member) int { return cmp.Compare(a.Path, b.Path) })
	return out
}

// file finds a file of the member by its name there. A member that is a file has one file, with the name ".".
func (m Member) file(name string) (bumper.File, bool) {
	want := path.Join(m.Path, name)
	at := slices.IndexFunc(m.Files, func(f bumper.File) bool { return f.Path == want })
	if at < 0 {
		return bumper.File{}, false
	}
	return m.Files[at], true
}

// pair is one member of the source and the one of the target that gets its versions.
type pair struct{ from, to Member }

// pairing says which members of two environments belong together.
type pairing struct {
	pairs    []pair
	onlyFrom []unpaired // nothing in the target corresponds to them
	onlyTo   []unpaired // nothing in the source does
	from, to Place
	file     *File // nil without promotion.yaml
}

// unpaired is a member, and what would correspond to it.
type unpaired struct {
	Member
	lacks string
}

// cannotPair says why two environments cannot be paired, whatever files there are.
func cannotPair(from, to Place) string {
	if len(from.Patterns) != len(to.Patterns) {
		return fmt.Sprintf("%s, but %s has %s; paths are paired in their order, so both need the same number",
			display.Count(len(to.Patterns), "path"), from.Name, display.Count(len(from.Patterns), "path"))
	}
	for i, p := range to.Patterns {
		if have, want := glob.Wildcards(p), glob.Wildcards(from.Patterns[i]); want > 0 && have != want {
			return fmt.Sprintf("%s has %s, but %s (of %s) has %s; parts are paired by what the wildcards stand for, so both need the same number",
				p, display.Count(have, "wildcard"), from.Patterns[i], from.Name, display.Count(want, "wildcard"))
		}
	}
	return ""
}

// pairUp finds the members of both environments and pairs those for which the wildcards stand for the same. A source without
// wildcards is the source of every target. The files beside them only explain what their values are for.
func pairUp(from, to Place, files, beside []bumper.File, p *File) (pairing, error) {
	out := pairing{from: from, to: to, file: p}
	if text := cannotPair(from, to); text != "" {
		return out, p.problem(to, "to", text)
	}
	sources, targets := make([][]Member, len(from.Patterns)), make([][]Member, len(to.Patterns))
	for i := range from.Patterns {
		if sources[i] = members(from.Patterns[i], files); len(sources[i]) == 0 {
			return out, out.nothing("from", from, i)
		}
		if targets[i] = members(to.Patterns[i], files); len(targets[i]) == 0 {
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
		return out, p.problem(to, "to", fmt.Sprintf("nothing in %s corresponds to anything in %s (of %s): for %s there is no %s", to, from, from.Name, lonely.Path, lonely.lacks))
	}
	return out, nil
}

// match pairs the members of one path with those of another, by what the wildcards stand for.
func (p *pairing) match(sources, targets []Member, i int) {
	from, to := p.from.Patterns[i], p.to.Patterns[i]
	used := map[string]bool{}
	for _, t := range targets {
		at := slices.IndexFunc(sources, func(s Member) bool { return glob.Wildcards(from) == 0 || slices.Equal(s.stars, t.stars) })
		if at < 0 {
			p.onlyTo = append(p.onlyTo, unpaired{t, glob.Fill(from, t.stars)})
			continue
		}
		used[sources[at].Path] = true
		p.pairs = append(p.pairs, pair{sources[at], t})
	}
	for _, s := range sources {
		if !used[s.Path] {
			p.onlyFrom = append(p.onlyFrom, unpaired{s, glob.Fill(to, s.stars)})
		}
	}
}

// checkOverlaps fails when a file belongs to both environments, or to one of them twice.
func (p *pairing) checkOverlaps(sources, targets [][]Member) error {
	owner := map[string]string{}
	for _, side := range []struct {
		at    Place
		lists [][]Member
	}{{p.from, sources}, {p.to, targets}} {
		for i, list := range side.lists {
			for _, m := range list {
				for _, f := range m.Files {
					if other := owner[f.Path]; other != "" {
						return p.file.problem(p.to, "to", fmt.Sprintf("%s is in %s and in %s", f.Path, side.at.Patterns[i], other))
					}
					owner[f.Path] = fmt.Sprintf("%s (of %s)", side.at.Patterns[i], side.at.Name)
				}
			}
		}
	}
	return nil
}

// understand finds the images of members. Their files explain each other, and so do files beside them.
func understand(beside []bumper.File, lists ...[]Member) error {
	var files []bumper.File
	for _, list := range lists {
		for _, m := range list {
			files = append(files, m.Files...)
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
			m.beside, m.Images = all, map[string][]bumper.Reference{}
			for _, f := range m.Files {
				for _, r := range byFile[f.Path] {
					m.Images[r.Image.Normalised()] = append(m.Images[r.Image.Normalised()], r)
				}
			}
		}
	}
	return err
}

// Explaining returns the files beside the member that may name one of the images, and the descriptions of charts.
func (m Member) Explaining(images ...bumper.Image) []bumper.File {
	var out []bumper.File
	for _, f := range m.beside {
		if path.Base(f.Path) == "Chart.yaml" || slices.ContainsFunc(images, func(i bumper.Image) bool { return bytes.Contains(f.Data, []byte(display.ShortName(i.Name))) }) {
			out = append(out, f)
		}
	}
	return out
}

// PartsOf returns the members of an environment, or of a directory that is none.
func PartsOf(patterns []string, files, beside []bumper.File) ([]Member, error) {
	var out []Member
	for _, p := range patterns {
		out = append(out, members(p, files)...)
	}
	return out, understand(beside, out)
}

// nothing returns the error for an environment without files.
func (p pairing) nothing(input string, at Place, i int) error {
	if at.Env != nil {
		return p.file.problem(at, input, fmt.Sprintf("path: there is no YAML in %s", at.Patterns[i]))
	}
	advice := "the input is a directory or a file of the repository, a pattern, or the name of an environment in " + FilePath
	if p.file != nil {
		advice = "environments of " + FilePath + ": " + strings.Join(p.file.names(), ", ")
	}
	return hint.With(fmt.Errorf("input %s: there is no YAML in %s", input, at.Patterns[i]), advice)
}

// problem returns an error about an environment, with the line in promotion.yaml or with the name of the input.
func (p *File) problem(at Place, input, text string) error {
	if at.Env == nil {
		return fmt.Errorf("input %s: %s", input, text)
	}
	return &lineError{FilePath, p.lines[at.Env.Name], at.Env.Name + ": " + text}
}

// several says whether the target may have several members, so that versions of an image may differ between them.
func (p pairing) several() bool {
	return len(p.to.Patterns) > 1 || glob.Wildcards(p.to.Patterns[0]) > 0
}

// member returns the part of an environment that a file belongs to, "" when the file is not in it.
func (e *Environment) member(file string) string {
	for _, pattern := range e.Patterns {
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

// Bump makes the edits of a request in the files of the member, and in no others.
func (m Member) Bump(req bumper.Request) (bumper.Result, error) {
	res, _, err := m.bumpUnlessHeld(req, nil)
	return res, err
}

func (m Member) bumpUnlessHeld(req bumper.Request, holds []Hold) (bumper.Result, []Hold, error) {
	req.Context = m.Explaining(req.Images...)
	return BumpUnlessHeld(m.Files, req, holds)
}

// Directory returns the part of an environment that a file belongs to. For a file that belongs to none it returns the directory of
// the file.
func (p *File) Directory(file string) string {
	if p != nil {
		for _, e := range p.Environments {
			if at := e.member(file); at != "" {
				return at
			}
		}
	}
	if i := strings.LastIndexByte(file, '/'); i >= 0 {
		return file[:i]
	}
	return "."
}
