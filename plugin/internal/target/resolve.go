package target

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record/store"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
)

// Work is what a command works on: the apps, and where they come from.
type Work struct {
	Target     reconcile.Target
	Repository Repository
	Source     source.Source  // shows what is looked at; what is applied comes from Flags.Verified
	Records    *record.Loaded // what was loaded to find this out, nil when the flags told everything
}

// Resolve returns what to work on and where it comes from: the flags when --repo is given, otherwise what the records of
// the named apps (or of the only source) say.
func (f *Flags) Resolve(ctx context.Context, store *store.Store, names []string) (Work, error) {
	return f.resolve(ctx, store, nil, names)
}

// resolve is Resolve for a caller who may have loaded the records.
func (f *Flags) resolve(ctx context.Context, store *store.Store, records *record.Loaded, names []string) (w Work, err error) {
	if f.Repo == "" && records == nil {
		if records, err = store.Load(ctx); err != nil {
			return Work{}, err
		}
	}
	t, repo, err := f.target(ctx, store, records, names)
	return Work{t, repo, repo.Source(), records}, err
}

// target returns what to work on, and its repository. records are not needed with --repo.
func (f *Flags) target(ctx context.Context, store *store.Store, records *record.Loaded, names []string) (reconcile.Target, Repository, error) {
	t := reconcile.Target{Only: names}
	for _, flag := range []string{"name", "target-namespace", "allow-plain-secrets"} { // they describe the one app of a directory without a gitops.yaml
		if f.changed(flag) {
			t.Flags = append(t.Flags, "--"+flag)
		}
	}
	if f.Repo == "" {
		if f.Name != "" && len(names) == 0 {
			names = []string{f.Name}
			t.Only = names
			t.Flags = slices.DeleteFunc(t.Flags, func(flag string) bool { return flag == "--name" })
		}
		list, err := f.listOf(records, store.Namespace, names)
		switch {
		case err != nil:
			return t, Repository{}, err
		case list == nil:
			app, repo, err := f.single(ctx, store, records, names)
			t.App = app
			return t, repo, err
		case f.changed("path") && cleanPath(f.Path) != list.Path:
			return t, Repository{}, hint.Errorf(fmt.Sprintf("--path %s is not where the gitops.yaml of %s is: that is %s", f.Path, whose(names), list.Path),
				"leave --path out; another gitops.yaml needs --repo, and should have its own instance (-n)")
		}
		f.Repo, f.Path, f.Ref = list.Repo, list.Path, cmp.Or(f.Ref, list.Ref)
	}
	var err error
	t.App, err = f.App()
	return t, f.Repository(), err
}

func whose(names []string) string {
	if len(names) == 0 {
		return "this instance"
	}
	return strings.Join(names, ", ")
}

// single returns the app to work on and where it comes from: the flags when --repo is given, otherwise what the
// record of the named app (or of the only one) says where the flags are silent.
func (f *Flags) single(ctx context.Context, store *store.Store, records *record.Loaded, names []string) (app.App, Repository, error) {
	if f.Repo != "" {
		app, err := f.App()
		if err == nil && len(names) > 0 && !slices.Equal(names, []string{app.Name}) {
			err = hint.Errorf(fmt.Sprintf("with --repo the app is %s, not %s", app.Name, strings.Join(names, ", ")),
				"leave the argument out, or set --name")
		}
		return app, f.Repository(), err
	}
	if f.Name != "" && len(names) == 0 {
		names = []string{f.Name}
	}
	rec, err := recorded(ctx, store, records, names)
	if err != nil && f.fromInstance(ctx, store) {
		return f.single(ctx, store, records, names)
	}
	if err != nil {
		return app.App{}, Repository{}, err
	}
	if f.Name != "" && f.Name != rec.App {
		return app.App{}, Repository{}, hint.Errorf(fmt.Sprintf("--name %s is not %s", f.Name, rec.App),
			"name the app once; a new one needs --repo")
	}
	f.Repo, f.Name = rec.Source.Repo, rec.App
	f.Ref, f.Namespace = cmp.Or(f.Ref, rec.Source.Ref), cmp.Or(f.Namespace, rec.Target)
	if f.Path == "." { // its default
		f.Path = rec.Source.Path
	}
	f.AllowPlainSecrets = f.AllowPlainSecrets || rec.PlainSecrets
	app, err := f.App()
	return app, f.Repository(), err
}
