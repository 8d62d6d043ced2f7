package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// annotationsPage lists labels and annotations with the comments of their constants: ours first, then those of other
// tools.
func (s *source) annotationsPage() (string, error) {
	var ours, theirs strings.Builder
	for _, key := range slices.Sorted(maps.Keys(s.keys)) {
		comment := s.keys[key].comment
		switch {
		case !strings.HasPrefix(key, keyPrefix) && comment == "": // one that is only recognised
		case !strings.HasPrefix(key, keyPrefix):
			fmt.Fprintf(&theirs, "| `%s` | %s |\n", key, cell(comment))
		case comment == "":
			return "", fmt.Errorf("the constant %q needs a comment on its line: docs/annotations.md is made of it", key)
		default:
			fmt.Fprintf(&ours, "| `%s` | %s |\n", key, cell(comment))
		}
	}
	return generated + "# Labels and annotations\n\n| key | meaning |\n|---|---|\n" + ours.String() +
		"\nThose of [ApplySets](https://kubernetes.io/docs/reference/labels-annotations-taints/) are on the parent ConfigMap of an app and on " +
		"its objects.\n\n## Of other tools, understood as they are\n\n| key | here |\n|---|---|\n" + theirs.String(), nil
}
