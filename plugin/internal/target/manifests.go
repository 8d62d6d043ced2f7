package target

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/near"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record/store"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source/git"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source/worktree"
)

// Manifests decides what to render: --repo, a directory of the working tree, or the last source of a named app. args are none, a
// directory or an app. connect is called when records are needed.
func (f *Flags) Manifests(ctx context.Context, args []string, connect func() (*store.Store, error)) (from source.Source, dir string, err error) {
	switch {
	case f.Repo != "":
		app, err := f.App()
		return f.Repository().Source(), app.Path, err
	case len(args) == 0:
		from, dir = f.directory(workingDirectory())
		return from, dir, nil
	case IsDirectory(args[0]):
		from, dir = f.directory(args[0])
		return from, dir, nil
	}
	if from, dir, err = f.listedHere(args[0]); from != nil || err != nil {
		return from, dir, err
	}
	return f.recordedManifests(ctx, args[0], connect)
}

// directory is a directory of the working tree, or of a ref of it; where there is no repository, the directory is all there is.
func (f *Flags) directory(dir string) (source.Source, string) {
	tree, rel, err := worktree.Find(dir)
	if err != nil {
		tree, rel = worktree.Checkout{Top: dir}, "."
	}
	if f.Path != "." {
		rel = f.Path
	}
	if f.Ref != "" { // of the checkout
		return Repository{git: git.Repo{URL: tree.Top, Ref: f.Ref}}.Source(), rel
	}
	return tree, rel
}

// recordedManifests are those of an app of the instance, from the working tree if it is one of the app's repository.
func (f *Flags) recordedManifests(ctx context.Context, app string, connect func() (*store.Store, error)) (source.Source, string, error) {
	if CheckName(app) != nil {
		return nil, "", neither(app, nil)
	}
	store, err := connect()
	if err != nil {
		return nil, "", neither(app, err)
	}
	tree, _, outside := worktree.Find(workingDirectory())
	inCheckout := outside == nil && f.Ref == ""
	records, err := store.Load(ctx)
	switch {
	case err != nil && inCheckout:
		return nil, "", err
	case err != nil:
		return nil, "", noDirectory(app, err)
	}
	var here source.Source
	if from, known := appSources(records)[app]; inCheckout && known && tree.Of(from.repo, from.commit) {
		here = tree
	}
	names := []string{app}
	list, err := f.listOf(records, store.Namespace, names)
	if err != nil {
		return nil, "", noDirectory(app, err)
	}
	if list != nil {
		f.Repo, f.Ref = list.Repo, cmp.Or(f.Ref, list.Ref)
		return cmp.Or(here, f.Repository().Source()), list.Path, nil
	}
	described, repo, err := f.single(ctx, store, records, names)
	if err != nil {
		return nil, "", noDirectory(app, err)
	}
	f.AllowPlainSecrets = described.AllowPlainSecrets
	return cmp.Or(here, repo.Source()), described.Path, nil
}

// listedHere returns the working tree when a gitops.yaml in it, where we stand or where --path says, lists the app;
// otherwise nil.
func (f *Flags) listedHere(app string) (source.Source, string, error) {
	tree, rel, err := worktree.Find(workingDirectory())
	if err != nil || f.Ref != "" {
		return nil, "", nil //nolint:nilerr // we stand in no checkout
	}
	if f.Path != "." {
		rel = f.Path
	}
	listed, err := lists(tree, rel, []string{app})
	if err != nil || !listed {
		return nil, "", err
	}
	return tree, rel, nil
}

// neither says that an argument of render is no directory; why tells what is known of an app of that name.
func neither(arg string, why error) error {
	info, err := os.Stat(arg)
	switch {
	case err == nil && !info.IsDir():
		return hint.With(fmt.Errorf("%s is a file, not a directory", arg), "name the directory it is in: %s", filepath.Dir(arg))
	case CheckName(arg) != nil: // it cannot be an app
		return nearDirectory(fmt.Errorf("there is no directory %s", arg), arg)
	}
	err = fmt.Errorf("there is neither a directory nor an app called %s", arg)
	if why != nil {
		err = fmt.Errorf("%w (apps of a cluster: %w)", err, why)
	}
	return nearDirectory(err, arg)
}

// noDirectory adds to the error about an app that there is no directory of its name either.
func noDirectory(arg string, err error) error {
	return nearDirectory(fmt.Errorf("there is no directory %s, and %w", arg, err), arg)
}

// nearDirectory adds which directory may have been meant.
func nearDirectory(err error, arg string) error {
	parent := filepath.Dir(filepath.Clean(arg))
	entries, readErr := os.ReadDir(parent)
	if readErr != nil {
		return hint.With(err, "%s is no directory either", parent)
	}
	var there []string
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			there = append(there, e.Name())
		}
	}
	if text := near.DidYouMean(filepath.Base(arg), there); text != "" {
		return hint.With(err, "%s", strings.Replace(text, "one of:", "directories there:", 1))
	}
	return hint.With(err, "name a directory, or an app that a gitops.yaml lists")
}
