package action

import (
	"bytes"
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/bumper"
)

// place is an environment of a promotion: a directory, a file, or a pattern that stands for several of them, and the
// entry of promotion.yaml when there is one.
type place struct {
	pattern, name string
	env           *Environment
}

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

func isPattern(p string) bool { return strings.ContainsAny(p, "*?[") }

var starRE = regexp.MustCompile(`\*\*/|\*\*|\*|\?|\[(?:\\.|[^\]\\])*\]`)

// patternRE finds what the wildcards of a pattern stand for. It understands what matchAny does.
func patternRE(pattern string) (*regexp.Regexp, error) {
	var b strings.Builder
	at := 0
	for _, m := range starRE.FindAllStringIndex(pattern, -1) {
		b.WriteString(regexp.QuoteMeta(pattern[at:m[0]]))
		switch star := pattern[m[0]:m[1]]; star {
		case "**/":
			b.WriteString(`(?:(.+)/)?`)
		case "**":
			b.WriteString(`(.+)`)
		case "*":
			b.WriteString(`([^/]*)`)
		case "?":
			b.WriteString(`([^/])`)
		default:
			b.WriteString("(" + star + ")")
		}
		at = m[1]
	}
	return regexp.Compile("^" + b.String() + regexp.QuoteMeta(pattern[at:]) + "$")
}

// fill is a pattern with something for each of its wildcards.
func fill(pattern string, stars []string) string {
	n := 0
	return starRE.ReplaceAllStringFunc(pattern, func(star string) string {
		if n == len(stars) {
			return star
		}
		if n++; star == "**/" && stars[n-1] != "" {
			return stars[n-1] + "/"
		}
		return stars[n-1]
	})
}

// wildcards counts those of a pattern.
func wildcards(pattern string) int { return len(starRE.FindAllString(pattern, -1)) }

// memberOf is the member of an environment that a file belongs to: the first directory on the way to it, or the file
// itself, that the pattern matches.
func memberOf(re *regexp.Regexp, file string) (path string, stars []string, ok bool) {
	for i := 0; i <= len(file); i++ {
		if i < len(file) && file[i] != '/' {
			continue
		}
		if m := re.FindStringSubmatch(file[:i]); m != nil {
			return file[:i], m[1:], true
		}
	}
	return "", nil, false
}

// members are the directories and files that a pattern stands for, sorted by their paths.
func members(pattern string, files []bumper.File) []member {
	if pattern == "." && len(files) > 0 {
		return []member{{path: ".", files: files}}
	}
	re, err := patternRE(pattern)
	if err != nil {
		return nil
	}
	var out []member
	for _, f := range files {
		p, stars, ok := memberOf(re, f.Path)
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

// has says whether a file belongs to the member.
func (m member) has(file string) bool { return below(m.path, file) }

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
	pairs      []pair
	onlyFrom   []member // nothing in the target corresponds to them
	onlyTo     []member // nothing in the source does
	from, to   place
	fromN, toN int        // wildcards
	file       *Promotion // nil without promotion.yaml
}

// pairUp finds the members of both environments and pairs those for which the wildcards stand for the same. One source
// without wildcards serves every target. The files beside them only explain what their values are for.
func pairUp(from, to place, files, beside []bumper.File, p *Promotion) (pairing, error) {
	out := pairing{from: from, to: to, fromN: wildcards(from.pattern), toN: wildcards(to.pattern), file: p}
	sources, targets := members(from.pattern, files), members(to.pattern, files)
	switch {
	case len(sources) == 0:
		return out, out.nothing("from", from)
	case len(targets) == 0:
		return out, out.nothing("to", to)
	case out.fromN != out.toN && out.fromN > 0:
		return out, p.problem(to, "to", fmt.Sprintf("%s has %s, but %s (of %s) has %s; what the wildcards stand for says which belong together, so both need as many",
			to.pattern, count(out.toN, "wildcard"), from.pattern, from.name, count(out.fromN, "wildcard")))
	}
	for _, t := range targets {
		for _, f := range t.files {
			if at := slices.IndexFunc(sources, func(s member) bool { return s.has(f.Path) }); at >= 0 {
				return out, p.problem(to, "to", fmt.Sprintf("%s is in %s and in %s (of %s)", f.Path, to.pattern, from.pattern, from.name))
			}
		}
	}
	if err := understand(beside, sources, targets); err != nil {
		return out, err
	}
	used := map[string]bool{}
	for _, t := range targets {
		at := slices.IndexFunc(sources, func(s member) bool { return out.fromN == 0 || slices.Equal(s.stars, t.stars) })
		if at < 0 {
			out.onlyTo = append(out.onlyTo, t)
			continue
		}
		used[sources[at].path] = true
		out.pairs = append(out.pairs, pair{sources[at], t})
	}
	for _, s := range sources {
		if !used[s.path] {
			out.onlyFrom = append(out.onlyFrom, s)
		}
	}
	if len(out.pairs) == 0 {
		return out, p.problem(to, "to", fmt.Sprintf("nothing in %s corresponds to anything in %s (of %s): for %s there is no %s",
			to.pattern, from.pattern, from.name, sources[0].path, fill(to.pattern, sources[0].stars)))
	}
	return out, nil
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
		if path.Base(f.Path) == "Chart.yaml" || slices.ContainsFunc(images, func(i bumper.Image) bool { return bytes.Contains(f.Data, []byte(shortName(i.Name))) }) {
			out = append(out, f)
		}
	}
	return out
}

// partsOf are the members of an environment, or of a directory that is none.
func partsOf(pattern string, files, beside []bumper.File) ([]member, error) {
	out := members(pattern, files)
	return out, understand(beside, out)
}

// nothing is the error for an environment without files.
func (p pairing) nothing(input string, at place) error {
	if at.env != nil {
		return p.file.problem(at, input, fmt.Sprintf("path: there is no YAML in %s", at.pattern))
	}
	hint := "the input is a directory or a file of the repository, a pattern, or the name of an environment in " + promotionFile
	if p.file != nil {
		hint = "environments of " + promotionFile + ": " + strings.Join(p.file.names(), ", ")
	}
	return advise(fmt.Errorf("input %s: there is no YAML in %s", input, at.pattern), hint)
}

// problem is an error about an environment: with the line in promotion.yaml, or with the name of the input.
func (p *Promotion) problem(at place, input, text string) error {
	if at.env == nil {
		return fmt.Errorf("input %s: %s", input, text)
	}
	return &lineError{promotionFile, p.lines[at.env.Name], at.env.Name + ": " + text}
}

// several says whether versions of an image may differ from member to member.
func (p pairing) several() bool { return p.toN > 0 }

// member is the part of an environment that a file belongs to, "" when the file is not in it.
func (e *Environment) member(file string) string {
	re, err := patternRE(e.Path)
	if err != nil {
		return ""
	}
	p, _, _ := memberOf(re, file)
	return p
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
