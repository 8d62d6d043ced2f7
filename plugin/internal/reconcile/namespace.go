package reconcile

import (
	"context"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/pass"
)

// leftNamespace returns the name of the Namespace that a run created for an app which is gone, "" when there is none or another
// app of the list uses it.
func (r concluding) leftNamespace(ctx context.Context, p *pass.Pass) string {
	name := p.App.Namespace
	if name == "" || slices.ContainsFunc(r.apps, func(a app.App) bool { return a.Namespace == name }) {
		return ""
	}
	ns, err := p.Cluster.Get(ctx, cluster.Ref{Kind: cluster.Kind{Version: "v1", Kind: "Namespace", Resource: "namespaces"}, Name: name})
	if err != nil || r.Records.CreatedFor(ns) == "" || ns.GetDeletionTimestamp() != nil {
		return ""
	}
	return name
}
