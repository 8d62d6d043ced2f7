package bumper

import (
	"fmt"
	"strings"
)

// wanted is one scalar that is to get a new value.
type wanted struct {
	ref   *found // nil for an explicit edit
	at    *cursor
	value string
	typed bool // an explicit edit keeps the type of what it replaces
	text  bool // what becomes of a text when values inside it are edited
	after Image
}

// outcome is what becomes of one reference: edits, or one of the others.
type outcome struct {
	edits   []wanted
	current bool
	skipped bool
	refusal *Refusal
	// soft refusals only count when the image is nowhere else; otherwise they become notes.
	soft bool
	// left is a soft refusal of a place that is then listed as left, with the image there.
	left  bool
	image Image
	doubt bool // it may be another image's, and counts only when it has the old tag
	note  string
}

func (f *found) refuse(soft bool, hint, reason string, args ...any) outcome {
	line, column := f.doc.position(f.at())
	return outcome{soft: soft, refusal: &Refusal{
		File: f.doc.path, Line: line, Column: column, Path: f.at().path(), Reason: fmt.Sprintf(reason, args...), Hint: hint,
	}}
}

// plan decides what bringing the reference to want takes. The tag of an image without one is left out when a
// kustomization sets it elsewhere in the tree.
func (f *found) plan(want Image, tagElsewhere bool) outcome {
	switch {
	case f.embedded != nil && !f.templated:
		if satisfied(f.image, want) {
			return outcome{current: true}
		}
		return outcome{refusal: f.embedded, soft: true, left: true, image: f.image}
	case f.templated:
		return f.refuse(true, "edit the value that the template takes, with an explicit edit",
			"takes its tag or digest from a template")
	case f.doubt != "":
		return f.doubted()
	case f.badTag:
		return f.refuse(false, "", "%q is not a tag", f.image.Tag)
	case satisfied(f.image, want):
		return f.settle()
	case f.image.Digest != "" && want.Digest == "":
		return f.refuse(false, fmt.Sprintf("give the digest too: %s:%s@sha256:…", want.Name, want.Tag),
			"is pinned to %s, so a new tag alone would change nothing", shorten(f.image.Digest))
	case f.whole != nil:
		return f.planWhole(want, tagElsewhere)
	}
	return f.planParts(want)
}

// unlessHidden is the outcome, unless an edit is in a scalar that has no bytes of its own to replace: a block, or one written with
// escapes. The other places of the image are edited all the same.
func (o outcome) unlessHidden(f *found) outcome {
	for _, e := range o.edits {
		if e.at.via != nil {
			continue
		}
		if _, reason := f.doc.locate(e.at); reason != "" {
			line, column := f.doc.nodePosition(e.at.node)
			return outcome{soft: true, left: true, image: f.image, refusal: &Refusal{
				File: f.doc.path, Line: line, Column: column, Path: e.at.path(), Reason: reason, Hint: oneLineHint,
			}}
		}
	}
	return o
}

// satisfied reports whether have is what want asks for: what want leaves open does not matter.
func satisfied(have, want Image) bool {
	if want.Digest == "" {
		return have.Tag == want.Tag
	}
	return have.Digest == want.Digest && (want.Tag == "" || have.Tag == want.Tag)
}

// settle is for a reference that has its value. A tag that reads as a number is pointed out.
func (f *found) settle() outcome {
	out := outcome{current: true}
	if f.tag != nil && f.tag.node.ShortTag() != "!!str" {
		out.note = fmt.Sprintf("%s: tag %s is read as a number or a date, not as text: put it in quotes",
			f.doc.place(f.tag), f.tag.node.Value)
	}
	return out
}

func (f *found) planWhole(want Image, tagElsewhere bool) outcome {
	if f.image.Tag == "" && f.image.Digest == "" {
		switch {
		case tagElsewhere:
			return outcome{skipped: true}
		case !inContainer(f.whole): // a chart may well add a tag of its own
			return f.refuse(true, "add the tag once manually, then it can be edited", "names the image without a tag")
		}
	}
	after := Image{Name: f.image.Name, Tag: want.Tag, Digest: want.Digest}
	return outcome{edits: []wanted{{ref: f, at: f.whole, after: after, value: f.prefix + f.written + after.suffix()}}}
}

// inContainer reports whether c is the image of a container in a workload, where a missing tag means latest.
func inContainer(c *cursor) bool {
	if c.name != "image" || c.parent == nil || c.parent.parent == nil {
		return false
	}
	switch c.parent.parent.name {
	case "containers", "initContainers", "ephemeralContainers":
		return true
	}
	return false
}

func (f *found) planParts(want Image) outcome {
	after := Image{Name: f.image.Name, Tag: want.Tag, Digest: want.Digest}
	var out outcome
	set := func(c *cursor, value string) {
		if c.node.Value != value {
			out.edits = append(out.edits, wanted{ref: f, at: c, value: value, after: after})
		}
	}
	digest := want.Digest
	if f.bare {
		digest = strings.TrimPrefix(digest, "sha256:")
	}
	switch {
	case f.digest != nil && want.Digest != "":
		if f.tag != nil && want.Tag != "" {
			set(f.tag, want.Tag)
		} else if f.tag != nil && f.image.Tag != "" {
			after.Tag = f.image.Tag
			out.note = fmt.Sprintf("%s: tag %s stays and no longer describes the image", f.doc.place(f.tag), f.image.Tag)
		} else {
			after.Tag = ""
		}
		set(f.digest, digest)
	case f.digestElsewhere && f.tag != nil && want.Tag != "":
		set(f.tag, want.Tag)
	case f.tag == nil && f.other != "":
		return f.refuse(true, "add newTag once manually, or bump "+f.other, "names the image but has no newTag, so its tag is that of %s", f.other)
	case f.tag == nil:
		return f.refuse(true, "add the key once manually, then it can be edited", "names the image but has no key for the tag")
	case want.Digest == "" || f.shape == ShapeMarker && want.Tag != "":
		after.Digest = ""
		set(f.tag, want.Tag)
	case want.Tag == "":
		return f.refuse(f.shape == ShapeMarker, "give a tag with the digest, or add a key for the digest",
			"has no key for the digest")
	default:
		if f.image.Digest == "" { // otherwise the tag has one already
			out.note = fmt.Sprintf("%s: there is no key for the digest, so it goes into the tag", f.doc.place(f.tag))
		}
		set(f.tag, want.Tag+"@"+want.Digest)
	}
	if len(out.edits) == 0 {
		out.current = true
	}
	return out
}

// place returns file:line:column of a scalar.
func (d *document) place(c *cursor) string {
	line, column := d.position(c)
	return fmt.Sprintf("%s:%d:%d", d.path, line, column)
}

// shorten keeps enough of a digest to recognise it.
func shorten(digest string) string {
	if len(digest) > 19 {
		return digest[:19] + "…"
	}
	return digest
}
