package cluster

import (
	"net/http"
	"strings"
	"sync"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

type counter struct {
	mu sync.Mutex
	n  report.Requests
}

func (c *counter) snapshot() report.Requests {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

func (c *counter) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(q *http.Request) (*http.Response, error) {
		c.count(q)
		return next.RoundTrip(q)
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(q *http.Request) (*http.Response, error) { return f(q) }

func (c *counter) count(q *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n.Total++
	switch q.Method {
	case http.MethodPost:
		c.n.Create++
	case http.MethodPut:
		c.n.Update++
	case http.MethodPatch:
		c.n.Patch++
	case http.MethodDelete:
		c.n.Delete++
	default:
		switch {
		case q.URL.Query().Get("watch") == "true":
			c.n.Watch++
		case isCollection(q.URL.Path):
			c.n.List++
		default:
			c.n.Get++
		}
	}
}

// isCollection tells a list from a get by the path: /api/v1/RESOURCE, /apis/GROUP/VERSION/RESOURCE, each with an
// optional namespaces/NAME in between. A prefix before /api or /apis belongs to the server's address.
func isCollection(path string) bool {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	for i, p := range parts {
		switch p {
		case "api":
			parts = parts[min(i+2, len(parts)):]
		case "apis":
			parts = parts[min(i+3, len(parts)):]
		default:
			continue
		}
		if len(parts) >= 3 && parts[0] == "namespaces" {
			parts = parts[2:]
		}
		return len(parts) == 1
	}
	return false
}

// warnings passes each warning of the server on once: the same deprecation comes with every object of a kind.
type warnings struct {
	mu   sync.Mutex
	to   func(string)
	seen map[string]bool
}

// HandleWarningHeader implements rest.WarningHandler.
func (w *warnings) HandleWarningHeader(code int, _ string, text string) {
	if code != 299 || text == "" || w.to == nil {
		return
	}
	w.mu.Lock()
	seen := w.seen[text]
	w.seen[text] = true
	w.mu.Unlock()
	if !seen {
		w.to(text)
	}
}
