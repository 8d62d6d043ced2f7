package bumper

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// Values of one chart are often spread over files: defaults with the name of an image, and a file for each environment with its tag.
// Which files belong together is read from their paths. A wrong answer would edit another image, so a file counts only when all that
// its path has more than that of the defaults are words for environments, or when both lie in the directory of one chart.

// place is what the path of a file says.
type place struct {
	chart string // the directory of the chart it is in, "" outside of charts
	// family is what remains of the path without the words for environments and defaults. Files of one family belong together.
	family string
	// base is set when the path names no environment: the file may hold defaults.
	base bool
}

var (
	// surely are words that name an environment wherever they stand; maybe are those that do so alone.
	surely     = words("dev devel develop development qa uat sit stg stage staging preprod preproduction nonprod prod production prd sandbox sbx")
	maybe      = words("test tests testing tst int integ integration pre live local ci canary demo perf performance load dr pilot eval preview acceptance acc lab")
	regions    = words("eu us ap sa ca uk de fr jp au sg in br east west north south central northeast southeast northwest southwest")
	regionRE   = regexp.MustCompile(`^(?:[a-z]{2})?[0-9]+[a-z]?$`)
	defaults   = words("base bases _base common default defaults shared global all main values value helm config configs release")
	containers = words("env envs environment environments overlay overlays stage stages cluster clusters region regions")
	splitRE    = regexp.MustCompile(`[-_.]+`)
)

func words(s string) []string { return strings.Fields(s) }

// places knows the directories that hold a Chart.yaml.
type places struct{ charts map[string]bool }

func newPlaces(files []File) places {
	p := places{charts: map[string]bool{}}
	for _, f := range files {
		if path.Base(f.Path) == "Chart.yaml" {
			p.charts[path.Dir(f.Path)] = true
		}
	}
	return p
}

// of returns the place of a file. It is false for files that hold no values: templates, CRDs and the chart's own description.
func (p places) of(file string) (place, bool) {
	dir, name := path.Split(file)
	dir = path.Clean(dir)
	switch name {
	case "Chart.yaml", "Kustomization", "kustomization.yaml", "kustomization.yml":
		return place{}, false
	}
	out := place{base: true}
	for up := dir; ; up = path.Dir(up) {
		if p.charts[up] {
			out.chart = up
			break
		}
		if up == "." || up == "/" {
			break
		}
	}
	parts := strings.Split(dir, "/")
	if slices.Contains(parts, "templates") || slices.Contains(parts, "crds") {
		return place{}, false
	}
	kept := out.keepParts(parts)
	stem := strings.ToLower(strings.TrimSuffix(name, path.Ext(name)))
	out.family = strings.Join(kept, "/") + "|" + strings.Join(out.keepTokens(splitRE.Split(stem, -1)), "-")
	return out, true
}

// keepParts returns the directories that name neither an environment nor defaults.
func (pl *place) keepParts(parts []string) []string {
	var kept []string
	for i, part := range parts {
		lower := strings.ToLower(part)
		later := slices.ContainsFunc(parts[i+1:], isEnvironment)
		switch {
		case part == "." || slices.Contains(defaults, lower) || slices.Contains(containers, lower):
		case isEnvironment(lower), i > 0 && slices.Contains(containers, strings.ToLower(parts[i-1])) && !later:
			pl.base = false
		default:
			kept = append(kept, part)
		}
	}
	return kept
}

// keepTokens returns the parts of a file's name that name neither an environment nor defaults.
func (pl *place) keepTokens(tokens []string) []string {
	var kept []string
	for _, token := range tokens {
		if token != "" && !slices.Contains(defaults, token) {
			kept = append(kept, token)
		}
	}
	if isEnvironment(strings.Join(kept, "-")) {
		pl.base = false
		return nil
	}
	if rest := slices.DeleteFunc(slices.Clone(kept), func(t string) bool { return slices.Contains(surely, t) }); len(rest) < len(kept) {
		pl.base = false
		return rest
	}
	return kept
}

// isEnvironment reports whether a name is that of an environment: prod, prod2, eu-west-1-prod, test, but not test-runner.
func isEnvironment(name string) bool {
	tokens := splitRE.Split(strings.ToLower(name), -1)
	found := false
	for _, token := range tokens {
		word := strings.TrimRight(token, "0123456789")
		switch {
		case slices.Contains(surely, word), slices.Contains(maybe, word) && len(tokens) == 1:
			found = true
		case slices.Contains(regions, word), regionRE.MatchString(token):
		default:
			return false
		}
	}
	return found
}

// holdsDefaults reports whether the file at base may hold defaults for the values in the file at over.
func holdsDefaults(base, over place, baseFile string) bool {
	if base.chart != over.chart {
		return false
	}
	if base.chart != "" && baseFile == path.Join(base.chart, "values.yaml") {
		return true
	}
	return base.base && base.family == over.family
}
