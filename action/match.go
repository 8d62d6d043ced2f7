package action

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/display"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/glob"
	"github.com/kubectl-gitops/kubectl-gitops/bumper"
)

// maxLeft is how many differences that stay are listed.
const maxLeft = 50

// Left is a difference between two environments that a promotion does not touch, or a place where an old version stays.
type Left struct {
	File   string `json:"file"`
	Line   int    `json:"line,omitempty"`
	What   string `json:"what"` // an image, or the path of a value
	From   string `json:"from"` // what the other environment has, or what was asked for
	To     string `json:"to"`   // what stays
	Reason string `json:"reason"`
}

// String is one line of a log.
func (l Left) String() string {
	text := fmt.Sprintf("%s:%d: %s", l.File, l.Line, l.What)
	if l.From != "" || l.To != "" {
		text += fmt.Sprintf(": %s, not %s", orNone(l.To), orNone(l.From))
	}
	return text + " (" + l.Reason + ")"
}

func orNone(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}

// match compares a member of one environment with one of another, image by image. An image is the same when its
// normalised name is, whatever format it is written in on either side.
type match struct {
	pair
	fromName, toName string                        // for people
	runs             map[string][]bumper.Reference // by image: where the source says which version it runs
	has              map[string][]bumper.Reference // by image: where the target names it
	left             []Left
}

func newMatch(p pair, from, to string) *match {
	m := &match{pair: p, fromName: from, toName: to, runs: map[string][]bumper.Reference{}, has: p.to.images}
	for name, refs := range p.from.images {
		m.runs[name] = deciding(refs)
	}
	return m
}

func byImage(files []bumper.File, context ...bumper.File) (map[string][]bumper.Reference, error) {
	refs, err := bumper.Find(files, context...)
	out := map[string][]bumper.Reference{}
	for _, r := range refs {
		name := r.Image.Normalised()
		out[name] = append(out[name], r)
	}
	return out, err
}

// deciding are the references that say which version runs: a kustomization's images replace what manifests say, and a
// name without a version says nothing.
func deciding(refs []bumper.Reference) []bumper.Reference {
	said := slices.DeleteFunc(slices.Clone(refs), func(r bumper.Reference) bool { return r.Image.Tag == "" && r.Image.Digest == "" })
	kustomize := slices.DeleteFunc(slices.Clone(said), func(r bumper.Reference) bool { return r.Shape != bumper.ShapeKustomize })
	if len(kustomize) > 0 {
		return kustomize
	}
	return said
}

// images are the versions to copy: images that both environments name, and that have one version in the source.
func (m *match) images(only []string) []bumper.Image {
	var out []bumper.Image
	for _, name := range slices.Sorted(maps.Keys(m.runs)) {
		refs := m.runs[name]
		if len(refs) == 0 || len(only) > 0 && !slices.Contains(only, name) {
			continue
		}
		img := refs[0].Image
		switch other := slices.IndexFunc(refs, func(r bumper.Reference) bool { return r.Image.Tag != img.Tag || r.Image.Digest != img.Digest }); {
		case len(m.has[name]) == 0:
			m.left = append(m.left, Left{File: refs[0].File, Line: refs[0].Line, What: img.Name, From: display.Version(img), Reason: "not in " + m.toName})
		case other >= 0:
			m.left = append(m.left, Left{File: refs[other].File, Line: refs[other].Line, What: img.Name,
				From: display.Version(img) + " and " + display.Version(refs[other].Image), To: m.version(name), Reason: "it has two versions in " + m.fromName})
		default:
			out = append(out, img)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.has)) {
		if ref := m.has[name][0]; len(m.runs[name]) == 0 && len(only) == 0 {
			m.left = append(m.left, Left{File: ref.File, Line: ref.Line, What: ref.Image.Name, To: display.Version(ref.Image), Reason: "no version in " + m.fromName})
		}
	}
	return out
}

// version is what the target has of an image now.
func (m *match) version(name string) string {
	refs := deciding(m.has[name])
	if len(refs) == 0 {
		return ""
	}
	return display.Version(refs[0].Image)
}

// leave takes an image out of the request and lists it.
func (m *match) leave(req *bumper.Request, img bumper.Image, reason string) {
	req.Images = slices.DeleteFunc(req.Images, func(i bumper.Image) bool { return i == img })
	name := img.Normalised()
	if now := m.version(name); now != display.Version(img) {
		ref := m.has[name][0]
		m.left = append(m.left, Left{File: ref.File, Line: ref.Line, What: img.Name, From: display.Version(img), To: now, Reason: reason})
	}
}

// held lists a version that a hold keeps out.
func (m *match) held(h Hold) Left {
	img := bumper.Image{Name: h.Image, Tag: h.Tag, Digest: h.Digest}
	l := Left{File: h.Path, What: h.Image, From: display.Version(img), To: m.version(img.Normalised()), Reason: "held: " + h.String()}
	for _, ref := range m.has[img.Normalised()] {
		if glob.Below(h.Path, ref.File) {
			l.File, l.Line = ref.File, ref.Line
			break
		}
	}
	return l
}

// values are the explicit keys to copy. One that the member does not have is missing.
func (m *match) values(lines []string) (out []bumper.Value, missing []string, err error) {
	for _, line := range lines {
		a, err := parseAlso(line)
		if err != nil {
			return nil, nil, fmt.Errorf("also: %w", err)
		}
		f, ok := m.from.file(a.file)
		if !ok {
			missing = append(missing, fmt.Sprintf("also %s: there is no file %s", line, path.Join(m.from.path, a.file)))
			continue
		}
		value, err := bumper.Lookup(f, a.path)
		if err != nil {
			return nil, nil, fmt.Errorf("also %s: %w", line, err)
		}
		out = append(out, bumper.Value{File: path.Join(m.to.path, a.file), Path: a.path, Value: value})
	}
	return out, missing, nil
}

// carriers are the files of the source that carry the versions of the edits.
func (m *match) carriers(res bumper.Result) []string {
	var out []string
	for _, e := range res.Edits {
		for _, ref := range m.runs[e.Image] {
			if !slices.Contains(out, ref.File) {
				out = append(out, ref.File)
			}
		}
	}
	slices.Sort(out)
	return out
}

// leaveValues lists where files of the same name in both environments still differ after the promotion.
func (m *match) leaveValues(res bumper.Result) {
	listed := map[[2]string]bool{}
	for _, refs := range m.has {
		for _, r := range refs {
			listed[[2]string{r.File, r.Path}] = true
			if i := strings.LastIndexByte(r.Path, '.'); i >= 0 { // the other parts of the same image
				for _, key := range []string{"registry", "repository", "name", "newName", "digest"} {
					listed[[2]string{r.File, r.Path[:i+1] + key}] = true
				}
			}
		}
	}
	for _, f := range m.to.files {
		if data, ok := res.Files[f.Path]; ok {
			f.Data = data
		}
		if same, ok := m.from.file(strings.TrimPrefix(f.Path, m.to.path)); ok {
			m.left = append(m.left, differences(same, f, listed, "not an image")...)
		}
	}
}

// differences lists the values in which two files differ. Values of Secrets are not shown.
func differences(from, to bumper.File, listed map[[2]string]bool, reason string) []Left {
	a, errA := bumper.Scalars(from)
	b, errB := bumper.Scalars(to)
	if errA != nil || errB != nil {
		return nil
	}
	values, seen := map[string]bumper.Scalar{}, map[string]bool{}
	for _, s := range a {
		values[s.Path] = s
	}
	var out []Left
	add := func(s bumper.Scalar, old, now string) {
		if listed[[2]string{to.Path, s.Path}] {
			return
		}
		if s.Secret {
			old, now = "(secret)", "(secret)"
		}
		out = append(out, Left{File: to.Path, Line: s.Line, What: s.Path, From: old, To: now, Reason: reason})
	}
	for _, s := range b {
		seen[s.Path] = true
		if old, ok := values[s.Path]; !ok || old.Value != s.Value {
			s.Secret = s.Secret || old.Secret
			add(s, old.Value, s.Value)
		}
	}
	for _, s := range a {
		if !seen[s.Path] {
			s.Line = 0
			add(s, s.Value, "")
		}
	}
	return out
}

// joinLeft is what a promotion leaves, without the values that are references with an old version.
func joinLeft(references, values []Left) []Left {
	values = slices.DeleteFunc(slices.Clone(values), func(v Left) bool {
		return slices.ContainsFunc(references, func(r Left) bool { return r.File == v.File && r.Line == v.Line && strings.Contains(v.To, r.What) })
	})
	return append(values, references...)
}

// leftLines are one line of a log for each place that stays.
func (p Plan) leftLines() []string {
	var out []string
	for _, l := range p.Left {
		if p.Promoted != nil {
			out = append(out, "left: "+l.String())
			continue
		}
		out = append(out, fmt.Sprintf("note: %s:%d: still %s %s: %s", l.File, l.Line, l.What, l.To, l.Reason))
	}
	return out
}

// leftOutput are the places that an output has room for.
func (p Plan) leftOutput() []Left {
	most := maxEdits
	if p.Promoted != nil {
		most = maxLeft
	}
	return append([]Left{}, p.Left[:min(len(p.Left), most)]...)
}

// leftSection lists what stays, for the pull request and the summary.
func (p Plan) leftSection() string {
	if len(p.Left) == 0 {
		return ""
	}
	title, here, there := display.Count(len(p.Left), "difference")+" left as they are", "Here", "There"
	if p.Promoted == nil {
		title, here, there = display.Count(len(p.Left), "place")+" with the old version, not edited", "Stays", "Asked for"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "<details><summary>%s</summary>\n\n| What | %s | %s | Why |\n|---|---|---|---|\n", title, here, there)
	for i, l := range p.Left {
		if i == maxLeft {
			fmt.Fprintf(&b, "\nand %d more\n", len(p.Left)-i)
			break
		}
		where := l.File
		if l.Line > 0 {
			where = fmt.Sprintf("%s:%d", l.File, l.Line)
		}
		fmt.Fprintf(&b, "| %s, %s | %s | %s | %s |\n", display.Code(l.What), display.Code(where), cell(l.To), cell(l.From), display.Plain(l.Reason))
	}
	b.WriteString("\n</details>\n")
	return b.String()
}

func cell(s string) string {
	if s == "" {
		return ""
	}
	return display.Code(s)
}
