package ui

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// Ending returns one line about how a run of an app ended.
func Ending(app report.App) string {
	text := fmt.Sprintf("%s %s at %s", app.Name, strings.ToLower(string(app.Result)), app.Revision.Short())
	if app.Message != "" {
		text += ": " + FirstLine(app.Message)
	}
	return text
}

// WriteEndings writes the endings of all apps of a run into the termination log of a pod. endings are lines by name of the
// app, as Ending returns them. It ignores a file that cannot be written.
func WriteEndings(file string, endings map[string]string) {
	const most = 1000 // Kubernetes shows not much more
	var lines []string
	for _, app := range slices.Sorted(maps.Keys(endings)) {
		lines = append(lines, endings[app])
	}
	text := strings.Join(lines, "\n")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "..."
	}
	_ = os.WriteFile(file, []byte(text+"\n"), 0o600)
}
