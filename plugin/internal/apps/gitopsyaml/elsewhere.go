package gitopsyaml

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/near"
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
	case places == 0 && !given("path") && e.Source == nil:
		l.at(place, "", "the app has no path")
	case places > 1:
		l.at(place, "keep one of the three", "the app has more than one of path, chart and sources")
	}
	if e.Chart != nil {
		l.checkChart(join(place, "chart"), *e.Chart)
	}
	if e.Source != nil {
		if e.Chart != nil || len(e.Sources) > 0 {
			l.at(join(place, "source"), "a source is where path is: leave it out, or list several sources", "the app has a source besides a chart or sources")
		}
		if e.Source.Git == "" && e.Source.OCI == "" {
			l.at(join(place, "source"), "write git: and the address of a Git repository, or oci: and that of an artifact", "the source has neither git nor oci")
		}
		l.checkSource(join(place, "source"), *e.Source)
	}
	if given("sources") {
		if given("helm") {
			l.at(join(place, "helm"), "write helm into the source that has the chart", "an app with sources has no helm of its own")
		}
		l.checkParts(join(place, "sources"), e.Sources)
	} else {
		checkValues(l, join(place, "helm"), e.Helm, nil)
	}
}

// checkSource refuses what cannot be the address of a source. A password in it is not quoted.
func (l *loader) checkSource(place string, s Source) {
	if s.Git != "" && s.OCI != "" {
		l.at(join(place, "oci"), "keep one of the two", "a source has both git and oci")
	}
	for key, address := range map[string]string{"git": s.Git, "oci": s.OCI} {
		if holdsLogin(address) {
			l.refuseLogin(join(place, key))
			return
		}
	}
	if s.OCI != "" && !ociForm.MatchString(s.OCI) {
		l.at(join(place, "oci"), "write oci://HOST/PATH; a tag or digest belongs into ref", "%q is not the address of an artifact", s.OCI)
	}
	if s.Git != "" && s.Layer != "" {
		l.at(join(place, "layer"), "leave it out", "a Git repository has no layers")
	}
	scheme, rest, found := strings.Cut(s.Git, "://")
	switch {
	case s.Git == "":
	case found && rest != "" && (scheme == "https" || scheme == "ssh" || scheme == "http"):
	case !found && scpForm.MatchString(s.Git):
	default:
		l.at(join(place, "git"), "write https:// or ssh:// and the address; a directory of this repository needs no source", "%q is not the address of a Git repository", s.Git)
	}
}

func (l *loader) refuseLogin(place string) {
	l.at(place, "leave it out: credentials are given to the instance", "the address of the repository holds a user or a password")
}

// holdsLogin reports whether an address holds a user or a password, which no message may quote. The user of ssh is none. A port that is no
// number is the beginning of a password with a slash.
func holdsLogin(address string) bool {
	scheme, rest, found := strings.Cut(address, "://")
	if !found {
		user, _, at := strings.Cut(address, "@")
		return at && strings.Contains(user, ":")
	}
	host, _, _ := strings.Cut(rest, "/")
	if user, _, at := strings.Cut(host, "@"); at {
		return scheme != "ssh" || strings.Contains(user, ":")
	}
	i := strings.LastIndex(host, ":")
	return i >= 0 && strings.Trim(host[i+1:], "0123456789") != "" && !strings.HasSuffix(host, "]")
}

var (
	scpForm  = regexp.MustCompile(`^[\w.-]+@[\w.-]+:[^/].*$`)
	ociForm  = regexp.MustCompile(`^oci://[\w.-]+(:[0-9]+)?(/[\w.-]+)+/?$`)
	nameForm = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
)

// checkParts refuses sources that say neither what is rendered nor how others name them.
func (l *loader) checkParts(place string, parts []Part) {
	first := map[string]int{}
	var names []string
	renders := false
	for i, p := range parts {
		at := fmt.Sprintf("%s[%d]", place, i)
		l.checkSource(at, p.source())
		elsewhere := p.Git != "" || p.OCI != ""
		if !elsewhere && (p.Ref != "" || p.Layer != "" || p.Secret != "") {
			l.at(at, "write git: and the address of a Git repository, or oci: and that of an artifact", "the source has neither git nor oci")
			renders = true
			continue
		}
		renders = renders || p.Chart != nil || p.Path != ""
		switch {
		case p.Chart != nil && (elsewhere || p.Path != "" || p.As != ""):
			l.at(join(at, "chart"), "write a source of its own for the chart", "a source has a chart besides %s", firstOf(p))
		case p.Chart == nil && p.Path == "" && p.As == "" && elsewhere:
			l.at(at, "give it a path, or a name with as", "the source is neither rendered nor named")
		case p.Chart == nil && p.Path == "" && p.As == "":
			l.at(at, "write git: and the address of a Git repository, chart:, or path: for a directory of this repository", "the source has neither git nor chart nor path")
		}
		if p.Chart != nil {
			l.checkChart(join(at, "chart"), *p.Chart)
		}
		checkPartPath(l, at, p)
		if len(p.Helm.ValuesFrom) > 0 {
			l.at(join(at, "helm.valuesFrom"), "write the values into a file", "valuesFrom is not supported in sources yet")
		}
		if p.As == "" {
			continue
		}
		if !nameForm.MatchString(p.As) {
			l.at(join(at, "as"), "use letters, digits, - and _", "%q cannot be the name of a source", p.As)
		}
		if other, twice := first[p.As]; twice {
			l.at(join(at, "as"), "rename one of the two", "two sources are called %s, the other in line %d", p.As, l.lines[fmt.Sprintf("%s[%d]", place, other)])
		}
		first[p.As] = i
		names = append(names, p.As)
	}
	if !renders {
		l.at(place, "give one of them a path or a chart", "none of the sources is rendered")
	}
	for i, p := range parts {
		checkValues(l, join(fmt.Sprintf("%s[%d]", place, i), "helm"), p.Helm, names)
	}
}

// firstOf names a key that a part has besides chart.
func firstOf(p Part) string {
	switch {
	case p.Git != "":
		return "git"
	case p.OCI != "":
		return "oci"
	case p.Path != "":
		return "path"
	}
	return "as"
}

// checkPartPath refuses a path that leaves its source, or is not there.
func checkPartPath(l *loader, place string, p Part) {
	clean := path.Clean(p.Path)
	switch at := join(place, "path"); {
	case p.Path == "":
	case strings.Contains(p.Path, "\\"):
		l.at(at, "write / between directories", "path %q holds a backslash", p.Path)
	case path.IsAbs(clean), clean == "..", strings.HasPrefix(clean, "../"):
		l.at(at, "give a directory from the root of the source", "path %s leaves the source", p.Path)
	case p.Git == "" && p.OCI == "" && l.tree != nil && !isDirectory(l.tree, clean):
		l.at(at, l.near(clean), "path %s is not a directory of the repository", p.Path)
	}
}

// checkValues refuses values files of sources that there are not.
func checkValues(l *loader, place string, h Helm, names []string) {
	for i, file := range h.Values {
		if !strings.HasPrefix(file, "$") {
			continue
		}
		at := fmt.Sprintf("%s[%d]", join(place, "values"), i)
		name, inside, _ := strings.Cut(file[1:], "/")
		switch {
		case !slices.Contains(names, name):
			l.at(at, cmp.Or(near.DidYouMean(name, names), "name a source of this app with as: "+name), "values file %s: $%s is not a source of the app", file, name)
		case inside == "":
			l.at(at, "write $"+name+"/ and the path of a file", "values file %s names no file", file)
		}
	}
}

// checkChart refuses what cannot be the address of a chart.
func (l *loader) checkChart(place string, c Chart) {
	if holdsLogin(c.Repo) {
		l.refuseLogin(join(place, "repo"))
		return
	}
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
	if e.Source != nil {
		a.Source = l.source(*e.Source, join(place, "source"))
	}
	for i, p := range e.Sources {
		at := fmt.Sprintf("%s.sources[%d]", place, i)
		part := app.Part{As: p.As, Helm: l.helm(p.Helm, join(at, "helm")), Origin: l.origin(at)}
		if p.Path != "" {
			part.Path = path.Clean(p.Path)
		}
		if p.Git != "" || p.OCI != "" {
			part.Source = l.source(p.source(), at)
		}
		if p.Chart != nil {
			part.Chart = l.chart(*p.Chart, join(at, "chart"))
		}
		a.Sources = append(a.Sources, part)
	}
}

// source is where a part is, as source says it of an app.
func (p Part) source() Source {
	return Source{Git: p.Git, OCI: p.OCI, Ref: p.Ref, Layer: p.Layer, Secret: p.Secret}
}

func (l *loader) source(s Source, place string) *app.Source {
	return &app.Source{Git: s.Git, OCI: s.OCI, Ref: s.Ref, Layer: s.Layer, Secret: s.Secret, Origin: l.origin(place)}
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
