package chartrepo

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/access"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chart"
)

// Limits of one fetch.
const (
	maxIndex    = 256 << 20 // bytes of index.yaml; the largest public one has 20 MiB
	maxArtifact = 60 << 20  // bytes of a layer of an artifact
	maxArchive  = 20 << 20  // bytes of a chart
	maxAnswer   = 1 << 20   // bytes of what a registry says: a manifest, a token
	maxValues   = 20_000    // values in it, which are much larger in memory
	timeout     = time.Minute
)

// Fetcher fetches charts and keeps them.
type Fetcher struct {
	// Cache is the directory that keeps archives by digest. Empty keeps nothing.
	Cache string
	// Fresh asks the repository also for what is in Cache.
	Fresh bool
	// Local allows addresses of this machine where a chart names them itself. It is false in a pod: no chart repository runs in the pod itself.
	Local bool
	// Loopback allows http without TLS to them, for tests.
	Loopback bool
	// Transport is used for requests; nil stands for http.DefaultTransport without the addresses that outside refuses.
	Transport http.RoundTripper
	// Find reads an index as the function Find does, with the memory of another process; nil stands for that function.
	Find func(ctx context.Context, index io.Reader, n chart.Need) (Version, error)
	// Fetched is told each chart that came over the network, with the digest of its archive, and the mirror that it came from, "" for
	// none. It may be nil.
	Fetched func(n chart.Need, digest, mirror string)
	// Route says how an address is reached: by which mirror, and with which credentials. secret is the name of a Secret, "" for the
	// credentials of the instance. nil asks the address itself, without credentials.
	Route func(ctx context.Context, address, secret string) (access.Route, error)

	backoff  *remote.Backoff // between the tries of a request to a registry; nil is the library's
	anywhere bool            // tests of redirects between servers of this machine: any host may be local
	mu       sync.Mutex
	checked  map[string]http.RoundTripper // by the digest of what makes its TLS another one
}
