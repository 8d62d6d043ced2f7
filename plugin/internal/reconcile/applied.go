package reconcile

import (
	"context"
	"path"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/apps/recorded"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/pass"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
)

// SettingsAt returns the settings of an app in a commit: those of its gitops.yaml there, or else the recorded ones.
func (r *Reconciler) SettingsAt(a record.Applied, tree *source.Tree) app.App {
	settings := app.App{Name: a.Name, Path: a.Source.Path, Budget: app.DefaultBudget}
	if a.Record != nil {
		settings = recorded.Settings(a.Record)
	}
	if a.List == "" || r.Apps == nil {
		return settings
	}
	listed, _, err := r.Apps(tree.Root, a.List)
	if i := slices.IndexFunc(listed, func(l app.App) bool { return l.Name == a.Name }); err == nil && i >= 0 {
		return listed[i]
	}
	return settings
}

// RenderApplied renders an app at a commit as a run does: with its variables, and with what charts may ask about the API
// server. It accepts plain Secrets, since the commit was applied. When the user has no right to read the variables, ${NAME}
// stays in the manifests as it is. That is an error only if they cannot be rendered so. It also returns the settings of the app
// in the commit.
func (r *Reconciler) RenderApplied(ctx context.Context, a record.Applied, tree *source.Tree) ([]manifest.Object, app.App, error) {
	return r.renderApplied(ctx, a, tree, false)
}

func (r *Reconciler) renderApplied(ctx context.Context, a record.Applied, tree *source.Tree, everyHook bool) ([]manifest.Object, app.App, error) {
	if err := tree.Fetch(ctx, path.Join(a.List, "gitops.yaml"), path.Join(a.List, "gitops.yml")); err != nil {
		return nil, app.App{}, err
	}
	app := r.SettingsAt(a, tree)
	p := pass.New(ctx, r.env(), app, pass.Options{Cause: report.CauseManual})
	p.Record, p.Commit = a.Record, tree.Revision.Commit
	if p.Record == nil {
		p.Record = &record.Record{}
	}
	if err := p.Reading().Variables(ctx); err != nil {
		p.App.Substitute = nil
	}
	options, err := p.Builder().RenderOptions(ctx, tree.Root)
	if err != nil {
		return nil, app, err
	}
	options.AllowPlainSecrets, options.EveryHook, options.Lacking = true, everyHook, tree.Lacking
	if err := tree.Fetch(ctx, app.Directories()...); err != nil {
		return nil, app, err
	}
	dir := r.Render
	if dir == nil {
		dir = render.Dir
	}
	objects, err := dir(ctx, tree.Root, app.Path, options)
	return objects, app, err
}

// FindIn renders an app at a commit and returns the file:line of an object, "" when the object is not in the render. name is
// the name of the object in Git, see Locate. Hooks that never run count, such as Helm's tests.
func (r *Reconciler) FindIn(ctx context.Context, a record.Applied, tree *source.Tree, ref cluster.Ref, name string) (origin string, err error) {
	objects, app, err := r.renderApplied(ctx, a, tree, true)
	if err != nil {
		return "", err
	}
	if o, ok := Locate(ref, name, app.Namespace, objects); ok {
		return o.Origin.String(), nil
	}
	return "", nil
}
