// Package registry asks container registries, with the credentials of docker login, what a tag points to and what an image was
// built from. It pushes nothing and pulls no layers.
package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/bumper"
)

// ResolveDigests asks the registry of each image what its tag points to, and returns the images with that digest. It fails when
// a tag does not exist, or points to another digest than the image asks for.
func ResolveDigests(ctx context.Context, images []bumper.Image) ([]bumper.Image, error) {
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
	var answer *transport.Error
	var asked *url.Error
	switch {
	case errors.As(err, &answer):
	case errors.As(err, &asked): // its address can hold a token
		return fmt.Errorf("image %s: ask the registry: %w", img, asked.Err)
	default:
		return fmt.Errorf("image %s: ask the registry: %w", img, err)
	}
	switch answer.StatusCode {
	case http.StatusNotFound:
		return fmt.Errorf("image %s: the registry has no such tag", img)
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("image %s: the registry refuses to show it (%d)", img, answer.StatusCode)
	}
	return fmt.Errorf("image %s: the registry answered %d", img, answer.StatusCode)
}

// Labels are the OCI labels that say what an image was built from. They are what the image says: check them before use.
type Labels struct {
	Source   string // address of the repository
	Revision string // commit
}

var revisionRE = regexp.MustCompile(`^[0-9a-f]{7,64}$`)

// LabelsOf asks the registry of an image for its labels. A revision that is not the name of a commit is left out.
func LabelsOf(ctx context.Context, img bumper.Image) (Labels, error) {
	ref, err := reference(img)
	if err != nil {
		return Labels{}, err
	}
	remoteImage, err := remote.Image(ref, registryOptions(ctx, ref)...)
	if err != nil {
		return Labels{}, registryError(img, err)
	}
	config, err := remoteImage.ConfigFile()
	if err != nil {
		return Labels{}, registryError(img, err)
	}
	out := Labels{Source: config.Config.Labels["org.opencontainers.image.source"], Revision: config.Config.Labels["org.opencontainers.image.revision"]}
	out.Source = strings.TrimSuffix(strings.TrimSuffix(out.Source, "/"), ".git")
	if !revisionRE.MatchString(out.Revision) {
		out.Revision = ""
	}
	return out, nil
}

// tlsOnly lets no credential leave by plain http, whatever a registry answers: it may redirect, and name the server that
// hands out tokens.
type tlsOnly struct{ base http.RoundTripper }

var errPlain = errors.New("credentials are not sent over plain http")

func (t tlsOnly) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme != "https" && (req.Header.Get("Authorization") != "" || req.Method != http.MethodGet && req.Method != http.MethodHead) {
		return nil, fmt.Errorf("%s: %w", req.URL.Host, errPlain)
	}
	return t.base.RoundTrip(req)
}
