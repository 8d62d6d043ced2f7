package action

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/display"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/promotion"
	"github.com/kubectl-gitops/kubectl-gitops/bumper"
)

// planUndo takes a change back. A file that has not changed since then gets its old bytes back: that is a true revert. In a file that
// has changed since, it sets back the values that still are what the change made of them, one by one.
func (r restorer) planUndo(s *snapshot, u *undo) (Plan, error) {
	plan := Plan{Files: map[string][]byte{}, Modes: map[string]string{}, Set: []string{"undo " + u.what}, Lead: "Roll back " + u.what, Scanned: len(s.files)}
	var moved []string
	clean := true
	for _, f := range u.files {
		today, there := s.data(f.path)
		switch {
		case there == f.had && bytes.Equal(today, f.before):
			// The file is what it was before already.
		case there == f.has && bytes.Equal(today, f.after):
			plan.restore(f, today, s.everything())
		case !there || !f.had || !f.has:
			clean = false
			moved = append(moved, f.path+" was added, deleted or renamed later, so it stays as it is")
		default:
			clean = false
			notes, err := plan.setBack(bumper.File{Path: f.path, Data: today}, f, s.everything())
			if err != nil {
				return Plan{}, err
			}
			moved = append(moved, notes...)
		}
	}
	if len(plan.Files) == 0 && len(moved) > 0 {
		return Plan{}, hint.With(fmt.Errorf("roll back %s: %w: %s", u.what, errNothingThere, strings.Join(moved, "; ")),
			"to set an image back to an earlier version, use the inputs images and paths")
	}
	if !clean {
		plan.Notes = append(plan.Notes, "not a plain revert: later commits changed the same files, so only single values were set back")
	}
	plan.Notes = append(plan.Notes, moved...)
	if err := r.guard(plan); err != nil {
		return Plan{}, err
	}
	return r.withHolds(s, plan)
}

func (r restorer) guard(plan Plan) error {
	if r.in.AllowPlainSecrets {
		return nil
	}
	return guardSecrets(plan.Files)
}

// restore gives a file its old bytes, or takes it away.
func (p *Plan) restore(f undone, today []byte, context []bumper.File) {
	p.Files[f.path] = f.before
	if f.had && !f.has {
		p.Modes[f.path] = f.mode
	}
	if !f.had {
		p.Files[f.path] = nil
		p.Notes = append(p.Notes, f.path+" is removed")
		return
	}
	old, now := bumper.File{Path: f.path, Data: f.before}, bumper.File{Path: f.path, Data: today}
	edits, ok := changes(now, old, context)
	if !ok {
		edits = imageChanges(now, old, context)
		p.Notes = append(p.Notes, f.path+" gets its whole earlier content back")
	}
	p.Edits = append(p.Edits, edits...)
}

// changes returns the values in which two versions of a file differ. A tag whose image is named in another file counts as a version
// of that image. ok is false when the versions differ in more than values.
func changes(now, then bumper.File, context []bumper.File) ([]bumper.Edit, bool) {
	edits, ok := bumper.Changes(now, then)
	if !slices.ContainsFunc(edits, func(e bumper.Edit) bool { return e.Image == "" }) {
		return edits, ok
	}
	before, errBefore := bumper.Find([]bumper.File{now}, context...)
	after, errAfter := bumper.Find([]bumper.File{then}, context...)
	if errBefore != nil || errAfter != nil {
		return edits, ok
	}
	at := func(refs []bumper.Reference, e bumper.Edit, value string) *bumper.Reference {
		i := slices.IndexFunc(refs, func(r bumper.Reference) bool {
			return r.Path == e.Path && (r.Image.Tag == value || r.Image.Digest == value)
		})
		if i < 0 {
			return nil
		}
		return &refs[i]
	}
	for i, e := range edits {
		was, is := at(before, e, e.Old), at(after, e, e.New)
		if e.Image == "" && was != nil && is != nil && was.Image.Normalised() == is.Image.Normalised() {
			edits[i].Image, edits[i].Before, edits[i].After = was.Image.Normalised(), was.Image, is.Image
		}
	}
	return edits, ok
}

// imageChanges returns the references whose image has another version in the other file.
func imageChanges(now, then bumper.File, context []bumper.File) []bumper.Edit {
	a, errA := promotion.ByImage([]bumper.File{now}, context...)
	b, errB := promotion.ByImage([]bumper.File{then}, context...)
	if errA != nil || errB != nil {
		return nil
	}
	var out []bumper.Edit
	for name, refs := range a {
		for i, ref := range refs {
			if i >= len(b[name]) || len(refs) != len(b[name]) || ref.Image == b[name][i].Image {
				continue
			}
			to := b[name][i].Image
			out = append(out, bumper.Edit{File: ref.File, Line: ref.Line, Column: ref.Column, Path: ref.Path, Image: name, Old: ref.Image.String(), New: to.String(), Before: ref.Image, After: to})
		}
	}
	slices.SortFunc(out, func(x, y bumper.Edit) int { return x.Line - y.Line })
	return out
}

// setBack undoes values in a file that others have changed since. It returns what it could not undo.
func (p *Plan) setBack(today bumper.File, f undone, context []bumper.File) ([]string, error) {
	was, then := bumper.File{Path: f.path, Data: f.after}, bumper.File{Path: f.path, Data: f.before}
	edits, ok := changes(was, then, context)
	var notes []string
	if !ok {
		edits = imageChanges(was, then, context)
		notes = append(notes, f.path+": only images are set back, because the rest of the change was more than single values")
	}
	now, err := promotion.ByImage([]bumper.File{today}, context...)
	if err != nil {
		return nil, err
	}
	req := bumper.Request{AllowDowngrade: true, Context: context}
	for _, e := range edits {
		if e.Image == "" {
			if value, err := bumper.Lookup(today, e.Path); err != nil || value != e.Old && value != e.New {
				notes = append(notes, fmt.Sprintf("%s: %s was changed later, so it stays as it is", f.path, e.Path))
			} else if value == e.Old {
				req.Values = append(req.Values, bumper.Value{File: f.path, Path: e.Path, Value: e.New})
			}
			continue
		}
		if stays := slices.IndexFunc(now[e.Image], func(r bumper.Reference) bool {
			return promotion.Exact(r.Image) != promotion.Exact(e.Before) && promotion.Exact(r.Image) != promotion.Exact(e.After)
		}); stays >= 0 || len(now[e.Image]) == 0 {
			runs := "nothing"
			if stays >= 0 {
				runs = display.Version(now[e.Image][stays].Image)
			}
			notes = append(notes, fmt.Sprintf("%s: %s now runs %s, not %s, so it stays", f.path, display.ShortName(e.Before.Name), runs, display.Version(e.Before)))
			continue
		}
		req.Images = append(req.Images, e.After)
	}
	if len(req.Images)+len(req.Values) == 0 {
		return slices.Compact(notes), nil
	}
	res, err := bumper.Bump([]bumper.File{today}, req)
	if err != nil {
		return nil, hint.With(fmt.Errorf("roll back %s: %w", f.path, err), promotion.Hint(err))
	}
	for name, data := range res.Files {
		p.Files[name] = data
	}
	p.Edits = append(p.Edits, res.Edits...)
	for _, n := range res.Notes {
		if !strings.Contains(n, " goes back to ") {
			p.Notes = append(p.Notes, n)
		}
	}
	return slices.Compact(notes), nil
}

// errNoPrevious means that the history holds no other version.
var errNoPrevious = errors.New("no other version in its history")
