package chartrepo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chart"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// Fetch returns the archive of a chart and its version: that of the need, or the newest in its range. What is in the cache is not asked for
// again, but for a range.
func (f *Fetcher) Fetch(ctx context.Context, n chart.Need) (archive []byte, version string, err error) {
	if !chart.Exact(n.Version) {
		return f.newest(ctx, n)
	}
	if data := cache(f.Cache).get(n); data != nil && !f.Fresh {
		return data, n.Version, nil
	}
	return f.fetch(ctx, n)
}

// newest fetches the newest chart in the range of the need.
func (f *Fetcher) newest(ctx context.Context, n chart.Need) ([]byte, string, error) {
	if _, err := semver.NewConstraint(cmp.Or(n.Version, "*")); err != nil {
		return nil, "", hint.Errorf(fmt.Sprintf("%q is neither a version nor a range of versions", n.Version), "write a version such as 4.13.0, or a range such as 4.x")
	}
	return f.fetch(ctx, n)
}

// fetch gets an archive over the network and keeps it.
func (f *Fetcher) fetch(ctx context.Context, n chart.Need) ([]byte, string, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	named, err := url.Parse(n.Repository)
	if err != nil {
		return nil, "", errors.New("the address of the repository cannot be read")
	}
	if named.User != nil {
		return nil, "", hint.Errorf("the address of the repository holds a user or password", "leave them out, and put them into a Secret that chart.secret names")
	}
	address := n.Repository
	if named.Scheme == "oci" {
		address = strings.TrimRight(address, "/") + "/" + n.Name
	}
	asked, err := f.route(ctx, address, n.Secret)
	if err != nil {
		return nil, "", err
	}
	ctx = asked.in(ctx)
	var data []byte
	switch named.Scheme {
	case "https", "http":
		data, n.Version, err = f.fromIndex(ctx, asked.At, n)
	case "oci":
		data, n.Version, err = f.fromRegistry(ctx, asked, n)
	default:
		err = hint.Errorf(fmt.Sprintf("%s:// is not a repository of charts", named.Scheme), "use https:// or oci://")
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("took longer than %s", timeout)
	}
	if err != nil {
		return nil, "", asked.Login.Hide(err)
	}
	cache(f.Cache).keep(n, data)
	if f.Fetched != nil {
		f.Fetched(n, chart.Digest(data), asked.mirror())
	}
	return data, n.Version, nil
}

// get reads a whole document of at most limit bytes.
func (f *Fetcher) get(ctx context.Context, from *url.URL, limit int64) ([]byte, error) {
	body, err := f.open(ctx, from, limit)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(body)
}

// open asks for a document of at most limit bytes. Reading more is an error.
func (f *Fetcher) open(ctx context.Context, from *url.URL, limit int64) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, from.String(), nil)
	if err != nil {
		return nil, err
	}
	response, err := (&http.Client{Transport: signing{f}}).Do(request)
	if err != nil {
		return nil, bare(err)
	}
	if code := response.StatusCode; code == http.StatusUnauthorized || code == http.StatusForbidden {
		_ = response.Body.Close()
		return nil, fmt.Errorf("%s: %w", from.Redacted(), askingOf(ctx).refused(response.Request.URL, code))
	}
	if response.StatusCode != http.StatusOK {
		_ = response.Body.Close()
		return nil, fmt.Errorf("%s answers %s", from.Redacted(), response.Status)
	}
	return &limited{response.Body, limit, limit, from}, nil
}

// bare takes the method off an error of net/http; it names the address.
func bare(err error) error {
	var at *url.Error
	if errors.As(err, &at) {
		return fmt.Errorf("%s: %w", at.URL, unreachable(at.Err))
	}
	return err
}

// unreachable adds to an error of the network what it means for an app.
func unreachable(err error) error {
	if away := (*net.OpError)(nil); errors.As(err, &away) {
		return hint.With(err, "what is applied stays as it is, and the next run asks again; a chart that was fetched once needs no server with --cache DIR")
	}
	return err
}
