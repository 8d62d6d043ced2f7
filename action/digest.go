package action

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	registry "github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/bumper"
)

// resolveDigests asks each image's registry what its tag points to and pins that digest. It fails when a
// tag does not exist, or points elsewhere than a digest that was asked for. Credentials are those of
// docker login.
func resolveDigests(ctx context.Context, images []bumper.Image) ([]bumper.Image, error) {
	out := make([]bumper.Image, len(images))
	var errs []error
	for i, img := range images {
		digest, err := resolveDigest(ctx, img)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if img.Digest != "" && img.Digest != digest {
			errs = append(errs, fmt.Errorf("image %s: the tag points to %s", img, digest))
			continue
		}
		out[i] = img
		out[i].Digest = digest
	}
	if len(errs) > 0 {
		return nil, hint.With(errors.Join(errs...), "nothing was changed; push the image first, and log in to its registry (docker/login-action) when it is private")
	}
	return out, nil
}

func resolveDigest(ctx context.Context, img bumper.Image) (string, error) {
	ref, err := reference(img)
	if err != nil {
		return "", err
	}
	opts := registryOptions(ctx, ref)
	desc, err := remote.Head(ref, opts...)
	if err != nil { // some registries answer HEAD badly
		full, getErr := remote.Get(ref, opts...)
		if getErr != nil {
			return "", registryError(img, getErr)
		}
		return full.Digest.String(), nil
	}
	return desc.Digest.String(), nil
}

// registryOptions are how registries are asked. One that is asked over https gets credentials over https only.
func registryOptions(ctx context.Context, ref name.Reference) []remote.Option {
	opts := []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain), remote.WithUserAgent("gitops-action")}
	if ref.Context().Scheme() == "https" {
		opts = append(opts, remote.WithTransport(tlsOnly{remote.DefaultTransport}))
	}
	return opts
}

// reference is the image by its tag, or by its digest when it has no tag.
func reference(img bumper.Image) (name.Reference, error) {
	full := img.Normalised()
	if img.Tag != "" {
		full += ":" + img.Tag
	} else {
		full += "@" + img.Digest
	}
	ref, err := name.ParseReference(full)
	if err != nil {
		return nil, fmt.Errorf("image %s: %w", img, err)
	}
	return ref, nil
}

func registryError(img bumper.Image, err error) error {
	var answer *registry.Error
	if !errors.As(err, &answer) {
		return fmt.Errorf("image %s: ask the registry: %w", img, withoutURL(err))
	}
	switch answer.StatusCode {
	case http.StatusNotFound:
		return fmt.Errorf("image %s: the registry has no such tag", img)
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("image %s: the registry refuses to show it (%d)", img, answer.StatusCode)
	}
	return fmt.Errorf("image %s: the registry answered %d", img, answer.StatusCode)
}

// imageLabels are the OCI labels that say what an image was built from.
type imageLabels struct {
	source   string // web address of the repository
	revision string // commit
}

// maxLabels bounds how many images are asked for their labels, and maxLabelWait for how long.
const (
	maxLabels    = 20
	maxLabelWait = 20 * time.Second
)

var revisionRE = regexp.MustCompile(`^[0-9a-f]{7,64}$`)

// labels asks the registries what the images before and after the edits were built from, when the input says so. What
// cannot be read is left out: links are a convenience.
func (r *run) labels(ctx context.Context, edits []bumper.Edit) map[bumper.Image]imageLabels {
	out := map[bumper.Image]imageLabels{}
	if !r.in.ImageLabels {
		return out
	}
	ctx, cancel := context.WithTimeout(ctx, maxLabelWait)
	defer cancel()
	for _, e := range edits {
		for _, img := range []bumper.Image{e.Before, e.After} {
			if _, done := out[img]; done || e.Image == "" || len(out) >= maxLabels {
				continue
			}
			found, err := readLabels(ctx, img)
			if err != nil {
				r.rep.log("note: " + err.Error())
			}
			out[img] = found
		}
	}
	return out
}

func readLabels(ctx context.Context, img bumper.Image) (imageLabels, error) {
	ref, err := reference(img)
	if err != nil {
		return imageLabels{}, err
	}
	remoteImage, err := remote.Image(ref, registryOptions(ctx, ref)...)
	if err != nil {
		return imageLabels{}, registryError(img, err)
	}
	config, err := remoteImage.ConfigFile()
	if err != nil {
		return imageLabels{}, registryError(img, err)
	}
	out := imageLabels{source: config.Config.Labels["org.opencontainers.image.source"], revision: config.Config.Labels["org.opencontainers.image.revision"]}
	out.source = strings.TrimSuffix(strings.TrimSuffix(out.source, "/"), ".git")
	if !sourceRE.MatchString(out.source) { // it comes from outside and becomes a link
		out.source = ""
	}
	if !revisionRE.MatchString(out.revision) {
		out.revision = ""
	}
	return out, nil
}
