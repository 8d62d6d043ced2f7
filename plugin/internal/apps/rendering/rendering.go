// Package rendering says how an app is rendered.
//
// It is apart from package render, which knows directories and no apps, and from package app, which knows no renderer.
package rendering

import (
	"maps"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
)

// Options says how the app's directory is rendered without asking a cluster.
func Options(a app.App) render.Options {
	release := a.Helm.Release
	if release == "" {
		release = a.Name
	}
	var vars *render.Substitute
	if a.Substitute != nil {
		flux := a.Substitute.Dialect == app.DialectFlux
		vars = &render.Substitute{Vars: maps.Clone(a.Substitute.Vars), Dialect: a.Substitute.Dialect, Always: a.Substitute.Always, Unread: flux && len(a.Substitute.From) > 0}
	}
	o := render.Options{Keys: a.Keys(), AllowPlainSecrets: a.AllowPlainSecrets, Substitute: vars, Layout: a.Layout, MayHold: a.AllowSealedValues,
		Helm: &render.Helm{Release: release, Namespace: a.Namespace, Values: a.Helm.Values, Set: a.Helm.Set, CRDs: a.Helm.CRDs, Tests: a.Helm.Tests}}
	if in := a.Helm.Inline; in != nil {
		o.Helm.Inline = &render.Inline{YAML: in.YAML, Origin: in.Origin}
	}
	if c := a.Chart; c != nil {
		o.Chart = render.NameChart(c.Repo, c.Name, c.Version, c.Secret, c.Origin)
	}
	if a.Helm.Generated {
		o.Helm.Generated = render.GeneratedShow
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
