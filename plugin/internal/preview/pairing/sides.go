package pairing

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

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/apps/rendering"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/concurrent"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/preview"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
)

// rendersAtOnce is how many apps are rendered side by side: each takes a process and its memory.
const rendersAtOnce = 2

// run renders both sides of every pair.
func (c *comparison) run(ctx context.Context) ([]preview.App, error) {
	apps := make([]preview.App, len(c.pairs))
	concurrent.Each(ctx, len(c.pairs), rendersAtOnce, func(i int) {
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
		if p.head != nil && apps[i].Note == "" && apps[i].Change != preview.Unchanged {
			if names := p.head.Helm.NamesInCluster(); len(names) > 0 {
				apps[i].Note = "values of " + strings.Join(names, ", ") + " are in the cluster only: it is compared without them"
			}
		}
		if p.gone != "" && apps[i].Change == preview.Removed {
			apps[i].Leave(p.gone)
		}
	})
	return slices.Concat(c.failed, apps), ctx.Err()
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
	r = preview.Rendering{Name: app.Name, Path: app.Path, Entry: p.entry, List: p.list, Namespace: app.Namespace, Settings: settingsOf(*app),
		KeepAll: app.KeepRemoved || app.KeepOnRemoval && p.head == nil, Recreate: app.Recreate, Withheld: plan.Withheld(*app)}
	if r.Present = app.Path == "" || app.Source != nil || hasDirectory(root, app.Path); r.Present && len(app.Helm.Values) > 0 && p.guess {
		_, err := root.Stat(path.Join(app.Path, app.Helm.Values[0]))
		r.Present = err == nil
	}
	if !r.Present {
		return r, nil
	}
	options := rendering.Options(*app)
	options.AllowPlainSecrets = app.AllowPlainSecrets || isBase || len(app.Helm.NamesInCluster()) > 0
	options.Inputs = func(paths []string) { read = paths }
	options.ListFiles, options.Files = true, c.note
	r.Objects, r.Err = c.render(ctx, root, app.Path, options)
	if errors.Is(r.Err, render.ErrEmpty) && isBase {
		r.Err = nil
	}
	if r.Err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.unknown = append(c.unknown, app.Directories()...)
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
	for _, s := range []struct {
		name, value string
		is          bool
	}{{"Manual", "manual", app.Manual}, {"ReportDrift", "report", app.ReportDrift}, {"KeepOnRemoval", "keep", app.KeepOnRemoval}} {
		if s.is {
			all[s.name] = s.value
		}
	}
	if app.Wait != nil && len(app.Wait.Objects) == 0 {
		all["Wait"] = false
	}
	names := map[string]string{"KeepRemoved": "prune", "Budget": "deletionBudget", "Manual": "sync", "ReportDrift": "drift", "KeepOnRemoval": "onRemoval"}
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
