package gitopsyaml

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
)

// checkPlaces refuses an entry that does not say in one way where its objects come from.
func (l *loader) checkPlaces(place string, e Entry) {
	given := func(name string) bool { _, ok := l.lines[join(place, name)]; return ok }
	places := 0
	for _, key := range []string{"path", "chart", "sources"} {
		if given(key) {
			places++
		}
	}
	switch {
	case places == 0 && !given("path"):
		l.at(place, "", "the app has no path")
	case places > 1:
		l.at(place, "keep one of the three", "the app has more than one of path, chart and sources")
	}
	if e.Chart != nil {
		l.checkChart(join(place, "chart"), *e.Chart)
	}
}

// checkChart refuses what cannot be the address of a chart.
func (l *loader) checkChart(place string, c Chart) {
	if scheme, rest, ok := strings.Cut(c.Repo, "://"); c.Repo != "" && (!ok || rest == "" || scheme != "https" && scheme != "oci" && scheme != "http") {
		l.at(join(place, "repo"), "write https:// and the URL of a Helm repository, or oci:// and the address of a registry", "%q is not the address of a chart repository", c.Repo)
	}
	if strings.Contains(c.Name, "/") || strings.Contains(c.Name, "..") {
		l.at(join(place, "name"), "a path belongs into repo", "%q is not the name of a chart", c.Name)
	}
}

// elsewhere adds what an entry says about charts and sources that are not in this repository.
func (l *loader) elsewhere(a *app.App, e Entry, place string) {
	a.Helm = l.helm(e.Helm, join(place, "helm"))
	if e.Chart != nil {
		a.Chart = l.chart(*e.Chart, join(place, "chart"))
	}
	if e.Kustomize != nil {
		a.Kustomize = l.kustomize(*e.Kustomize, join(place, "kustomize"))
	}
}

func (l *loader) origin(place string) manifest.Origin {
	return manifest.Origin{File: l.file, Line: l.lines[place]}
}

func (l *loader) chart(c Chart, place string) *app.Chart {
	return &app.Chart{Repo: c.Repo, Name: c.Name, Version: c.Version, Secret: c.Secret, Origin: l.origin(place)}
}

func (l *loader) helm(h Helm, place string) app.Helm {
	out := app.Helm{Release: h.Release, Values: h.Values, Set: h.Set, Generated: h.Generated == "keep", Tests: h.Tests}
	if h.CRDs != "replace" {
		out.CRDs = h.CRDs
	}
	if h.Inline != nil {
		out.Inline = &app.Inline{YAML: h.Inline.yaml, Origin: manifest.Origin{File: l.file, Line: h.Inline.line}}
	}
	for i, v := range h.ValuesFrom {
		out.ValuesFrom = append(out.ValuesFrom, app.ValuesFrom{Kind: v.Kind, Name: v.Name, Key: cmp.Or(v.Key, "values.yaml"), TargetPath: v.TargetPath,
			Optional: v.Optional, Origin: l.origin(fmt.Sprintf("%s.valuesFrom[%d]", place, i))})
	}
	return out
}
