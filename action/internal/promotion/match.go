package promotion

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/display"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/glob"
	"github.com/kubectl-gitops/kubectl-gitops/bumper"
)

// Left is a difference between two environments that a promotion leaves as it is, or a place where an old version stays.
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
	text := l.File + ": " + l.What
	if l.Line > 0 {
		text = fmt.Sprintf("%s:%d: %s", l.File, l.Line, l.What)
	}
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

// match compares a member of one environment with its counterpart in another, image by image. Two references are of the same image
// when their normalised names are the same, in whatever format either is written.
type match struct {
	pair
	fromName, toName string                        // for people
	runs             map[string][]bumper.Reference // by image: where the source says which version it runs
	has              map[string][]bumper.Reference // by image: where the target names it
	left             []Left
}

func newMatch(p pair, from, to string) *match {
	m := &match{pair: p, fromName: from, toName: to, runs: map[string][]bumper.Reference{}, has: p.to.Images}
	for name, refs := range p.from.Images {
		m.runs[name] = Deciding(refs)
	}
	return m
}

// ByImage returns the references in files by the normalised names of their images. The files of context explain others; nothing in
// them counts.
func ByImage(files []bumper.File, context ...bumper.File) (map[string][]bumper.Reference, error) {
	refs, err := bumper.Find(files, context...)
	out := map[string][]bumper.Reference{}
	for _, r := range refs {
		name := r.Image.Normalised()
		out[name] = append(out[name], r)
	}
	return out, err
}

// Deciding returns the references that say which version runs. A kustomization's images replace what manifests say. A name without
// a version says nothing.
func Deciding(refs []bumper.Reference) []bumper.Reference {
	said := slices.DeleteFunc(slices.Clone(refs), func(r bumper.Reference) bool { return r.Image.Tag == "" && r.Image.Digest == "" })
	kustomize := slices.DeleteFunc(slices.Clone(said), func(r bumper.Reference) bool { return r.Shape != bumper.ShapeKustomize })
	if len(kustomize) > 0 {
		return kustomize
	}
	return said
}

// images returns the versions to copy, those of images that both environments name and that have one version in the source. It lists
// the others in left. With only it looks at those images and no others.
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

// version returns the version that the target has of an image now.
func (m *match) version(name string) string {
	refs := Deciding(m.has[name])
	if len(refs) == 0 {
		return ""
	}
	return display.Version(refs[0].Image)
}

// leave takes an image out of the request and lists it in left.
func (m *match) leave(req *bumper.Request, img bumper.Image, reason string) {
	req.Images = slices.DeleteFunc(req.Images, func(i bumper.Image) bool { return i == img })
	name := img.Normalised()
	if now := m.version(name); now != display.Version(img) {
		ref := m.has[name][0]
		m.left = append(m.left, Left{File: ref.File, Line: ref.Line, What: img.Name, From: display.Version(img), To: now, Reason: reason})
	}
}

// held returns the entry of left for a version that a hold keeps out.
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

// values returns the values that also asks to copy, and those that the source does not have.
func (m *match) values(lines []string) (out []bumper.Value, missing []string, err error) {
	for _, line := range lines {
		a, err := ParseAlso(line)
		if err != nil {
			return nil, nil, fmt.Errorf("also: %w", err)
		}
		f, ok := m.from.file(a.File)
		if !ok {
			missing = append(missing, fmt.Sprintf("also %s: there is no file %s", line, path.Join(m.from.Path, a.File)))
			continue
		}
		value, err := bumper.Lookup(f, a.path)
		if err != nil {
			return nil, nil, fmt.Errorf("also %s: %w", line, err)
		}
		out = append(out, bumper.Value{File: path.Join(m.to.Path, a.File), Path: a.path, Value: value})
	}
	return out, missing, nil
}

// carriers returns the files of the source that the versions of the edits come from.
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
	for _, f := range m.to.Files {
		if data, ok := res.Files[f.Path]; ok {
			f.Data = data
		}
		if same, ok := m.from.file(strings.TrimPrefix(f.Path, m.to.Path)); ok {
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

// joinLeft joins two lists, without the values that are listed as references already.
func joinLeft(references, values []Left) []Left {
	values = slices.DeleteFunc(slices.Clone(values), func(v Left) bool {
		return slices.ContainsFunc(references, func(r Left) bool { return r.File == v.File && r.Line == v.Line && strings.Contains(v.To, r.What) })
	})
	return append(values, references...)
}

// LeftOf returns the places that keep an old version because package bumper does not edit them.
func LeftOf(list []bumper.Left) []Left {
	var out []Left
	for _, l := range list {
		out = append(out, Left{File: l.File, Line: l.Line, What: l.Image.Name, From: display.Version(l.Want), To: display.Version(l.Image), Reason: l.Reason})
	}
	return out
}

// bump makes the edits. It leaves an image that would go back to an older version, or is held, and lists it in left.
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
