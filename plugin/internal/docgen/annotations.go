package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
)

// annotationsPage lists labels and annotations, ours first, then those of other tools: what manifests can say with the
// meaning of each value, from the table that the reconciler reads too, the rest with the comments of their constants.
func (s *source) annotationsPage() (string, error) {
	table := map[string][]desired.AnnotationValue{}
	for _, v := range desired.AnnotationValues() {
		table[v.Name] = append(table[v.Name], v)
	}
	var ours, said, theirs strings.Builder
	for _, key := range slices.Sorted(maps.Keys(s.keys)) {
		comment := s.keys[key].comment
		own := strings.HasPrefix(key, keyPrefix)
		switch {
		case table[key] != nil:
			to := &theirs
			if own {
				to = &said
			}
			for _, v := range table[key] {
				fmt.Fprintf(to, "| `%s` | %s | %s |\n", key, cell(v.Values), cell(v.Meaning))
			}
		case !own && comment == "": // one that is only recognised
		case !own:
			fmt.Fprintf(&theirs, "| `%s` | | %s |\n", key, cell(comment))
		case comment == "":
			return "", fmt.Errorf("the constant %q needs a comment on its line: docs/annotations.md is made of it", key)
		default:
			fmt.Fprintf(&ours, "| `%s` | %s |\n", key, cell(comment))
		}
	}
	return generated + "# Labels and annotations\n\n## Annotations of manifests\n\n" +
		"Upper and lower case of a value do not matter. When annotations of several tools set the same, the one of kubectl-gitops.dev\n" +
		"wins. A value that is not listed changes nothing, and a run prints a warning with its file and line.\n\n| annotation | value | meaning |\n|---|---|---|\n" + said.String() +
		"\n## Annotations of other tools that have an effect here\n\n| annotation | value | meaning here |\n|---|---|---|\n" + theirs.String() +
		"\n## Labels and annotations that kubectl gitops writes\n\n| key | meaning |\n|---|---|\n" + ours.String() +
		"\nThe labels and annotations of [ApplySets](https://kubernetes.io/docs/reference/labels-annotations-taints/) are on the parent ConfigMap of " +
		"an app and on its objects.\n", nil
}
