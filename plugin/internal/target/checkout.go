package plugin

import (
	"context"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/apps/gitopsyaml"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record/store"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
)

// appSource is where an app of the instance comes from. dir is the directory of its gitops.yaml, or of the app itself.
type appSource struct {
	repo, ref, dir, commit string
}

// in tells whether a checkout is one of the repository.
func (s appSource) in(tree checkout) bool { return source.CheckoutOf(tree.top, s.repo, s.commit) }

// appSources returns where the apps of the instance come from, by name.
func appSources(ctx context.Context, store *store.Store) (map[string]appSource, error) {
	records, err := store.Peek(ctx)
	if err != nil {
		return nil, err
	}
	all := map[string]appSource{}
	for name, rec := range records {
		switch from := rec.Source; {
		case rec.Inventory == nil || from.Repo == "":
		case rec.List != "":
			all[name] = appSource{from.Repo, from.Ref, rec.List, rec.Revision.Commit}
		default:
			all[name] = appSource{from.Repo, from.Ref, from.Path, rec.Revision.Commit}
		}
	}
	for _, l := range store.AppLists() {
		for _, name := range l.Apps {
			all[name] = appSource{l.Source.Repo, l.Source.Ref, l.Source.Path, l.Revision.Commit}
		}
	}
	return all, nil
}

// lists tells whether the gitops.yaml in a directory of the working tree names all of apps. One that cannot be read is
// an error where it is the one that was meant.
func (c checkout) lists(dir string, apps []string) (bool, error) {
	root, err := os.OpenRoot(c.top)
	if err != nil {
		return false, err
	}
	defer root.Close()
	listed, found, err := gitopsyaml.Load(root, dir)
	if err != nil || !found {
		return false, err
	}
	for _, name := range apps {
		if !slices.ContainsFunc(listed, func(a reconcile.App) bool { return a.Name == name }) {
			return false, nil
		}
	}
	return true, nil
}

// workingTree finds the directory of the checkout we stand in that diff compares: the one that the named apps, or those
// of --path, come from. found is false where the checkout is not one of their repository. Without names and --path it
// is the current directory, unless the instance has apps and none of them comes from this repository.
func (f *sourceFlags) workingTree(ctx context.Context, cmd *cobra.Command, store *store.Store, names []string) (tree checkout, from appSource, found bool, err error) {
	tree, rel, err := openCheckout(workingDirectory())
	if err != nil {
		return checkout{}, appSource{}, false, nil //nolint:nilerr // we stand in none
	}
	all, err := appSources(ctx, store)
	if err != nil {
		return checkout{}, appSource{}, false, err
	}
	here, known := appSource{repo: tree.top, dir: rel}, false
	switch {
	case cmd.Flags().Changed("path"):
		here.dir = cleanPath(f.path)
	case len(names) > 0:
		if from, known = all[names[0]]; known {
			here.dir = from.dir
		} else if listed, err := tree.lists(rel, names); err != nil || !listed {
			return checkout{}, appSource{}, false, err
		}
	}
	foreign := false // only other repositories have what was asked for
	isHere := map[appSource]bool{}
	for name, s := range all {
		if _, asked := isHere[s]; !asked {
			isHere[s] = s.in(tree)
		}
		mine := s.dir == here.dir && (len(names) == 0 || slices.Contains(names, name))
		asked := mine || len(names) == 0 && !cmd.Flags().Changed("path") && !cmd.Flags().Changed("name")
		switch {
		case !asked:
		case !isHere[s]:
			foreign = true
		case mine:
			return tree, s, true, nil
		default:
			known = true
		}
	}
	return tree, here, !foreign || known && len(names) == 0, nil
}
