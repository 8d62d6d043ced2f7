package chartrepo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chart"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/safetext"
)

// ContentLayer is the media type of the layer that is meant when an artifact has several and nobody names one: that of Flux.
const ContentLayer = "application/vnd.cncf.flux.content.v1.tar+gzip"

// Artifact is the address of artifacts in a registry, oci://HOST/PATH, and the name of the Secret with credentials, "" for those of the instance.
type Artifact struct{ Address, Secret string }

// Tags returns all tags of an artifact.
func (f *Fetcher) Tags(ctx context.Context, a Artifact) (tags []string, err error) {
	err = f.registry(ctx, a, func(r ociRepository, at string) error {
		repo, err := name.NewRepository(at, r.names...)
		if err != nil {
			return errAddress
		}
		if tags, err = remote.List(repo, r.options...); err != nil {
			return r.explain(repo, err)
		}
		return nil
	})
	return tags, err
}

// Digest returns the digest of the manifest that a tag names.
func (f *Fetcher) Digest(ctx context.Context, a Artifact, tag string) (digest string, err error) {
	err = f.registry(ctx, a, func(r ociRepository, at string) error {
		ref, err := name.NewTag(at+":"+tag, r.names...)
		if err != nil {
			return hint.Errorf(fmt.Sprintf("%q is not a tag", safetext.Line(tag)), "write a tag, sha256: and a digest, or a range of versions such as 1.x")
		}
		found, err := remote.Get(ref, r.options...)
		if err != nil {
			return r.explain(ref, err)
		}
		digest = found.Digest.String()
		return nil
	})
	return digest, err
}

// Layer returns the layer of an artifact that has a media type. "" is the only layer, or else ContentLayer. What is in the cache is not asked
// for again. The library checks the layer against its digest.
func (f *Fetcher) Layer(ctx context.Context, a Artifact, digest, kind string) (data []byte, err error) {
	need := chart.Need{Repository: a.Address, Name: kind, Version: digest, Secret: a.Secret}
	if data := cache(f.Cache).get(need); data != nil && !f.Fresh {
		return data, nil
	}
	err = f.registry(ctx, a, func(r ociRepository, at string) error {
		ref, err := name.NewDigest(at+"@"+digest, r.names...)
		if err != nil {
			return hint.Errorf(fmt.Sprintf("%q is not a digest", safetext.Line(digest)), "it is sha256: and 64 characters of 0-9 and a-f")
		}
		image, err := remote.Image(ref, r.options...)
		if err != nil {
			return r.explain(ref, err)
		}
		layers, err := image.Layers()
		if err != nil {
			return r.explain(ref, err)
		}
		layer, err := chooseLayer(layers, kind)
		if err != nil {
			return err
		}
		data, err = r.read(ref, layer)
		return err
	})
	if err == nil {
		cache(f.Cache).keep(need, data)
	}
	return data, err
}

// chooseLayer returns the layer of a media type, see Fetcher.Layer.
func chooseLayer(layers []v1.Layer, kind string) (v1.Layer, error) {
	var kinds []string
	byKind := map[string]v1.Layer{}
	for _, l := range layers {
		is, err := l.MediaType()
		if err != nil {
			return nil, err
		}
		kinds = append(kinds, safetext.Line(string(is)))
		if byKind[string(is)] == nil {
			byKind[string(is)] = l
		}
	}
	switch {
	case len(layers) == 0:
		return nil, errors.New("the artifact has no layer")
	case kind == "" && len(layers) == 1:
		return layers[0], nil
	case kind == "" && byKind[ContentLayer] != nil:
		return byKind[ContentLayer], nil
	case kind == "":
		return nil, hint.Errorf(fmt.Sprintf("the artifact has %d layers", len(layers)), "name one with layer: %s", strings.Join(kinds[:min(len(kinds), 5)], ", "))
	case byKind[kind] == nil:
		return nil, hint.Errorf("the artifact has no layer of type "+kind, "it has %s", strings.Join(kinds[:min(len(kinds), 5)], ", "))
	}
	return byKind[kind], nil
}

// read returns the content of a layer as it is in the registry.
func (r ociRepository) read(ref fmt.Stringer, layer v1.Layer) ([]byte, error) {
	if size, err := layer.Size(); err != nil || size > maxArtifact {
		return nil, fmt.Errorf("the layer is larger than %d MiB", maxArtifact>>20)
	}
	content, err := layer.Compressed()
	if err != nil {
		return nil, r.explain(ref, err)
	}
	defer content.Close()
	data, err := io.ReadAll(io.LimitReader(content, maxArtifact+1))
	if err != nil {
		return nil, r.explain(ref, err)
	}
	return data, nil
}

var errAddress = hint.Errorf("the address of the artifact cannot be read", "it is oci://HOST/PATH, without tag and digest")

// registry asks the registry of an artifact, which is at HOST/PATH or at a mirror of it, within the limit of time.
func (f *Fetcher) registry(ctx context.Context, a Artifact, ask func(r ociRepository, at string) error) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	named, err := url.Parse(a.Address)
	if err != nil || named.Scheme != "oci" || named.Host == "" || named.User != nil {
		return errAddress
	}
	asked, err := f.route(ctx, strings.TrimRight(a.Address, "/"), a.Secret)
	if err != nil {
		return err
	}
	err = ask(f.repository(asked.in(ctx), asked), asked.At.Host+asked.At.Path)
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("took longer than %s", timeout)
	}
	if err != nil {
		return asked.Login.Hide(err)
	}
	return nil
}
