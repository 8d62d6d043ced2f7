package chartrepo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chart"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// Limits of one fetch.
const (
	maxIndex   = 64 << 20 // bytes of index.yaml; the largest public one has 20 MiB
	maxArchive = 20 << 20 // bytes of a chart
	maxAnswer  = 1 << 20  // bytes of what a registry says: a manifest, a token
	maxValues  = 20_000   // values in it, which are much larger in memory
	timeout    = time.Minute
)

// Fetcher fetches charts and keeps them.
type Fetcher struct {
	// Cache is the directory that keeps what was fetched, by repository, name and version. Empty keeps nothing.
	Cache string
	// Local allows addresses of this machine where a chart names them itself. It is false in a pod: no chart repository runs in the pod itself.
	Local bool
	// Loopback allows http without TLS to them, for tests.
	Loopback bool
	// Transport is used for requests; nil stands for http.DefaultTransport without the addresses that outside refuses.
	Transport http.RoundTripper
	// Find reads an index as the function Find does, with the memory of another process; nil stands for that function.
	Find func(ctx context.Context, index io.Reader, n chart.Need) (Version, error)
	// Fetched is told each chart that came over the network, with the digest of its archive. It may be nil.
	Fetched func(n chart.Need, digest string)

	once    sync.Once
	checked http.RoundTripper
}

// Fetch returns the archive of a chart.
func (f *Fetcher) Fetch(ctx context.Context, n chart.Need) ([]byte, error) {
	if data := f.cached(n); data != nil {
		return data, nil
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	at, err := url.Parse(n.Repository)
	if err != nil {
		return nil, errors.New("the address of the repository cannot be read")
	}
	if at.User != nil {
		return nil, hint.Errorf("the address of the repository holds a user or password", "charts are fetched without credentials: commit the archive instead")
	}
	ctx = context.WithValue(ctx, namedHost{}, authority(at))
	var data []byte
	switch at.Scheme {
	case "https", "http":
		data, err = f.fromIndex(ctx, at, n)
	case "oci":
		data, err = f.fromRegistry(ctx, at, n)
	default:
		err = hint.Errorf(fmt.Sprintf("%s:// is not a repository of charts", at.Scheme), "use https:// or oci://")
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("took longer than %s", timeout)
	}
	if err != nil {
		return nil, err
	}
	f.keep(n, data)
	if f.Fetched != nil {
		f.Fetched(n, chart.Digest(data))
	}
	return data, nil
}

// RoundTrip refuses what is not https, and addresses that are nobody's repository, before anything is sent.
func (f *Fetcher) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" && !(f.Loopback && r.URL.Scheme == "http" && isLoopback(r.URL.Hostname())) {
		return nil, hint.Errorf(fmt.Sprintf("%s://%s is not https", r.URL.Scheme, r.URL.Host), "charts are fetched over https only")
	}
	if ip, err := netip.ParseAddr(r.URL.Hostname()); err == nil {
		if err := outside(ip, f.mayBeLocal(r.Context(), authority(r.URL))); err != nil {
			return nil, err
		}
	}
	transport := f.Transport
	if transport == nil {
		f.once.Do(func() { f.checked = f.checkedTransport() })
		transport = f.checked
	}
	response, err := transport.RoundTrip(r)
	if err == nil { // the registry library reads to the end whatever comes
		response.Body = &limited{response.Body, maxIndex, maxIndex, r.URL}
	}
	return response, err
}

// limited is a body that fails, rather than ends, after that many bytes.
type limited struct {
	io.ReadCloser
	left  int64
	limit int64
	from  *url.URL
}

// largeError says that an answer is too large.
type largeError struct {
	from  *url.URL
	limit int64
}

// Error names the address and the limit.
func (e *largeError) Error() string {
	return fmt.Sprintf("%s is larger than %d MiB", e.from.Redacted(), e.limit>>20)
}

func (l *limited) Read(p []byte) (int, error) {
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.ReadCloser.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, &largeError{l.from, l.limit}
	}
	return n, err
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
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
	response, err := (&http.Client{Transport: f}).Do(request)
	if err != nil {
		return nil, bare(err)
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
		return fmt.Errorf("%s: %w", at.URL, at.Err)
	}
	return err
}

// file is where a chart is kept: its digest, a line end, and the archive.
func (f *Fetcher) file(n chart.Need) string {
	return filepath.Join(f.Cache, strings.TrimPrefix(chart.Digest([]byte(n.Key())), "sha256:"))
}

func (f *Fetcher) cached(n chart.Need) []byte {
	if f.Cache == "" {
		return nil
	}
	data, err := os.ReadFile(f.file(n))
	digest, archive, found := bytes.Cut(data, []byte("\n"))
	if err != nil || !found || chart.Digest(archive) != string(digest) {
		return nil
	}
	return archive
}

// keep is best effort: a directory that cannot be written means that the chart is fetched again.
func (f *Fetcher) keep(n chart.Need, data []byte) {
	if f.Cache == "" || os.MkdirAll(f.Cache, 0o700) != nil {
		return
	}
	file, err := os.CreateTemp(f.Cache, "fetched-")
	if err != nil {
		return
	}
	_, err = fmt.Fprintf(file, "%s\n%s", chart.Digest(data), data)
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), f.file(n))
	}
	if err != nil {
		_ = os.Remove(file.Name())
	}
}
