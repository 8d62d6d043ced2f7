package action

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/bumper"
)

// Plan is what one operation wants the config repository to become, computed from one commit of it.
// Everything behind a plan (commit, pull request, report) is the same for every operation.
type Plan struct {
	Edits   []bumper.Edit
	Files   map[string][]byte // new contents of the files that change
	Current []bumper.Reference
	Notes   []string
	Scanned int
	Parsed  int
}

// operation makes plans. It is asked again, with a newer snapshot, whenever a race is lost.
type operation struct {
	name   string // bump
	target string // names what the operation is about: one open pull request per target
	slug   string // the target for people, part of the default branch name
	image  string // the first image's last name, for {image}
	tag    string // its new tag, for {tag}
	set    []string
	wants  wanted
	plan   func(*snapshot) (Plan, error)
	// older says that the request would take back what an earlier request (its set) asked for.
	older func(snap *snapshot, earlier []string) bool
}

// bumpOperation sets images and values.
func bumpOperation(in Inputs, images []bumper.Image) operation {
	req := bumper.Request{Images: images, Values: in.Values, AllowDowngrade: in.AllowDowngrade}
	op := operation{name: opBump, wants: wanted{patterns: in.Paths}}
	var keys []string
	for _, img := range images {
		keys = append(keys, "image "+img.Normalised())
		op.set = append(op.set, img.String())
	}
	for _, v := range in.Values {
		keys = append(keys, "value "+v.File+":"+v.Path)
		op.set = append(op.set, v.File+":"+v.Path+"="+v.Value)
		op.wants.extra = append(op.wants.extra, v.File)
	}
	for _, p := range in.Paths {
		keys = append(keys, "path "+p)
	}
	sort.Strings(keys)
	op.target = fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(keys, "\n"))))[:12]
	op.slug = slug(images, in.Values)
	if len(images) > 0 {
		op.image, op.tag = shortName(images[0].Name), images[0].Tag
	}
	op.plan = func(s *snapshot) (Plan, error) { return planBump(s, req, in.AllowPlainSecrets) }
	op.older = func(s *snapshot, earlier []string) bool {
		return !in.AllowDowngrade && takesBack(s, req, earlier)
	}
	return op
}

// slug is the last name of the first image, or the file of the first value.
func slug(images []bumper.Image, values []bumper.Value) string {
	name := "values"
	if len(images) > 0 {
		name = shortName(images[0].Name)
	}
	if n := len(images) + len(values); n > 1 {
		name += fmt.Sprintf("-and-%d-more", n-1)
	}
	return name
}

func planBump(s *snapshot, req bumper.Request, plainSecrets bool) (Plan, error) {
	res, err := bumper.Bump(s.files, req)
	if err != nil {
		if len(s.skipped) > 0 {
			err = fmt.Errorf("%w (not searched, larger than %d MiB: %s)", err, maxFile>>20, strings.Join(s.skipped, ", "))
		}
		return Plan{}, advise(err, bumpHint(err))
	}
	p := Plan{Edits: res.Edits, Files: res.Files, Current: res.Current, Notes: res.Notes, Scanned: res.Scanned, Parsed: res.Parsed}
	if plainSecrets {
		return p, nil
	}
	return p, guardSecrets(p.Files)
}

func bumpHint(err error) string {
	var missing *bumper.NotFoundError
	var older *bumper.DowngradeError
	var refused bumper.Refusals
	switch {
	case errors.As(err, &older):
		return "allow-downgrade accepts older tags"
	case errors.As(err, &missing) && missing.Hint != "":
		return missing.Hint
	case errors.As(err, &missing):
		return "check the name and the paths input; only .yaml and .yml files are searched"
	case errors.As(err, &refused):
		return refused[0].Hint
	}
	return ""
}

// guardSecrets refuses to commit a file that holds a Secret anybody can read.
func guardSecrets(files map[string][]byte) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(files)) {
		for _, found := range bumper.PlainSecrets(bumper.File{Path: name, Data: files[name]}) {
			errs = append(errs, found)
		}
	}
	if len(errs) == 0 {
		return nil
	}
	return advise(fmt.Errorf("a Secret with plain data would be committed: %w", errors.Join(errs...)),
		"keep Secrets out of Git (SealedSecret, ExternalSecret, SOPS), or accept it with allow-plain-secrets")
}

// takesBack says whether req is older than the earlier request, by making both edits one after the other.
func takesBack(s *snapshot, req bumper.Request, earlier []string) bool {
	before := bumper.Request{AllowDowngrade: true}
	for _, line := range earlier {
		if img, err := bumper.ParseAssignment(line); err == nil {
			before.Images = append(before.Images, img)
		}
	}
	if len(before.Images) == 0 || len(req.Images) == 0 {
		return false
	}
	res, err := bumper.Bump(s.files, before)
	if err != nil {
		return false
	}
	files := slices.Clone(s.files)
	for i, f := range files {
		if data, ok := res.Files[f.Path]; ok {
			files[i].Data = data
		}
	}
	_, err = bumper.Bump(files, bumper.Request{Images: req.Images})
	var older *bumper.DowngradeError
	return errors.As(err, &older)
}

// digest names the edits: two plans with the same digest would write the same files.
func (p Plan) digest() string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(p.Files)) {
		fmt.Fprintf(h, "%s\x00%d\x00", name, len(p.Files[name]))
		h.Write(p.Files[name])
	}
	return fmt.Sprintf("%x", h.Sum(nil))[:16]
}

// changes are the files of the commit, with the modes they have.
func (p Plan) changes(s *snapshot) []change {
	var out []change
	for _, name := range slices.Sorted(maps.Keys(p.Files)) {
		out = append(out, change{path: name, mode: s.modes[name], content: string(p.Files[name])})
	}
	return out
}
