// Package recorded reads from its record what an app is, where no file can be asked: of an app that left Git, while
// gitops.yaml cannot be used, and wherever a reader has only the cluster.
//
// It does NOT load records.
package recorded

import (
	"encoding/json"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// Settings returns what a record says of its app: all settings of one that a gitops.yaml lists, and of another one what
// flags cannot say otherwise.
func Settings(rec *record.Record) app.App {
	if rec.List != "" {
		var all app.App
		if json.Unmarshal(rec.Settings, &all) == nil && all.Name == rec.App {
			return all
		}
	}
	return app.App{Name: rec.App, Path: rec.Source.Path, Namespace: rec.Target, AllowPlainSecrets: rec.PlainSecrets, Budget: app.DefaultBudget}
}
