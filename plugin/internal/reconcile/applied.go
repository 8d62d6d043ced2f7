package reconcile

import (
	"context"
	"fmt"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// Applied is what the instance remembers of an app: enough to render it again as a run did.
type Applied struct {
	Name   string
	Source report.Source  // Path is the directory of the app
	List   string         // directory of the gitops.yaml that lists the app, "" when none does
	Record *record.Record // nil when the user has no right to read the records
}

// AppliedApp is what the records, or else the parents, say of an app.
func (r *Reconciler) AppliedApp(ctx context.Context, name string) (Applied, error) {
	k, err := r.known(ctx)
	if err != nil {
		return Applied{}, err
	}
	a, ok := k.applied(name)
	if !ok {
		return Applied{}, fmt.Errorf("no app %s in namespace %s", name, r.Records.Namespace)
	}
	return a, nil
}

// appliedOf is what a record says of its app.
func appliedOf(rec *record.Record) Applied {
	return Applied{Name: rec.App, Source: rec.Source, List: rec.List, Record: rec}
}

// At returns the settings that the app has in a commit: those that its gitops.yaml has there, or else the recorded ones.
func (a Applied) At(r *Reconciler, tree *Tree) App {
	app := App{Name: a.Name, Path: a.Source.Path, Budget: DefaultBudget}
	if a.Record != nil {
		app = SettingsOf(a.Record)
	}
	if a.List == "" || r.Apps == nil {
		return app
	}
	listed, _, err := r.Apps(tree.Root, a.List)
	if i := slices.IndexFunc(listed, func(l App) bool { return l.Name == a.Name }); err == nil && i >= 0 {
		return listed[i]
	}
	return app
}

// RenderApplied renders an app at a commit as a run does: with its variables, and with what charts see of the server.
// Plain Secrets are accepted, since the commit was applied. When the user has no right to read the variables,
// ${NAME} stays in the manifests as it is; that is an error only if they cannot be rendered so.
func (r *Reconciler) RenderApplied(ctx context.Context, a Applied, tree *Tree) ([]render.Object, App, error) {
	return r.renderApplied(ctx, a, tree, false)
}

func (r *Reconciler) renderApplied(ctx context.Context, a Applied, tree *Tree, everyHook bool) ([]render.Object, App, error) {
	app := a.At(r, tree)
	p := r.newPass(ctx, app, Options{Cause: report.CauseManual})
	p.rec, p.commit = a.Record, tree.Revision.Commit
	if p.rec == nil {
		p.rec = &record.Record{}
	}
	if err := p.variables(ctx); err != nil {
		p.app.Substitute = nil
	}
	options, err := p.renderOptions(ctx, tree.Root)
	if err != nil {
		return nil, app, err
	}
	options.AllowPlainSecrets, options.EveryHook = true, everyHook
	dir := r.Render
	if dir == nil {
		dir = render.Dir
	}
	objects, err := dir(ctx, tree.Root, app.Path, options)
	return objects, app, err
}

// FindIn renders an app at a commit and returns where an object is written, "" when it is not in the render. name is the
// object's name in Git, see Locate. Hooks that are never run count, such as Helm's tests.
func (r *Reconciler) FindIn(ctx context.Context, a Applied, tree *Tree, ref cluster.Ref, name string) (origin string, err error) {
	objects, app, err := r.renderApplied(ctx, a, tree, true)
	if err != nil {
		return "", err
	}
	if o, ok := Locate(ref, name, app.Namespace, objects); ok {
		return o.Origin.String(), nil
	}
	return "", nil
}
