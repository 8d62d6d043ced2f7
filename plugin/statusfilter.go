package plugin

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/status"
)

// manyApps is when a table of apps is followed by its summary.
const manyApps = 20

// checkWords refuses words that are not known, and spells the others as they are.
func checkWords(flag string, words, known []string) error {
	for i, word := range words {
		j := slices.IndexFunc(known, func(k string) bool { return strings.EqualFold(k, strings.TrimSpace(word)) })
		if j < 0 {
			return hint.Errorf(fmt.Sprintf("%s %s is not known", flag, word), "one of: %s", strings.Join(known, ", "))
		}
		words[i] = known[j]
	}
	return nil
}

// wanted are the apps that the filters let through.
func (o *statusOptions) wanted(items []status.App) []status.App {
	kept := []status.App{}
	for _, s := range items {
		if (len(o.sync) == 0 || slices.Contains(o.sync, string(s.Sync))) && (len(o.health) == 0 || slices.Contains(o.health, string(s.Health))) {
			kept = append(kept, s)
		}
	}
	return kept
}
