package render

import (
	"maps"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
)

// For says how the app's directory is rendered without asking a cluster.
func For(a app.App) Options {
	release := a.Helm.Release
	if release == "" {
		release = a.Name
	}
	var vars *Substitute
	if a.Substitute != nil {
		vars = &Substitute{Vars: maps.Clone(a.Substitute.Vars)}
	}
	return Options{Keys: a.Keys(), AllowPlainSecrets: a.AllowPlainSecrets, Substitute: vars, Layout: a.Layout, MayHold: a.AllowSealedValues,
		Helm: &Helm{Release: release, Namespace: a.Namespace, Values: a.Helm.Values, Set: a.Helm.Set}}
}
