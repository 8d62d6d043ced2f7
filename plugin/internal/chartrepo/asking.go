package chartrepo

import (
	"context"
	"net/http"
	"net/url"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/access"
)

// asking is the server that a chart names, or the mirror of it: what a request of a fetch needs to know. The context has it.
type asking struct {
	access.Route
	found bool // an index names it, and no chart
}

type askingKey struct{}

func (a asking) in(ctx context.Context) context.Context {
	return context.WithValue(ctx, askingKey{}, a)
}

// askingOf returns what the context of a request has; without any, no host is the one that is named.
func askingOf(ctx context.Context) asking {
	a, _ := ctx.Value(askingKey{}).(asking)
	return a
}

// isNamed tells whether a host and port are those that the chart, or the mirror, names.
func (a asking) isNamed(host string) bool { return a.At != nil && access.Authority(a.At) == host }

// mirror is the address of the mirror, "" where none is asked.
func (a asking) mirror() string {
	if !a.Mirror {
		return ""
	}
	return a.At.Redacted()
}

// refused explains a server that does not let us in. One that a redirect or the index leads to was shown nothing.
func (a asking) refused(at *url.URL, status int) error {
	if !a.isNamed(access.Authority(at)) {
		return access.Login{}.Refused(at.Host, status)
	}
	return a.Login.Refused(at.Host, status)
}

// signing shows the credentials to the host and port that they are for, and to no other one that a redirect or an index leads to.
type signing struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (s signing) RoundTrip(r *http.Request) (*http.Response, error) {
	a := askingOf(r.Context())
	r = r.Clone(r.Context())
	r.Header.Del("Authorization") // which net/http hands on to subdomains and other ports
	if a.isNamed(access.Authority(r.URL)) && r.URL.Scheme == a.At.Scheme {
		a.Login.Sign(r)
	}
	return s.next.RoundTrip(r)
}
