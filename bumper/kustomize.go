package bumper

import (
	"fmt"
	"slices"
)

// followSelectors edits name: of kustomization entries that are for one version of an image, when images of that version are edited:
// the entry would no longer apply to them. Where nothing in the tree has that version, the name stays.
func (b *bump) followSelectors(want Image) {
	name := want.Normalised()
	for _, ref := range b.named(func(f *found) bool { return f.selector != nil && f.selects.Normalised() == name }) {
		after := ref.selects
		if after.Tag != "" && want.Tag != "" {
			after.Tag = want.Tag
		}
		if after.Digest != "" && want.Digest != "" {
			after.Digest = want.Digest
		}
		if after == ref.selects || !b.editsVersion(ref.selects) {
			continue
		}
		entry := &found{doc: ref.doc, image: ref.selects, shape: ShapeKustomize, name: ref.selector, whole: ref.selector}
		b.edits[ref.in] = append(b.edits[ref.in], wanted{ref: entry, at: ref.selector, value: after.String(), after: after})
	}
}

// editsVersion reports whether the plan edits an image with the tag and the digest of old, as far as old has them.
func (b *bump) editsVersion(old Image) bool {
	for _, edits := range b.edits {
		if slices.ContainsFunc(edits, func(e wanted) bool {
			return e.ref != nil && e.ref.whole != nil && e.ref.shape == ShapeImage && e.ref.image.Normalised() == old.Normalised() &&
				(old.Tag == "" || old.Tag == e.ref.image.Tag) && (old.Digest == "" || old.Digest == e.ref.image.Digest)
		}) {
			return true
		}
	}
	return false
}

// leaveReplaced lists the kustomization entries that put another image in the place of an edited one, and the entries that replace that
// one in turn: what they build does not get the new version.
func (b *bump) leaveReplaced(want Image) {
	names, edited := []string{want.Normalised()}, false
	for _, edits := range b.edits {
		for _, e := range edits {
			edited = edited || e.ref != nil && e.ref.image.Normalised() == names[0]
		}
	}
	for i := 0; edited && i < len(names); i++ {
		b.tree.parseMentioning(names[i])
		for _, ref := range b.named(func(f *found) bool { return f.other != "" && Image{Name: f.other}.Normalised() == names[i] }) {
			other := ref.image.Normalised()
			if slices.Contains(names, other) {
				continue
			}
			names = append(names, other)
			if satisfied(ref.image, want) || slices.ContainsFunc(b.images, func(i Image) bool { return i.Normalised() == other }) {
				continue
			}
			reason := fmt.Sprintf("it takes the place of %s here; bump it too", ref.other)
			if ref.whole == nil && ref.tag == nil && ref.digest == nil {
				reason = fmt.Sprintf("it takes the place of %s here, and gets its tag: %s must have it", ref.other, ref.image.Name)
			}
			l := Left{File: ref.in.file.Path, Image: ref.image, Want: want, Reason: reason}
			l.Line, l.Column = ref.doc.position(ref.name)
			b.leave(l)
		}
	}
}
