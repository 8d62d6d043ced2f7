// Package recorded returns the settings of an app from its record. It is for an app that left Git, for the time while
// gitops.yaml cannot be used, and for readers that have only the cluster.
//
// It does not load records.
package recorded

import (
	"encoding/json"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// Waiting returns the settings of an app that waits for somebody, from its row in the list of apps. ok is false when the app does
// not wait, or when its settings cannot be read.
func Waiting(b record.Behind) (a app.App, ok bool) {
	ok = b.IsWaiting() && json.Unmarshal(b.Settings, &a) == nil && a.Name == b.App
	return a, ok
}

// Settings returns the settings of an app from its record: all of them for an app of a gitops.yaml, and for any other app
// those that no flag can change.
func Settings(rec *record.Record) app.App {
	if rec.List != "" {
		var all app.App
		if json.Unmarshal(rec.Settings, &all) == nil && all.Name == rec.App {
			return all
		}
	}
	return app.App{Name: rec.App, Path: rec.Source.Path, Namespace: rec.Target, AllowPlainSecrets: rec.PlainSecrets, Budget: app.DefaultBudget}
}
