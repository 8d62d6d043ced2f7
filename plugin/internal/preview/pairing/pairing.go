// Package pairing finds out what a preview compares with what in two states of a config repository: the apps of every gitops.yaml
// by name, or else whatever is rendered by itself. It renders both sides, and finds changed files that nothing is rendered from.
//
// It does NOT say what differs between two renderings, and words nothing: package preview does. It asks no cluster and no Git.
package pairing

import (
	"context"
	"os"
	"path"
	"slices"
	"sync"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/apps/gitopsyaml"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/entries"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/preview"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
)

// State is the files of one state of a repository.
type State struct {
	Root    *os.Root
	Ignored func(name string, isDir bool) bool // not part of the state, although it is there; may be nil
}

// Renderer renders a directory below root.
type Renderer = func(ctx context.Context, root *os.Root, dir string, o render.Options) ([]manifest.Object, error)

// Input is what is compared.
type Input struct {
	Base, Head State
	Render     Renderer
	// Apps are the directories that are compared, each as the app that flags describe there. Their settings count only in a
	// directory without a gitops.yaml.
	Apps  []app.App
	Exact bool // somebody asked for these directories: what a run with --path would read is compared
}

// Result is what came of a comparison. NotRendered are changed files, sorted, that no app is rendered from and that lie in the
// directories of Input.Apps; Outside are such files elsewhere.
type Result struct {
	Apps                 []preview.App
	NotRendered, Outside []string
}

// Compare pairs the apps of both states, renders them, and compares them. It fails when the files of a state cannot be read,
// when neither state has one of the directories, and when ctx ends. An app or a gitops.yaml of the head that is wrong is part of
// the result.
func Compare(ctx context.Context, in Input) (Result, error) {
	c := &comparison{render: in.Render, base: in.Base, head: in.Head, opened: map[string]bool{}}
	for _, app := range in.Apps {
		if !hasDirectory(c.base.Root, app.Path) && !hasDirectory(c.head.Root, app.Path) {
			_, err := render.Dir(ctx, c.head.Root, app.Path, render.Options{}) // it says what is there instead
			return Result{}, err
		}
		if app.Path != "." {
			c.paths = append(c.paths, app.Path)
		}
		if err := c.find(app, in.Exact, len(in.Apps) > 1); err != nil {
			return Result{}, err
		}
	}
	if len(c.paths) < len(in.Apps) {
		c.paths = nil // one of them is the whole repository
	}
	var err error
	if c.changed, err = changedFiles(ctx, c.base, c.head); err != nil {
		return Result{}, err
	}
	apps, err := c.run(ctx)
	if err != nil {
		return Result{}, err
	}
	inside, outside := c.notRendered(apps)
	return Result{apps, inside, outside}, nil
}

// comparison renders the apps of two states of a repository.
type comparison struct {
	render     Renderer
	base, head State
	paths      []string // directories that were asked for; none is the whole repository
	pairs      []appPair
	failed     []preview.App // files gitops.yaml of the head that cannot be used
	changed    []string      // files

	mu      sync.Mutex
	opened  map[string]bool // files that the renders read
	unknown []string        // directories of apps that do not render: what they would have read is not known
}

// appPair is one app as each side describes it; nil where it has none.
type appPair struct {
	entry      string // directory of its gitops.yaml, where there are several
	list       string // its gitops.yaml, "" where flags describe it
	base, head *app.App
	guess      bool   // nobody says that it is deployed: failing is no news if it failed before
	gone       string // why a run refuses what the removal of the app looks like
}

// find lists what is compared in the directory of app: the apps of every gitops.yaml there and below, or else whatever is
// rendered by itself. exact means that the directory was asked for: a run with that --path is previewed. With several such
// directories, their apps are told apart by the directory of their gitops.yaml.
func (c *comparison) find(app app.App, exact, several bool) error {
	before, err := entries.Find(c.base.Root.FS(), app.Path)
	if err != nil {
		return err
	}
	after, err := entries.Find(c.head.Root.FS(), app.Path)
	if err != nil {
		return err
	}
	found := entries.Both(before, after)
	if exact {
		found = c.asked(found, app.Path)
	}
	if len(found) == 0 {
		c.pairs = []appPair{{base: &app, head: &app}}
		return nil
	}
	hadLists := slices.ContainsFunc(before, func(e entries.Entry) bool { return e.Kind == entries.List })
	for _, e := range found {
		if e.Kind != entries.List {
			c.guess(e, app)
			continue
		}
		name := e.Dir
		if len(found) == 1 && !several {
			name = ""
		}
		c.list(e.Dir, name, hadLists && !exact)
	}
	return nil
}

// asked confines entries to what a run with --path dir reads; none means the directory itself.
func (c *comparison) asked(found []entries.Entry, dir string) []entries.Entry {
	isList := func(e entries.Entry) bool { return e.Kind == entries.List }
	if i := slices.IndexFunc(found, func(e entries.Entry) bool { return e.Dir == dir && isList(e) }); i >= 0 {
		return found[i : i+1]
	}
	plain := !slices.ContainsFunc(found, func(e entries.Entry) bool { return e.Kind != entries.Plain })
	if plain || !slices.ContainsFunc(found, isList) && (renderable(c.base.Root, dir) || renderable(c.head.Root, dir)) {
		return nil
	}
	return found
}

// renderable tells whether a directory is a kustomization or a chart.
func renderable(root *os.Root, dir string) bool {
	for _, name := range []string{"kustomization.yaml", "kustomization.yml", "Kustomization", "Chart.yaml"} {
		if _, err := root.Stat(path.Join(dir, name)); err == nil {
			return true
		}
	}
	return false
}

// guess adds an entry of a repository without gitops.yaml. Flags are about one app, and about no other.
func (c *comparison) guess(e entries.Entry, flags app.App) {
	a := app.App{Name: e.Name(), Path: e.Dir, Budget: app.DefaultBudget, AllowPlainSecrets: flags.AllowPlainSecrets}
	if e.Dir == flags.Path {
		a.Name, a.Namespace = flags.Name, flags.Namespace
	}
	a.Helm.Release = app.NameOf(e.Dir)
	if e.Values != "" {
		a.Name, a.Helm.Values = e.Name(), []string{e.Values}
	}
	pair := appPair{base: &a, head: &a, guess: true}
	if !hasDirectory(c.head.Root, e.Dir) {
		pair.gone = "the directory is gone; a run that should read it fails, and deletes nothing"
	}
	c.pairs = append(c.pairs, pair)
}

// list pairs the apps that the gitops.yaml in a directory names on either side, by name, in the order of the head. A base
// without such a file is rendered as the head lists it, unless others were there: then the apps are new.
func (c *comparison) list(dir, entry string, known bool) {
	file := path.Join(dir, gitopsyaml.Name)
	after, listed, err := gitopsyaml.Load(c.head.Root, dir)
	if err != nil {
		failed := preview.Rendering{Name: gitopsyaml.Name, Path: file, Entry: entry, List: file, Err: err}
		c.failed = append(c.failed, preview.CompareApp(preview.Rendering{}, failed, hint.Of(err)))
		return
	}
	before, wasListed, err := gitopsyaml.Load(c.base.Root, dir)
	if err != nil {
		wasListed = false // the base's mistakes are being left behind
	}
	gone := ""
	switch {
	case !listed && known:
		gone = file + " is gone; a run fails without it, and deletes nothing"
	case !listed:
		after = before
	case !wasListed && (!known || err != nil):
		before = after
	}
	for i, h := range after {
		pair := appPair{entry: entry, list: file, head: &after[i]}
		if j := slices.IndexFunc(before, func(b app.App) bool { return b.Name == h.Name }); j >= 0 {
			pair.base = &before[j]
		}
		c.pairs = append(c.pairs, pair)
	}
	for i, b := range before {
		if !slices.ContainsFunc(after, func(h app.App) bool { return h.Name == b.Name }) {
			c.pairs = append(c.pairs, appPair{entry: entry, list: file, base: &before[i], gone: gone})
		}
	}
}
