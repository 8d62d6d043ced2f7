package plan

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// Caller says who wants a run, as far as the settings of an app ask.
type Caller struct {
	Named  bool // somebody names the app, for one run
	DryRun bool // nothing is written
}

// LeavesDrift reports whether a run reports drift of an app and does not revert it. A run for which somebody names the app
// reverts it, and a dry run shows what that would do.
func LeavesDrift(a app.App, c Caller) bool {
	return (a.ReportDrift || a.Manual) && !c.Named && !c.DryRun
}

// Drift returns the objects that are left although they are not as they were applied, sorted, and whether a run has to apply one.
// states are those of all objects of a record that holds all of its commit.
func Drift(leave bool, states map[object.Key]live.State) (left []object.Key, work bool) {
	for k, state := range states {
		switch {
		case state == live.InSync:
		case leave && isDrift(state):
			left = append(left, k)
		default:
			work = true
		}
	}
	slices.SortFunc(left, func(a, b object.Key) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return left, work
}

// Reserved returns what a dry run says of a plan that a run carries out in part only, or not at all, unless somebody names the
// app. It is "" when any run would do all of it.
func (p *Plan) Reserved(a app.App, c Caller) string {
	drifted := slices.ContainsFunc(p.Steps, func(s *Step) bool { return !s.Changed && isDrift(s.State) })
	switch {
	case c.Named || !c.DryRun:
	case a.Manual && len(p.Steps)+len(p.Prunes) > 0:
		return fmt.Sprintf("gitops.yaml says sync: manual: only `kubectl gitops reconcile %s` does this", a.Name)
	case a.ReportDrift && drifted:
		return fmt.Sprintf("gitops.yaml says drift: report: only `kubectl gitops reconcile %s` reverts what drifted", a.Name)
	}
	return ""
}

// isDrift reports whether an object that a run had applied is not as it was applied.
func isDrift(state live.State) bool {
	switch state {
	case live.Drifted, live.Missing, live.Replaced, live.Terminating, live.KindGone:
		return true
	}
	return false
}

// DriftText says of an app that n objects have drifted and are left so, and why. The hint is how somebody reverts it.
func DriftText(a app.App, n int) (text, hint string) {
	why := "drift: report"
	if a.Manual {
		why = "sync: manual"
	}
	return fmt.Sprintf("%s drifted, not reverted: gitops.yaml says %s", report.Plural(n, "object"), why), "kubectl gitops reconcile " + a.Name + " reverts it"
}
