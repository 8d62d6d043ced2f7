package promotion

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/display"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/glob"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/bumper"
)

// HoldsPath is the file of the versions that must not come back. A rollback writes it; bump and promote read it.
const HoldsPath = ".gitops/holds.yaml"

// Hold is one version of one image that stays out of one directory.
type Hold struct {
	Image  string `yaml:"image"`
	Tag    string `yaml:"tag"`
	Digest string `yaml:"digest"`
	Path   string `yaml:"path"`
	Reason string `yaml:"reason"`
	By     string `yaml:"by"`
	Since  string `yaml:"since"`

	line int
}

var holdsShape = shape{fields: []shape{
	{name: "holds", kind: isMappings, required: true, doc: "Versions that bump and promote do not bring back.", fields: []shape{
		{name: "image", required: true, doc: "The name of the image."},
		{name: "tag", doc: "The tag of the image."},
		{name: "digest", doc: "The digest of the image, if the version is pinned."},
		{name: "path", required: true, doc: "The directory or file where bump and promote do not set the version; . is the whole repository."},
		{name: "reason", doc: "Why it was rolled back."},
		{name: "by", doc: "Who rolled it back."},
		{name: "since", pattern: `^[0-9]{4}-[0-9]{2}-[0-9]{2}$`, doc: "The day of the rollback."},
	}},
}}

type holdList struct {
	Holds []Hold `yaml:"holds"`
}

// ParseHolds reads the file of holds. Its error says what is wrong, each with its line.
func ParseHolds(data []byte) ([]Hold, error) {
	var list holdList
	root, err := readStrict(HoldsPath, data, "Holds", holdsShape, &list)
	if err != nil {
		return nil, hint.With(err, "docs/promotion.md describes the file; a rollback with the release input removes an entry")
	}
	items := mappingValue(root, "holds")
	for i := range list.Holds {
		h := &list.Holds[i]
		h.line = items.Content[i].Line
		if h.Tag == "" && h.Digest == "" {
			return nil, &lineError{HoldsPath, h.line, "a hold names a tag or a digest"}
		}
		clean, err := glob.Clean(h.Path)
		if err != nil {
			return nil, &lineError{HoldsPath, h.line, "path: " + err.Error()}
		}
		h.Path = clean
	}
	return list.Holds, nil
}

// String is "api 1.8.2 in clusters/prod since 2026-01-02 by ada: reason".
func (h Hold) String() string {
	text := fmt.Sprintf("%s %s in %s", display.ShortName(h.Image), display.Version(bumper.Image{Tag: h.Tag, Digest: h.Digest}), h.Path)
	if h.Since != "" {
		text += " since " + h.Since
	}
	if h.By != "" {
		text += " by " + h.By
	}
	if h.Reason != "" {
		text += ": " + h.Reason
	}
	return text
}

// Stops says whether the hold keeps img out of a file or directory.
func (h Hold) Stops(img bumper.Image, where string) bool {
	if (bumper.Image{Name: h.Image}).Normalised() != img.Normalised() || !glob.Below(h.Path, where) {
		return false
	}
	if h.Digest != "" && img.Digest != "" {
		return h.Digest == img.Digest
	}
	return h.Tag != "" && h.Tag == img.Tag
}

// BumpUnlessHeld makes the edits of a request except those that a hold forbids. It also returns the holds that prevented an edit.
func BumpUnlessHeld(files []bumper.File, req bumper.Request, holds []Hold) (bumper.Result, []Hold, error) {
	free, held := req, []bumper.Image{}
	free.Images = nil
	for _, img := range req.Images {
		if slices.ContainsFunc(holds, func(h Hold) bool { return h.Stops(img, h.Path) }) {
			held = append(held, img)
		} else {
			free.Images = append(free.Images, img)
		}
	}
	res := bumper.Result{Files: map[string][]byte{}}
	var err error
	if len(free.Images)+len(free.Values) > 0 || len(held) == 0 {
		if res, err = bumper.Bump(files, free); err != nil {
			return bumper.Result{}, nil, err
		}
	}
	var stopped []Hold
	for _, img := range held {
		one := bumper.Request{Images: []bumper.Image{img}, AllowDowngrade: req.AllowDowngrade, Context: slices.Concat(files, req.Context)}
		open := slices.Clone(files)
		for _, h := range holds {
			inside := slices.DeleteFunc(slices.Clone(files), func(f bumper.File) bool { return !h.Stops(img, f.Path) })
			open = slices.DeleteFunc(open, func(f bumper.File) bool { return h.Stops(img, f.Path) })
			would, _ := bumper.Bump(inside, bumper.Request{Images: one.Images, AllowDowngrade: true, Context: one.Context})
			if len(would.Edits) > 0 {
				stopped = append(stopped, h)
			}
		}
		more, err := bumper.Bump(WithData(open, res.Files), one)
		var missing *bumper.NotFoundError
		if err != nil && !errors.As(err, &missing) {
			return bumper.Result{}, nil, err
		}
		if err == nil {
			res = joinResults(res, more)
		}
	}
	if len(stopped) == 0 && len(res.Edits)+len(res.Current) == 0 { // nothing was held, so what is missing is an error
		res, err = bumper.Bump(files, req)
	}
	return res, stopped, err
}

// WithData returns the files with the contents that edits gave some of them.
func WithData(files []bumper.File, changed map[string][]byte) []bumper.File {
	out := slices.Clone(files)
	for i, f := range out {
		if data, ok := changed[f.Path]; ok {
			out[i].Data = data
		}
	}
	return out
}

// joinResults returns the result of two bumps. The second was made on the files of the first.
func joinResults(a, b bumper.Result) bumper.Result {
	a.Edits = append(a.Edits, b.Edits...)
	slices.SortStableFunc(a.Edits, func(x, y bumper.Edit) int {
		return cmp.Or(strings.Compare(x.File, y.File), cmp.Compare(x.Line, y.Line), cmp.Compare(x.Column, y.Column))
	})
	maps.Copy(a.Files, b.Files)
	a.Left = append(a.Left, b.Left...)
	a.Current, a.Notes = append(a.Current, b.Current...), append(a.Notes, b.Notes...)
	a.Scanned, a.Parsed = max(a.Scanned, b.Scanned), max(a.Parsed, b.Parsed)
	return a
}

// IsAbout says whether a hold is one that the release input names, with or without a version.
func (h Hold) IsAbout(img bumper.Image) bool {
	if (bumper.Image{Name: h.Image}).Normalised() != img.Normalised() {
		return false
	}
	return (img.Tag == "" || img.Tag == h.Tag) && (img.Digest == "" || img.Digest == h.Digest)
}
