package target

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chartrepo"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/pins"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/sources"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/unpack"
)

func artifactOf(s render.NamedSource) chartrepo.Artifact {
	return chartrepo.Artifact{Address: s.OCI, Secret: s.Secret}
}

// resolveArtifact finds the tag that a ref means, and the digest of its manifest.
func (f *sourceFetcher) resolveArtifact(ctx context.Context, s render.NamedSource) (v sources.Version, err error) {
	v.Name = cmp.Or(s.Ref, "latest")
	if pins.IsRange(s.Ref) {
		tags, err := f.registries.Tags(ctx, artifactOf(s))
		if err != nil {
			return v, err
		}
		byVersion := map[string]string{}
		for _, tag := range tags {
			byVersion[strings.ReplaceAll(tag, "_", "+")] = tag // a tag has no plus
		}
		newest, err := sources.Newest(s.Ref, slices.Collect(maps.Keys(byVersion)))
		if err != nil {
			return v, err
		}
		v.Name = byVersion[newest]
	}
	v.Digest, err = f.registries.Digest(ctx, artifactOf(s), v.Name)
	return v, err
}

// openArtifact unpacks the layer of an artifact into a temporary directory.
func (f *sourceFetcher) openArtifact(ctx context.Context, s render.NamedSource, v sources.Version) (t sources.Tree, err error) {
	data, err := f.registries.Layer(ctx, artifactOf(s), v.Digest, s.Layer)
	if err != nil {
		return t, err
	}
	dir, err := os.MkdirTemp("", "gitops-")
	if err != nil {
		return t, fmt.Errorf("temporary directory: %w", err)
	}
	t.Close = func() {
		if t.Root != nil {
			_ = t.Root.Close()
		}
		_ = os.RemoveAll(dir)
	}
	if t.Root, err = os.OpenRoot(dir); err == nil {
		err = unpack.TarGzip(data, t.Root, unpack.Limits{})
	}
	if err != nil {
		t.Close()
		return sources.Tree{}, err
	}
	f.notices.Fetched(report.Event{Kind: report.Fetched, Text: "source " + sources.Label(s) + "  " + v.Digest})
	return t, nil
}
