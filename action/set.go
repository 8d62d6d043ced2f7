package action

import (
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/glob"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/promotion"
	"github.com/kubectl-gitops/kubectl-gitops/bumper"
)

// A set is what was asked for, one image or value a line. It is written into the trailers of commits and into the marker of a pull
// request, so that a later run knows what an earlier one was asked for.

// setLines returns the images and values of a request, as parseSet reads them.
func setLines(req bumper.Request) []string {
	var out []string
	for _, img := range req.Images {
		out = append(out, img.String())
	}
	for _, v := range req.Values {
		out = append(out, v.File+":"+v.Path+"="+v.Value)
	}
	return out
}

// lineAbout returns a line of a set that is about one part of an environment.
func lineAbout(at, line string) string { return "[" + at + "] " + line }

// cutPart splits a line of a set into the part that it is about, "" for all, and what it asks for.
func cutPart(line string) (at, what string) {
	if rest, ok := strings.CutPrefix(line, "["); ok {
		if at, what, ok = strings.Cut(rest, "] "); ok {
			return at, what
		}
	}
	return "", line
}

// setIn returns what a set asks for in one part of an environment.
func setIn(lines []string, part string) []string {
	var out []string
	for _, line := range lines {
		if at, what := cutPart(line); at == "" || at == part {
			out = append(out, what)
		}
	}
	return out
}

// parseSet reads the lines of a set, whatever part of an environment they are about.
func parseSet(lines []string) (images []bumper.Image, values []bumper.Value) {
	for _, line := range lines {
		_, line = cutPart(line)
		if img, err := bumper.ParseAssignment(line); err == nil {
			images = append(images, img)
		} else if v, err := bumper.ParseValue(line); err == nil {
			values = append(values, v)
		}
	}
	return images, values
}

// sameSubject says whether a set asks for versions of the same images, and for the same values, as a request.
func sameSubject(req bumper.Request, set []string) bool {
	images, values := parseSet(set)
	if len(images)+len(values) != len(set) || len(images) != len(req.Images) || len(values) != len(req.Values) {
		return false
	}
	for i, img := range images {
		if img.Normalised() != req.Images[i].Normalised() {
			return false
		}
	}
	for i, v := range values {
		if v.File != req.Values[i].File || v.Path != req.Values[i].Path {
			return false
		}
	}
	return true
}

// sameValues says whether a set asks for the same values as a request. Values are neither newer nor older than others.
func sameValues(req bumper.Request, set []string) bool {
	_, values := parseSet(set)
	return slices.Equal(values, req.Values)
}

// asksFor says whether a line of a set asks for an edit.
func asksFor(line string, e bumper.Edit) bool {
	if at, _ := cutPart(line); at != "" && !glob.Below(at, e.File) {
		return false
	}
	images, values := parseSet([]string{line})
	if e.Image == "" {
		return slices.Contains(values, bumper.Value{File: e.File, Path: e.Path, Value: e.New})
	}
	return len(images) == 1 && images[0].Normalised() == e.Image && promotion.Exact(images[0]) == promotion.Exact(e.After)
}
