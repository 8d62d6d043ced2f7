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

// The words of --sync and --health, worst first.
var (
	syncWords   = []string{"Failed", "Drifted", "Pending", "Unknown", "Suspended", "Synced"}
	healthWords = []string{"Degraded", "Missing", "Progressing", "Unknown", "Suspended", "Healthy"}
)

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

// statusSummary counts apps by their sync state, worst first: "487 apps: 3 Failed, 2 Drifted, 482 Synced".
func statusSummary(items []status.App) string {
	var parts []string
	for _, word := range syncWords {
		n := 0
		for _, s := range items {
			if string(s.Sync) == word {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, word))
		}
	}
	noun := "apps"
	if len(items) == 1 {
		noun = "app"
	}
	return fmt.Sprintf("%d %s: %s", len(items), noun, strings.Join(parts, ", "))
}
