package plugin

import (
	"context"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/apps/gitopsyaml"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record/store"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/ui"
)

// reader is a reconciler that looks at what was applied, and renders it again.
func (f *sourceFlags) reader(u *ui.Terminal, client *cluster.Client, store *store.Store) *reconcile.Reconciler {
	r := newReconciler(client, store, source.Repo{}, nil, nil)
	r.Render, r.Apps = f.renderer(u), gitopsyaml.Load
	return r
}

// openApplied opens a commit that was applied: from the checkout we stand in if it has the commit, otherwise from where
// the app comes from.
func (f *sourceFlags) openApplied(ctx context.Context, from report.Source, commit string) (*reconcile.Tree, error) {
	flags := *f
	flags.repo, flags.ref = from.Repo, from.Ref
	repo := flags.repository()
	if top, _, err := source.WorkTree(workingDirectory()); err == nil {
		if tree, err := (gitSource{source.Repo{URL: top, Limits: repo.Limits}}).Open(ctx, commit); err == nil {
			return tree, nil
		}
	}
	return gitSource{repo}.Open(ctx, commit)
}

// lastChange finds the newest commit that changed a file, up to a commit that was applied.
func (f *sourceFlags) lastChange(ctx context.Context, from report.Source, commit, file string) (source.Commit, error) {
	if top, _, err := source.WorkTree(workingDirectory()); err == nil {
		if c, err := (source.Repo{URL: top}).LastChange(ctx, commit, file); err == nil {
			return c, nil
		}
	}
	flags := *f
	flags.repo, flags.ref = from.Repo, from.Ref
	return flags.repository().LastChange(ctx, commit, file)
}
