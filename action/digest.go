package action

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	registry "github.com/google/go-containerregistry/pkg/v1/remote/transport"

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
		return nil, advise(errors.Join(errs...), "nothing was changed; push the image first, and log in to its registry (docker/login-action) when it is private")
	}
	return out, nil
}

func resolveDigest(ctx context.Context, img bumper.Image) (string, error) {
	full := img.Normalised()
	if img.Tag != "" {
		full += ":" + img.Tag
	} else {
		full += "@" + img.Digest
	}
	ref, err := name.ParseReference(full)
	if err != nil {
		return "", fmt.Errorf("image %s: %w", img, err)
	}
	opts := []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain), remote.WithUserAgent("gitops-action")}
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
