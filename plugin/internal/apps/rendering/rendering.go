// Package rendering says how an app is rendered.
//
// It is apart from package render, which knows directories and no apps, and from package app, which knows no renderer.
package rendering

import (
	"cmp"
	"maps"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
)

// Options says how the app's directory is rendered without asking a cluster.
func Options(a app.App) render.Options {
	var vars *render.Substitute
	if a.Substitute != nil {
		flux := a.Substitute.Dialect == app.DialectFlux
		vars = &render.Substitute{Vars: maps.Clone(a.Substitute.Vars), Dialect: a.Substitute.Dialect, Always: a.Substitute.Always, Unread: flux && len(a.Substitute.From) > 0}
	}
	o := render.Options{Keys: a.Keys(), AllowPlainSecrets: a.AllowPlainSecrets, Substitute: vars, Layout: a.Layout, MayHold: a.AllowSealedValues,
		Helm: helm(a, a.Helm)}
	o.Chart, o.Source = named(a.Chart), Source(a.Source)
	for _, p := range a.Sources {
		o.Parts = append(o.Parts, render.Part{As: p.As, Source: Source(p.Source), Path: p.Path, Chart: named(p.Chart), Helm: helm(a, p.Helm), Origin: p.Origin})
	}
	o.Overlay = overlay(a.Kustomize)
	return o
}

// overlay returns the overlay of an app, nil for an app without one.
func overlay(k *app.Kustomize) *render.Overlay {
	if k == nil {
		return nil
	}
	v := &render.Overlay{Namespace: k.Namespace, NamePrefix: k.NamePrefix, NameSuffix: k.NameSuffix, Components: k.Components,
		Labels: k.Labels, Annotations: k.Annotations, Origins: k.Origins}
	for _, i := range k.Images {
		v.Images = append(v.Images, render.OverlayImage(i))
	}
	for _, p := range k.Patches {
		v.Patches = append(v.Patches, render.OverlayPatch{Patch: p.Patch, Path: p.Path, Target: render.OverlayTarget(p.Target)})
	}
	for _, r := range k.Replicas {
		v.Replicas = append(v.Replicas, render.OverlayReplicas(r))
	}
	return v
}

// helm returns the settings of a chart of the app.
func helm(a app.App, h app.Helm) *render.Helm {
	out := &render.Helm{Release: cmp.Or(h.Release, a.Name), Namespace: a.Namespace, Values: h.Values, Set: h.Set, CRDs: h.CRDs, Tests: h.Tests}
	if h.Generated {
		out.Generated = render.GeneratedShow
	}
	if in := h.Inline; in != nil {
		out.Inline = &render.Inline{YAML: in.YAML, Origin: in.Origin}
	}
	return out
}

func named(c *app.Chart) *render.NamedChart {
	if c == nil {
		return nil
	}
	return render.NameChart(c.Repo, c.Name, c.Version, c.Secret, c.Origin)
}

// Source returns a source of an app as options of package render, nil for none.
func Source(s *app.Source) *render.NamedSource {
	if s == nil {
		return nil
	}
	at := s.Origin
	at.File = cmp.Or(at.File, "gitops.yaml") // the settings of a record do not say where they are written
	return &render.NamedSource{Git: s.Git, OCI: s.OCI, Ref: s.Ref, Layer: s.Layer, Secret: s.Secret, Origin: at}
}
