package chartrepo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chart"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// chartLayer is the media type of the archive in a manifest.
const chartLayer = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"

// fromRegistry fetches from an OCI registry: the chart is the tag VERSION of the repository PATH/NAME. The library
// checks the archive against the digest in the manifest.
func (f *Fetcher) fromRegistry(ctx context.Context, at *url.URL, n chart.Need) ([]byte, error) {
	repository := at.Host + strings.TrimSuffix(at.Path, "/") + "/" + n.Name
	tag := strings.ReplaceAll(n.Version, "+", "_") // a tag has no plus
	ref, err := name.NewTag(repository + ":" + tag)
	if err != nil {
		return nil, errors.New("the address of the registry cannot be read")
	}
	image, err := remote.Image(ref, remote.WithContext(ctx), remote.WithAuth(authn.Anonymous), remote.WithTransport(f))
	if err != nil {
		return nil, explain(ref, err)
	}
	layers, err := image.Layers()
	if err != nil {
		return nil, explain(ref, err)
	}
	for _, layer := range layers {
		if kind, err := layer.MediaType(); err != nil || string(kind) != chartLayer {
			continue
		}
		if size, err := layer.Size(); err != nil || size > maxArchive {
			return nil, fmt.Errorf("%s is larger than %d MiB", ref, maxArchive>>20)
		}
		content, err := layer.Compressed()
		if err != nil {
			return nil, explain(ref, err)
		}
		defer content.Close()
		data, err := io.ReadAll(io.LimitReader(content, maxArchive+1))
		if err != nil {
			return nil, explain(ref, err)
		}
		return data, nil
	}
	return nil, hint.With(fmt.Errorf("%s is not a Helm chart", ref), "the address of the repository ends before the name of the chart")
}

func explain(ref name.Reference, err error) error {
	var answer *transport.Error
	if errors.As(err, &answer) {
		err = fmt.Errorf("%s: the registry answers %d", ref, answer.StatusCode)
		if answer.StatusCode == 401 || answer.StatusCode == 403 || answer.StatusCode == 404 {
			err = hint.With(err, "charts are fetched without credentials; check name and version, or commit the archive in charts/")
		}
		return err
	}
	return fmt.Errorf("%s: %w", ref, err)
}
