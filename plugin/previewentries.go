package plugin

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/apps/gitopsyaml"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/apps/rendering"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/entries"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/preview"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/target"
)

// rendersAtOnce is how many apps are rendered side by side: each takes a process and its memory.
const rendersAtOnce = 2

// comparison renders the apps of two states of a repository.
type comparison struct {
	render     target.RenderFunc
	base, head target.State
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
	app := app.App{Name: e.Name(), Path: e.Dir, Budget: app.DefaultBudget, AllowPlainSecrets: flags.AllowPlainSecrets}
	if e.Dir == flags.Path {
		app.Name, app.Namespace = flags.Name, flags.Namespace
	}
	app.Helm.Release = strings.Trim(target.AppName(e.Dir), "-")
	if e.Values != "" {
		app.Name, app.Helm.Values = e.Name(), []string{e.Values}
	}
	pair := appPair{base: &app, head: &app, guess: true}
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

// run renders both sides of every pair.
func (c *comparison) run(ctx context.Context) ([]preview.App, error) {
	apps := make([]preview.App, len(c.pairs))
	err := inParallel(ctx, rendersAtOnce, len(c.pairs), func(i int) {
		p := c.pairs[i]
		h, read := c.renderSide(ctx, c.head.Root, p, p.head, false)
		b := h
		if !c.same(p, h, read) {
			b, _ = c.renderSide(ctx, c.base.Root, p, p.base, true)
		}
		if p.guess && b.Err != nil && h.Err != nil {
			apps[i] = preview.App{Name: h.Name, Path: h.Path, Change: preview.Unchanged}
			if slices.ContainsFunc(c.changed, coveredBy([]string{h.Path})) {
				apps[i].Note = "it cannot be rendered, neither before nor after the change: " + h.Err.Error()
			}
			return
		}
		apps[i] = preview.CompareApp(b, h, hint.Of(h.Err))
		if p.gone != "" && apps[i].Change == preview.Removed {
			apps[i].Leave(p.gone)
		}
	})
	return slices.Concat(c.failed, apps), err
}

// same tells whether the base renders to what the head does: nothing changed that the head was rendered from. What Git
// ignores in a working tree is not among the changes, so nothing is concluded there.
func (c *comparison) same(p appPair, head preview.Rendering, read []string) bool {
	if head.Err != nil || !head.Present || len(read) == 0 || c.base.Ignored != nil || c.head.Ignored != nil || p.base == nil {
		return false
	}
	if !reflect.DeepEqual(*p.base, *p.head) {
		return false
	}
	covers := coveredBy(read)
	return !slices.ContainsFunc(c.changed, covers)
}

// renderSide renders an app of one side, and returns what it read, nothing where that is not known. Plain Secrets of the base
// are accepted: it is being left.
func (c *comparison) renderSide(ctx context.Context, root *os.Root, p appPair, app *app.App, isBase bool) (r preview.Rendering, read []string) {
	if app == nil {
		return r, nil
	}
	r = preview.Rendering{Name: app.Name, Path: app.Path, Entry: p.entry, List: p.list, Namespace: app.Namespace, KeepAll: app.KeepRemoved, Settings: settingsOf(*app)}
	if r.Present = hasDirectory(root, app.Path); r.Present && len(app.Helm.Values) > 0 && p.guess {
		_, err := root.Stat(path.Join(app.Path, app.Helm.Values[0]))
		r.Present = err == nil
	}
	if !r.Present {
		return r, nil
	}
	options := rendering.Options(*app)
	options.AllowPlainSecrets = app.AllowPlainSecrets || isBase
	options.Inputs = func(paths []string) { read = paths }
	options.ListFiles, options.Files = true, c.note
	r.Objects, r.Err = c.render(ctx, root, app.Path, options)
	if errors.Is(r.Err, render.ErrEmpty) && isBase {
		r.Err = nil
	}
	if r.Err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.unknown = append(c.unknown, app.Path)
	}
	return r, read
}

// settingsOf is what gitops.yaml says of an app, by the names that it has there.
func settingsOf(app app.App) map[string]any {
	raw, err := json.Marshal(app)
	all := map[string]any{}
	if err != nil || json.Unmarshal(raw, &all) != nil {
		return nil
	}
	all["KeepRemoved"], all["Timeout"] = !app.KeepRemoved, app.Timeout.String() // as gitops.yaml has them
	names := map[string]string{"KeepRemoved": "prune", "Budget": "deletionBudget"}
	out := map[string]any{}
	for name, value := range all {
		if name != "Name" {
			out[cmp.Or(names[name], strings.ToLower(name[:1])+name[1:])] = value
		}
	}
	return out
}

// note remembers files that a render has read.
func (c *comparison) note(names []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range names {
		c.opened[name] = true
	}
}

// notRendered lists the files that changed and that no render read, sorted: those in the directories that were asked for,
// and those outside of them. A file gitops.yaml is among them unless apps are listed that it changes.
func (c *comparison) notRendered(apps []preview.App) (inside, outside []string) {
	lists := map[string]bool{}
	for _, a := range apps {
		if a.List != "" && (len(a.Settings) > 0 || a.Change == preview.Added || a.Change == preview.Removed || a.Change == preview.Failed) {
			lists[a.List] = true
		}
	}
	unknown, asked := coveredBy(c.unknown), coveredBy(c.paths)
	for _, name := range c.changed {
		switch {
		case c.opened[name] || lists[name] || unknown(name):
		case len(c.paths) == 0 || asked(name):
			inside = append(inside, name)
		default:
			outside = append(outside, name)
		}
	}
	return inside, outside
}

// inParallel calls work for 0 to n-1, at most limit at a time, and stops early when ctx ends.
func inParallel(ctx context.Context, limit, n int, work func(int)) error {
	var wg sync.WaitGroup
	var next atomic.Int64
	for range min(limit, n) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				work(i)
			}
		})
	}
	wg.Wait()
	return ctx.Err()
}
