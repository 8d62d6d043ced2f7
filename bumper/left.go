package bumper

import (
	"bytes"
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// The reasons of places that no shape covers.
const (
	leftInText    = "not a place where images are edited"
	leftInComment = "a comment"
)

// leave adds a place to what was left. The first reason given for a place counts.
func (b *bump) leave(l Left) {
	if !slices.ContainsFunc(b.result.Left, func(o Left) bool {
		return o.File == l.File && o.Line == l.Line && (o.Column == l.Column || o.Image == l.Image)
	}) {
		b.result.Left = append(b.result.Left, l)
	}
}

// leaveRefused adds a place that could not be edited while others of the same image could.
func (b *bump) leaveRefused(want Image, out outcome) {
	r := out.refusal
	b.leave(Left{File: r.File, Line: r.Line, Column: r.Column, Image: out.image, Want: want, Reason: r.Reason})
}

// findLeft looks through the bytes of all files, as they are after the edits, for complete references with a version that an edit
// took away elsewhere.
func (b *bump) findLeft() {
	for _, want := range b.images {
		old := oldVersions(b.result.Edits, want.Normalised())
		if len(old) == 0 {
			continue
		}
		for i, f := range b.tree.files {
			if b.tree.context[i] {
				continue
			}
			if data, ok := b.result.Files[f.Path]; ok {
				f.Data = data
			}
			b.leaveIn(f, want, old)
		}
	}
	slices.SortStableFunc(b.result.Left, func(x, y Left) int {
		return cmp.Or(strings.Compare(x.File, y.File), cmp.Compare(x.Line, y.Line), cmp.Compare(x.Column, y.Column))
	})
}

// oldVersions are the tags and digests that edits of an image took away.
func oldVersions(edits []Edit, name string) map[string]bool {
	old := map[string]bool{}
	for _, e := range edits {
		if e.Image == name {
			old[e.Before.Tag], old[e.Before.Digest] = true, true
		}
	}
	delete(old, "")
	return old
}

func (b *bump) leaveIn(f File, want Image, old map[string]bool) {
	for _, m := range mentionsOf(f.Data, want) {
		if satisfied(m.image, want) || !old[m.image.Tag] && !old[m.image.Digest] {
			continue
		}
		l := Left{File: f.Path, Image: m.image, Want: want, Reason: leftInText}
		l.Line, l.Column = position(f.Data, m.offset)
		start := bytes.LastIndexByte(f.Data[:m.offset], '\n') + 1
		if line := bytes.TrimLeft(f.Data[start:m.offset], " \t"); bytes.HasPrefix(line, []byte("#")) || bytes.Contains(line, []byte(" #")) {
			l.Reason = leftInComment
		}
		b.leave(l)
	}
}

// leaveBeside adds the versions that stand beside an edited image, have its old tag, and are no part of it.
func (b *bump) leaveBeside(s *scanned, edits []wanted) {
	edited := map[any]bool{}
	for _, e := range edits {
		edited[e.at.node] = true
	}
	for _, e := range edits {
		if e.ref == nil || e.ref.image.Tag == "" || e.at.parent == nil || e.after.Tag == e.ref.image.Tag {
			continue
		}
		for _, f := range e.at.parent.children() {
			if !slices.Contains(tagKeys, f.name) && !slices.Contains(versionKeys, f.name) || !isString(f) || edited[f.node] {
				continue
			}
			if strings.TrimPrefix(f.node.Value, "v") == strings.TrimPrefix(e.ref.image.Tag, "v") {
				l := Left{File: s.file.Path, Image: e.ref.image, Want: e.after, Reason: "the key " + f.name + " beside the image is not edited"}
				l.Line, l.Column = e.ref.doc.position(f)
				b.leave(l)
			}
		}
	}
}

// mention is a complete reference in bytes of any kind.
type mention struct {
	offset int // where its name starts
	image  Image
}

// mentionsOf returns where data names an image with a tag or digest. Nothing is parsed: the reference may stand in YAML, in JSON
// inside a text, in a command, or in a comment.
func mentionsOf(data []byte, image Image) []mention {
	var out []mention
	name := image.Normalised()
	short := []byte(name[strings.LastIndexByte(name, '/')+1:])
	for at := 0; ; {
		i := bytes.Index(data[at:], short)
		if i < 0 {
			return out
		}
		start, end := at+i, at+i+len(short)
		at = end
		if end == len(data) || data[end] != ':' && data[end] != '@' {
			continue
		}
		version := versionAt(data[end:])
		if version == (Image{}) {
			continue
		}
		if start, ok := nameBefore(data, start, end, name); ok {
			version.Name = string(bytes.ReplaceAll(data[start:end], []byte(`\/`), []byte("/")))
			out = append(out, mention{start, version})
		}
	}
}

// versionAt reads :tag, @digest or :tag@digest at the start of data.
func versionAt(data []byte) (img Image) {
	if data[0] == ':' {
		n := 1
		for n < len(data) && n <= 128 && nameByte(data[n]) {
			n++
		}
		tag := strings.TrimRight(string(data[1:n]), ".-") // the end of a sentence
		if !tagRE.MatchString(tag) {
			return Image{}
		}
		img.Tag, data = tag, data[1+len(tag):]
	}
	if len(data) > 0 && data[0] == '@' {
		if digest := digestAtRE.Find(data[1:]); digest != nil {
			img.Digest = string(digest)
		}
	}
	return img
}

var digestAtRE = regexp.MustCompile(`^(?:sha256:[a-f0-9]{64}|sha384:[a-f0-9]{96}|sha512:[a-f0-9]{128})`)

// nameBefore finds the start of the name of an image whose last part is data[start:end]. It is false when that is another image, or
// a path.
func nameBefore(data []byte, start, end int, normalised string) (int, bool) {
	first := start
	for first > 0 && end-first < 300 {
		c := data[first-1]
		escaped := c == '\\' && data[first] == '/'
		if !nameByte(c) && c != '/' && !escaped && (c != ':' || !portAt(data[first:])) {
			break
		}
		first--
	}
	for _, from := range nameStarts(data, first, start) {
		name := string(bytes.ReplaceAll(data[from:end], []byte(`\/`), []byte("/")))
		if nameRE.MatchString(name) && (Image{Name: name}).Normalised() == normalised {
			return from, true
		}
	}
	return 0, false
}

// portAt reports whether data starts with a port and a slash.
func portAt(data []byte) bool {
	n := 0
	for n < len(data) && '0' <= data[n] && data[n] <= '9' {
		n++
	}
	return n > 0 && n < len(data) && (data[n] == '/' || data[n] == '\\')
}

// nameStarts are the places in front of a name's last part where the name may start, at first or after: behind a scheme (docker://),
// an escape (\n, \u003d), and the default of a variable (${IMAGE:-name}, ${IMAGE-name}).
func nameStarts(data []byte, first, last int) []int {
	starts := []int{first}
	run := data[first:last]
	if i := bytes.LastIndex(run, []byte("//")); i >= 0 {
		starts = append(starts, first+i+2)
	}
	if n := len(run) - len(bytes.TrimLeft(run, "-._")); n > 0 {
		starts = append(starts, first+n)
	}
	if first > 0 && data[first-1] == '\\' && first < last {
		skip := 1
		switch data[first] {
		case 'u':
			skip = 5
		case 'x':
			skip = 3
		}
		if first+skip <= last {
			starts = append(starts, first+skip)
		}
	}
	if i := bytes.IndexByte(run, '-'); i >= 0 && first > 0 && data[first-1] == '{' {
		starts = append(starts, first+i+1)
	}
	return starts
}
