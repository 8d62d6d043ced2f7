package build

import (
	"encoding/json"
	"os"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
)

// located returns an app that was taken from its record with the lines that its parts have in the gitops.yaml of a checkout. The
// record does not hold lines, so that an app does not change with those above it. list is the directory of the gitops.yaml, and read
// reads it. A part of which the file says something else stays as it is.
func located(read func(*os.Root, string) ([]app.App, bool, error), a app.App, root *os.Root, list string) app.App {
	if read == nil || list == "" || !lacksLines(a) {
		return a
	}
	apps, _, err := read(root, list)
	i := slices.IndexFunc(apps, func(other app.App) bool { return other.Name == a.Name })
	if err != nil || i < 0 {
		return a
	}
	now := apps[i]
	if equal(a.Kustomize, now.Kustomize) {
		a.Kustomize = now.Kustomize
	}
	if equal(a.Chart, now.Chart) {
		a.Chart = now.Chart
	}
	if equal(a.Helm.Inline, now.Helm.Inline) {
		a.Helm.Inline = now.Helm.Inline
	}
	return a
}

// lacksLines reports whether a part of an app has a line that is not known.
func lacksLines(a app.App) bool {
	var nowhere manifest.Origin
	return a.Kustomize != nil && a.Kustomize.Origins == nil || a.Chart != nil && a.Chart.Origin == nowhere || a.Helm.Inline != nil && a.Helm.Inline.Origin == nowhere
}

// equal compares parts of apps without their lines.
func equal(a, b any) bool {
	was, errA := json.Marshal(a)
	is, errB := json.Marshal(b)
	return errA == nil && errB == nil && string(was) == string(is)
}
