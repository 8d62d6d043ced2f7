package reconcile

import (
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/apps/recorded"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan/crossapp"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// removals lists the apps that left gitops.yaml in the order of their removal.
func (r observing) removals() []*crossapp.Removal {
	if r.revertOnly {
		return nil // nobody knows
	}
	var all []*crossapp.Removal
	for name, rec := range r.records.Apps {
		if r.finding().lists(rec) && !slices.ContainsFunc(r.apps, func(a app.App) bool { return a.Name == name }) {
			all = append(all, &crossapp.Removal{App: recorded.Settings(rec), Record: rec})
		}
	}
	return crossapp.RemovalOrder(all)
}

// RemovalOrder returns the names of apps in the order of their removal, as a run removes apps that leave gitops.yaml
// together. records are those of the instance; an app without one is in no other's way.
func RemovalOrder(names []string, records map[string]*record.Record) []string {
	var all []*crossapp.Removal
	for _, name := range names {
		r := &crossapp.Removal{App: app.App{Name: name}}
		if rec := records[name]; rec != nil && rec.Inventory != nil {
			r.App, r.Record = recorded.Settings(rec), rec
		}
		all = append(all, r)
	}
	var out []string
	for _, r := range crossapp.RemovalOrder(all) {
		out = append(out, r.App.Name)
	}
	return out
}
