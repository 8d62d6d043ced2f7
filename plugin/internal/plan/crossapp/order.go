package crossapp

import (
	"fmt"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// Standing is how far a run has come with one app.
type Standing struct {
	DependsOn    []string // apps that must be applied and healthy before it is applied
	RemovedAfter []string // apps that left gitops.yaml as well, and are removed before it
	LeftList     bool

	Failed      bool   // with an error
	Skipped     bool   // that error is a DependencyError
	Ended       bool   // its result is known
	NotSelected bool   // nothing is done to it in this run
	Suspended   bool   // for that reason
	Waiting     string // why it was not applied, although nothing failed
	UpToDate    bool
	Removed     bool // nothing is left of it

	AllHealthy bool        // by its record
	AppliedAll bool        // by record and list: nothing of a commit is pending
	Unhealthy  func() bool // an object is not healthy, as far as this run has seen
}

// Order decides which app comes next. Of must know each name in Apps.
type Order struct {
	Apps       []string
	Of         func(name string) Standing
	RevertOnly bool // only drift is reverted: no app waits for another one to become healthy
	DryRun     bool
}

// DependencyError skips an app for the sake of another one.
type DependencyError struct{ App, Why string }

// Error names the app that is in the way.
func (e *DependencyError) Error() string {
	return fmt.Sprintf("skipped: it depends on the app %s, %s", e.App, e.Why)
}

// Dependencies lists the apps that one depends on, and those that these depend on, nearest first.
func (o Order) Dependencies(name string) []string {
	var deps []string
	for next := []string{name}; len(next) > 0; next = next[1:] {
		for _, dep := range o.Of(next[0]).DependsOn {
			if slices.Contains(o.Apps, dep) && !slices.Contains(deps, dep) && !o.Of(dep).LeftList {
				deps = append(deps, dep)
				next = append(next, dep)
			}
		}
	}
	return deps
}

// RemovedFirst lists the apps that have to be removed before one and are not yet.
func (o Order) RemovedFirst(name string) []string {
	after := o.Of(name).RemovedAfter
	return slices.DeleteFunc(slices.Clone(o.Apps), func(other string) bool { return !slices.Contains(after, other) || o.Of(other).Removed })
}

// Undecided lists the apps that one waits for and that may still turn out well or badly.
func (o Order) Undecided(name string) []string {
	return slices.DeleteFunc(append(o.Dependencies(name), o.RemovedFirst(name)...), func(dep string) bool {
		s := o.Of(dep)
		return s.Failed || s.Ended || s.NotSelected || s.Waiting != "" || s.UpToDate && (s.AllHealthy || o.RevertOnly)
	})
}

// MayStart tells whether the apps that one waits for are applied and healthy, or removed. If not, it says what the app waits for, or
// returns a DependencyError. What was applied already is reverted whatever becomes of them.
func (o Order) MayStart(name string) (waiting string, err error) {
	if o.RevertOnly {
		return "", nil
	}
	for _, dep := range o.Dependencies(name) {
		switch s := o.Of(dep); {
		case s.Suspended && !(s.AllHealthy && s.AppliedAll):
			return fmt.Sprintf("waits for the app %s, which is suspended", dep), nil
		case s.NotSelected && !(s.AllHealthy && s.AppliedAll):
			return "", hint.With(&DependencyError{dep, "which was not applied and healthy in the last run"}, "reconcile both: %s %s", dep, name)
		case s.Failed && s.Skipped:
			return "", &DependencyError{dep, "which was skipped"}
		case s.Failed:
			return "", &DependencyError{dep, "which failed"}
		case s.Waiting != "":
			return fmt.Sprintf("waits for the app %s", dep), nil
		case !o.DryRun && !s.NotSelected && s.Unhealthy():
			return fmt.Sprintf("waits until the app %s is healthy", dep), nil
		}
	}
	if first := o.RemovedFirst(name); len(first) > 0 {
		return o.whyNotRemoved(first[0]), nil
	}
	return "", nil
}

func (o Order) whyNotRemoved(name string) string {
	text := fmt.Sprintf("waits until the app %s is removed", name)
	switch s := o.Of(name); {
	case s.Failed:
		text += ", which failed"
	case s.Suspended:
		text += "; that one is suspended"
	}
	return text
}
