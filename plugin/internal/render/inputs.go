package render

import (
	"maps"
	"path"
	"slices"
	"strings"
)

// maxInputs bounds the paths that are told: they are kept with the app.
const maxInputs = 64

// note remembers that the render depends on what lies at a name, or on nothing lying there. No link leads to the name
// any more: each link on the way has been noted itself.
func (t *tree) note(name string) { t.inputs[name] = true }

// dependsOn lists what the render depends on: paths none of which lies in another, a directory with all that is below
// it. It is nil where that cannot be told in few.
func (t *tree) dependsOn() []string {
	if len(t.inputs) == 0 {
		return []string{} // a chart from elsewhere
	}
	paths := outermost(slices.Collect(maps.Keys(t.inputs)))
	if len(paths) > maxInputs {
		paths = outermost(directoriesOf(paths))
	}
	if len(paths) > maxInputs {
		return nil
	}
	return paths
}

// outermost sorts paths and leaves out those that lie in another.
func outermost(paths []string) []string {
	slices.SortFunc(paths, func(a, b string) int { return slices.Compare(strings.Split(a, "/"), strings.Split(b, "/")) })
	if slices.Contains(paths, ".") {
		return []string{"."}
	}
	var kept []string
	for _, p := range paths {
		if n := len(kept); n == 0 || !isWithin(p, kept[n-1]) {
			kept = append(kept, p)
		}
	}
	return kept
}

// directoriesOf puts the directories that the paths lie in in their place, but never the whole repository.
func directoriesOf(paths []string) []string {
	wider := make([]string, len(paths))
	for i, p := range paths {
		if wider[i] = path.Dir(p); wider[i] == "." {
			wider[i] = p
		}
	}
	return wider
}
