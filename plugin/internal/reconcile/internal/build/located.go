package build

import (
	"context"
	"encoding/json"
	"path"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/apps/rendering"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
)

// located returns the app with the lines that its parts have in the gitops.yaml of a checkout. An app that was taken from its record
// has none: the record does not hold lines, so that an app does not change with those above it. A part of which the file says
// something else stays as it is.
func (b *Builder) located(ctx context.Context, tree *source.Tree) app.App {
	a := b.App
	if b.Record.Inventory == nil {
		return a
	}
	list := b.Record.List
	if b.Renders.Apps == nil || list == "" || tree.Fetch(ctx, path.Join(list, "gitops.yaml"), path.Join(list, "gitops.yml")) != nil {
		return a
	}
	apps, _, err := b.Renders.Apps(tree.Root, list)
	i := slices.IndexFunc(apps, func(other app.App) bool { return other.Name == a.Name })
	if err != nil || i < 0 {
		return a
	}
	now := apps[i]
	if equal(a.Kustomize, now.Kustomize) {
		a.Kustomize = now.Kustomize
	}
	if equal(a.Source, now.Source) {
		a.Source = now.Source
	}
	if equal(a.Sources, now.Sources) {
		a.Sources = now.Sources
	}
	if equal(a.Chart, now.Chart) {
		a.Chart = now.Chart
	}
	if equal(a.Helm.Inline, now.Helm.Inline) {
		a.Helm.Inline = now.Helm.Inline
	}
	return a
}

// withLines returns options of a render of the app with the lines of its parts, which those of an app from its record lack.
func (b *Builder) withLines(ctx context.Context, tree *source.Tree, o render.Options) render.Options {
	if lacksLines(b.App) {
		addLines(&o, b.located(ctx, tree))
	}
	return o
}

// addLines gives the options of a render the lines of an app.
func addLines(o *render.Options, a app.App) {
	with := rendering.Options(a)
	o.Overlay = with.Overlay
	if o.Chart != nil && with.Chart != nil {
		named := *o.Chart
		named.Origin, o.Chart = with.Chart.Origin, &named
	}
	if o.Source != nil && with.Source != nil {
		o.Source = with.Source
	}
	if len(o.Parts) == len(with.Parts) {
		o.Parts = partsWithLines(o.Parts, with.Parts)
	}
	if o.Helm != nil && with.Helm.Inline != nil {
		helm := *o.Helm
		helm.Inline, o.Helm = with.Helm.Inline, &helm
	}
}

// partsWithLines returns parts with the lines of others.
func partsWithLines(parts, with []render.Part) []render.Part {
	out := slices.Clone(parts)
	for i, p := range with {
		out[i].Origin, out[i].Source, out[i].Chart = p.Origin, p.Source, p.Chart
		if p.Helm.Inline != nil {
			helm := *out[i].Helm
			helm.Inline, out[i].Helm = p.Helm.Inline, &helm
		}
	}
	return out
}

// lacksLines reports whether a part of an app has a line that is not known.
func lacksLines(a app.App) bool {
	var nowhere manifest.Origin
	if a.Source != nil && a.Source.Origin == nowhere || slices.ContainsFunc(a.Sources, func(p app.Part) bool { return p.Origin == nowhere }) {
		return true
	}
	return a.Kustomize != nil && a.Kustomize.Origins == nil || a.Chart != nil && a.Chart.Origin == nowhere || a.Helm.Inline != nil && a.Helm.Inline.Origin == nowhere
}

// equal compares parts of apps without their lines.
func equal(a, b any) bool {
	was, errA := json.Marshal(a)
	is, errB := json.Marshal(b)
	return errA == nil && errB == nil && string(was) == string(is)
}
