package chartrepo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/access"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chart"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/safetext"
)

// chartLayer is the media type of the archive in a manifest.
const chartLayer = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"

// fromRegistry fetches from an OCI registry: the chart is the tag VERSION of the repository PATH/NAME. Of a range it takes the newest
// version that is a tag. The library checks the archive against the digest in the manifest.
func (f *Fetcher) fromRegistry(ctx context.Context, asked asking, n chart.Need) (archive []byte, version string, err error) {
	r := f.repository(ctx, asked)
	repository := asked.At.Host + asked.At.Path
	if version = n.Version; !chart.Exact(version) {
		if version, err = r.newestTag(repository, n); err != nil {
			return nil, "", err
		}
	}
	ref, err := name.NewTag(repository+":"+strings.ReplaceAll(version, "+", "_"), r.names...) // a tag has no plus
	if err != nil {
		return nil, "", errors.New("the address of the registry cannot be read")
	}
	archive, err = r.chartOf(ref)
	return archive, version, err
}

// repository says how a repository of a registry is asked.
func (f *Fetcher) repository(ctx context.Context, asked asking) ociRepository {
	r := ociRepository{asked, []remote.Option{remote.WithContext(ctx), remote.WithTransport(registryTransport{f})}, nil}
	login := authn.Anonymous
	if l := asked.Login; l.Any() {
		login = authn.FromConfig(authn.AuthConfig{Username: l.User, Password: l.Password, IdentityToken: l.Identity, RegistryToken: l.Bearer})
	}
	r.options = append(r.options, remote.WithAuth(login))
	if f.backoff != nil {
		r.options = append(r.options, remote.WithRetryBackoff(*f.backoff))
	}
	if asked.At.Scheme == "http" {
		r.names = append(r.names, name.Insecure)
	}
	return r
}

// ociRepository is a repository of a registry, and how it is asked.
type ociRepository struct {
	asking
	options []remote.Option
	names   []name.Option
}

// newestTag asks for all tags of a repository, page by page, and returns the newest version in the range.
func (r ociRepository) newestTag(repository string, n chart.Need) (string, error) {
	repo, err := name.NewRepository(repository, r.names...)
	if err != nil {
		return "", errors.New("the address of the registry cannot be read")
	}
	tags, err := remote.List(repo, r.options...)
	if err != nil {
		return "", r.explain(repo, err)
	}
	for i, tag := range tags {
		tags[i] = strings.ReplaceAll(tag, "_", "+")
	}
	i, err := choose(n, tags)
	if err != nil {
		return "", fmt.Errorf("%s: %w", repo, err)
	}
	return tags[i], nil
}

// chartOf fetches the archive that a tag names.
func (r ociRepository) chartOf(ref name.Reference) ([]byte, error) {
	image, err := remote.Image(ref, r.options...)
	if err != nil {
		return nil, r.explain(ref, err)
	}
	layers, err := image.Layers()
	if err != nil {
		return nil, r.explain(ref, err)
	}
	var others []string
	for _, layer := range layers {
		if kind, err := layer.MediaType(); err != nil || string(kind) != chartLayer {
			others = append(others, safetext.Line(string(kind)))
			continue
		}
		if size, err := layer.Size(); err != nil || size > maxArchive {
			return nil, fmt.Errorf("%s is larger than %d MiB", ref, maxArchive>>20)
		}
		content, err := layer.Compressed()
		if err != nil {
			return nil, r.explain(ref, err)
		}
		defer content.Close()
		data, err := io.ReadAll(io.LimitReader(content, maxArchive+1))
		if err != nil {
			return nil, r.explain(ref, err)
		}
		return data, nil
	}
	err = fmt.Errorf("%s is not a Helm chart", ref)
	if len(others) > 0 {
		err = fmt.Errorf("%w: it has no layer of type %s, but %s", err, chartLayer, strings.Join(others[:min(len(others), 3)], ", "))
	}
	return nil, hint.With(err, "the address of the repository ends before the name of the chart")
}

// registryTransport looks at what a registry says before the library parses it, several times over.
type registryTransport struct{ next http.RoundTripper }

// RoundTrip bounds every answer but that to a request for a blob, which the library hands on as it comes. Where a redirect leads to another
// host or port, it takes the credentials off, and refuses to send a form that holds some.
func (t registryTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if first := firstOf(r); access.Authority(first.URL) != access.Authority(r.URL) {
		if r.Body != nil && r.Body != http.NoBody {
			return nil, fmt.Errorf("%s redirects to %s, which must not receive the credentials", first.URL.Host, r.URL.Host)
		}
		r = r.Clone(r.Context())
		r.Header.Del("Authorization")
	}
	response, err := t.next.RoundTrip(r)
	if err != nil || isForBlob(r) {
		return response, err
	}
	text, err := io.ReadAll(&limited{response.Body, maxAnswer, maxAnswer, r.URL})
	_ = response.Body.Close()
	if err == nil && values(text) > maxValues {
		err = fmt.Errorf("%s holds more than %d values", r.URL.Redacted(), maxValues)
	}
	if err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(text))
	return response, nil
}

// isForBlob tells whether a request is one for a blob, or follows a redirect from one.
func isForBlob(r *http.Request) bool {
	r = firstOf(r)
	return path.Base(path.Dir(r.URL.Path)) == "blobs" && r.URL.RawQuery == "" // a token is asked for with a query
}

// firstOf is the request that redirects led from.
func firstOf(r *http.Request) *http.Request {
	for r.Response != nil && r.Response.Request != nil {
		r = r.Response.Request
	}
	return r
}

// values is at least the number of values in a JSON text, without parsing it.
func values(text []byte) int {
	n := 1
	for _, c := range text {
		if c == ',' || c == '[' || c == '{' {
			n++
		}
	}
	return n
}

func (r ociRepository) explain(ref fmt.Stringer, err error) error {
	var answer *transport.Error
	if errors.As(err, &answer) {
		switch answer.StatusCode {
		case http.StatusUnauthorized, http.StatusForbidden:
			return fmt.Errorf("%s: %w", ref, r.Login.Refused(r.At.Host, answer.StatusCode))
		case http.StatusNotFound:
			return hint.With(fmt.Errorf("%s: the registry answers 404", ref), "check name and version; a registry may also answer so when it does not know who asks")
		}
		return fmt.Errorf("%s: the registry answers %d", ref, answer.StatusCode)
	}
	if away := (*net.OpError)(nil); errors.As(err, &away) { // the library also says how else it tried
		err = unreachable(away)
	}
	return fmt.Errorf("%s: %w", ref, err)
}
