package bumper

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// bump is the state of one Bump: request, plan, and everything that is wrong with it.
type bump struct {
	tree       *tree
	request    Request
	images     []Image // without repetitions
	valueFiles map[string]bool

	edits   map[*scanned][]wanted
	result  Result
	refused Refusals
	errs    []error // the others
	older   []Edit
}

func (b *bump) problems() error {
	errs := b.errs
	if len(b.refused) > 0 {
		slices.SortStableFunc(b.refused, func(x, y Refusal) int {
			return cmp.Or(strings.Compare(x.File, y.File), cmp.Compare(x.Line, y.Line), cmp.Compare(x.Column, y.Column))
		})
		errs = append(errs, slices.CompactFunc(b.refused, func(x, y Refusal) bool { return x == y }))
	}
	if len(b.older) > 0 && !b.request.AllowDowngrade {
		errs = append(errs, &DowngradeError{Edits: b.older})
	}
	return errors.Join(errs...)
}

// checkRequest rejects malformed and contradictory requests before anything is read.
func (b *bump) checkRequest() {
	seen := map[string]Image{}
	for _, image := range b.request.Images {
		if checked, err := ParseAssignment(image.String()); err != nil {
			b.errs = append(b.errs, err)
			continue
		} else {
			image = checked
		}
		name := image.Normalised()
		if first, ok := seen[name]; !ok {
			seen[name] = image
			b.images = append(b.images, image)
		} else if first.suffix() != image.suffix() {
			b.errs = append(b.errs, &ConflictError{What: image.Name, A: first.suffix()[1:], B: image.suffix()[1:]})
		}
	}
	b.valueFiles = map[string]bool{}
	values := map[[2]string]string{}
	for _, v := range b.request.Values {
		if err := v.check(); err != nil {
			b.errs = append(b.errs, fmt.Errorf("value %s:%s: %w", v.File, v.Path, err))
			continue
		}
		key := [2]string{v.File, v.Path}
		if first, ok := values[key]; ok && first != v.Value {
			b.errs = append(b.errs, &ConflictError{What: v.File + ":" + v.Path, A: first, B: v.Value})
		}
		values[key] = v.Value
		b.valueFiles[v.File] = true
	}
}

// planImages decides for every requested image what to do at each place that names it.
func (b *bump) planImages() {
	b.tree.overlay(func(f *found) bool {
		return slices.ContainsFunc(b.images, func(i Image) bool { return path.Base(i.Name) == path.Base(f.image.Name) }) // the registry may be another
	}, namingAny(b.images))
	for _, want := range b.images {
		name := want.Normalised()
		refs := b.named(func(f *found) bool { return f.image.Name != "" && f.image.Normalised() == name })
		if len(refs) == 0 {
			refs = b.named(func(f *found) bool { return f.other != "" && Image{Name: f.other}.Normalised() == name })
		}
		unreadable := b.unreadable(want)
		if len(refs) == 0 && len(unreadable) == 0 {
			b.errs = append(b.errs, b.notFound(want))
			continue
		}
		b.planImage(want, refs, unreadable)
		b.followSelectors(want)
		b.leaveReplaced(want)
	}
}

// reference of one parsed file.
type located struct {
	*found
	in *scanned
}

func (b *bump) named(match func(*found) bool) []located {
	var out []located
	for _, s := range b.tree.parsed() {
		if s.finder == nil || s.context {
			continue
		}
		for _, f := range s.found {
			if match(f) {
				out = append(out, located{f, s})
			}
		}
	}
	return out
}

func (b *bump) planImage(want Image, refs []located, unreadable []outcome) {
	tagElsewhere := slices.ContainsFunc(refs, func(l located) bool {
		return l.shape == ShapeKustomize && (l.whole != nil || l.tag != nil || l.digest != nil)
	})
	used, overridden, old := false, b.overridden(), map[string]bool{}
	outcomes := unreadable
	for _, ref := range refs {
		out := ref.plan(want, tagElsewhere).unlessHidden(ref.found)
		if ref.name != nil && overridden[ref.name.node] && ref.image.Tag == "" && ref.image.Digest == "" {
			out = outcome{skipped: true} // the defaults leave the tag to the files that go over them
		}
		used = used || out.current || out.skipped || len(out.edits) > 0
		if out.current {
			b.result.Current = append(b.result.Current, ref.reference())
		}
		b.edits[ref.in] = append(b.edits[ref.in], out.edits...)
		if len(out.edits) > 0 {
			old[ref.image.Tag] = true
		}
		if len(out.edits) > 0 {
			b.compareTags(ref.found, out.edits[0])
		}
		outcomes = append(outcomes, out)
	}
	for _, out := range outcomes {
		if out.note != "" {
			b.note("%s", out.note)
		}
		switch {
		case out.refusal == nil:
		case out.doubt && !old[out.image.Tag]:
		case out.left && used:
			b.leaveRefused(want, out)
		case out.soft && used:
			b.note("%s", out.refusal.Error())
		default:
			b.refused = append(b.refused, *out.refusal)
		}
	}
}

// compareTags is the guard against going back to an older tag.
func (b *bump) compareTags(ref *found, edit wanted) {
	if ref.image.Tag == "" || edit.after.Tag == "" || ref.image.Tag == edit.after.Tag {
		return
	}
	switch order, known := compareTags(ref.image.Tag, edit.after.Tag); {
	case !known:
		b.note("%s: not known which tag is newer, %s or %s", ref.image.Name, ref.image.Tag, edit.after.Tag)
	case order > 0 && b.request.AllowDowngrade:
		b.note("%s: %s goes back to %s", ref.doc.place(edit.at), ref.image.Tag, edit.after.Tag)
	case order > 0:
		b.older = append(b.older, ref.doc.edit(edit))
	}
}

func (b *bump) note(format string, args ...any) {
	if note := fmt.Sprintf(format, args...); !slices.Contains(b.result.Notes, note) {
		b.result.Notes = append(b.result.Notes, note)
	}
}

// apply edits every file with a plan. A file is changed completely or refused.
func (b *bump) apply() {
	b.result.Files = map[string][]byte{}
	for _, s := range b.tree.parsed() {
		if len(b.edits[s]) == 0 {
			continue
		}
		edits, refused := s.settleAliases(b.edits[s], b.note)
		refused = append(refused, s.duplicateKeys(edits)...)
		if len(refused) > 0 {
			b.refused = append(b.refused, refused...)
			continue
		}
		data, records, refusal := s.doc.splice(edits)
		if refusal != nil {
			b.refused = append(b.refused, *refusal)
			continue
		}
		b.result.Files[s.file.Path] = data
		b.result.Edits = append(b.result.Edits, records...)
		b.leaveBeside(s, edits)
	}
}

func (b *bump) finish() Result {
	for _, context := range b.tree.context {
		if !context {
			b.result.Scanned++
		}
	}
	b.result.Parsed = len(b.tree.parsed())
	b.result.Current = sortReferences(b.result.Current)
	b.findLeft()
	return b.result
}

func (f *found) reference() Reference {
	r := Reference{File: f.doc.path, Image: f.image, Shape: f.shape}
	if f.embedded != nil {
		r.Line, r.Column, r.Path = f.embedded.Line, f.embedded.Column, f.embedded.Path
		return r
	}
	r.Line, r.Column = f.doc.position(f.at())
	r.Path = f.at().path()
	return r
}

// edit makes the record of an edit.
func (d *document) edit(w wanted) Edit {
	e := Edit{File: d.path, Path: w.at.path(), Old: w.at.node.Value, New: w.value}
	e.Line, e.Column = d.position(w.at)
	if w.ref != nil {
		e.Image, e.Before, e.After = w.ref.image.Normalised(), w.ref.image, w.after
	}
	return e
}

// duplicateKeys refuses a file in which a mapping has a key twice: parsers disagree on which of the two counts. The same goes for the
// texts that are edited.
func (s *scanned) duplicateKeys(edits []wanted) Refusals {
	var out Refusals
	docs := []*document{s.doc}
	for _, e := range edits {
		if !slices.Contains(docs, e.at.doc) {
			docs = append(docs, e.at.doc)
		}
	}
	for _, doc := range docs {
		out = append(out, doc.duplicateKeys()...)
	}
	return out
}

func (d *document) duplicateKeys() Refusals {
	var out Refusals
	var walk func(*yaml.Node)
	walk = func(node *yaml.Node) {
		if node.Kind == yaml.MappingNode {
			seen := map[string]*yaml.Node{}
			for i := 0; i < len(node.Content); i += 2 {
				key := node.Content[i]
				if key.Kind != yaml.ScalarNode || isMerge(key) {
					continue
				}
				if first := seen[key.Value]; first != nil {
					line, column := d.nodePosition(key)
					firstLine, _ := d.nodePosition(first)
					out = append(out, Refusal{File: d.path, Line: line, Column: column,
						Reason: fmt.Sprintf("key %q is there twice, first in line %d", key.Value, firstLine),
						Hint:   "remove one of the two"})
				}
				seen[key.Value] = key
			}
		}
		for _, child := range node.Content {
			walk(child)
		}
	}
	for _, root := range d.roots {
		walk(root)
	}
	return out
}

// overridden are the names whose tags other files set.
func (b *bump) overridden() map[*yaml.Node]bool {
	out := map[*yaml.Node]bool{}
	for _, s := range b.tree.parsed() {
		if s.finder == nil {
			continue
		}
		for _, f := range s.found {
			for _, name := range f.bases {
				out[name] = out[name] || (f.doubt == "")
			}
		}
	}
	return out
}
