package target

import (
	"cmp"
	"context"
	"os"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/apps/gitopsyaml"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record/store"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source/git"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source/worktree"
)

// lists tells whether the gitops.yaml in a directory of the working tree names all of apps. One that cannot be read is
// an error where it is the one that was meant.
func lists(here worktree.Checkout, dir string, apps []string) (bool, error) {
	root, err := os.OpenRoot(here.Top)
	if err != nil {
		return false, err
	}
	defer root.Close()
	listed, found, err := gitopsyaml.Load(root, dir)
	if err != nil || !found {
		return false, err
	}
	for _, name := range apps {
		if !slices.ContainsFunc(listed, func(a app.App) bool { return a.Name == name }) {
			return false, nil
		}
	}
	return true, nil
}

// inCheckout finds the directory of a checkout that diff compares: the one that the named apps, or those of --path, come from.
// We stand in the directory rel of the checkout. found is false when the checkout is not one of their repository. Without names
// and --path it is the current directory, unless the instance has apps and none of them comes from this repository.
func (f *Flags) inCheckout(tree worktree.Checkout, rel string, records *record.Loaded, names []string) (from appSource, found bool, err error) {
	all := appSources(records)
	here, known := appSource{repo: tree.Top, dir: rel}, false
	switch {
	case f.changed("path"):
		here.dir = cleanPath(f.Path)
	case len(names) > 0:
		if from, known = all[names[0]]; known {
			here.dir = from.dir
		} else if listed, err := lists(tree, rel, names); err != nil || !listed {
			return appSource{}, false, err
		}
	}
	foreign := false // only other repositories have what was asked for
	isHere := map[appSource]bool{}
	for name, s := range all {
		if _, asked := isHere[s]; !asked {
			isHere[s] = tree.Of(s.repo, s.commit)
		}
		mine := s.dir == here.dir && (len(names) == 0 || slices.Contains(names, name))
		asked := mine || len(names) == 0 && !f.changed("path") && !f.changed("name")
		switch {
		case !asked:
		case !isHere[s]:
			foreign = true
		case mine:
			return s, true, nil
		default:
			known = true
		}
	}
	return here, !foreign || known && len(names) == 0, nil
}

// Here is Resolve for a command that looks, not applies: where neither a repository nor a ref is named, the working tree we stand
// in is looked at if it is one of the repository that the apps come from. local tells whether it is.
func (f *Flags) Here(ctx context.Context, store *store.Store, names []string) (w Work, local bool, err error) {
	tree, rel, outside := worktree.Find(workingDirectory())
	if f.Repo != "" || f.Ref != "" || outside != nil {
		w, err = f.Resolve(ctx, store, names)
		return w, false, err
	}
	records, err := store.Load(ctx)
	if err != nil {
		return Work{}, true, err
	}
	from, found, err := f.inCheckout(tree, rel, records, names)
	switch {
	case err != nil:
		return Work{}, true, err
	case !found:
		w, err = f.resolve(ctx, store, records, names)
		return w, false, err
	}
	app, err := f.localApp(records, tree, from, names)
	return Work{reconcile.Target{App: app, Only: names}, Repository{git: git.Repo{URL: from.repo, Ref: from.ref}}, tree, records}, true, err
}

// localApp is the app in a directory of the working tree. What the flags leave open is taken over from its record, so that
// it is compared as it would be applied.
func (f *Flags) localApp(records *record.Loaded, tree worktree.Checkout, from appSource, names []string) (app.App, error) {
	f.Path = from.dir
	if listed, err := lists(tree, from.dir, nil); len(names) == 1 && !listed && err == nil {
		f.Name = names[0]
	}
	if f.Path == "." && f.Name == "" { // the root: the name is that of the repository
		if f.Name = app.NameOf(tree.Top); CheckName(f.Name) != nil {
			f.Name = "repository"
		}
	}
	app, err := f.App()
	if rec := records.Apps[app.Name]; rec != nil && rec.Inventory != nil {
		app.Namespace = cmp.Or(app.Namespace, rec.Target)
		app.AllowPlainSecrets = app.AllowPlainSecrets || rec.PlainSecrets
	}
	return app, err
}
