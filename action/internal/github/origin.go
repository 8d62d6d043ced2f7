package github

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// origin returns the scheme, the host and the port of an address. A credential for one origin is sent to no other: another port
// is another server, and others can read plain http on the way.
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[strings.ToLower(u.Scheme)]
	}
	return strings.ToLower(u.Scheme + "://" + net.JoinHostPort(u.Hostname(), port))
}

// IsLoopback says whether an address is one of this machine's own. Nobody else reads plain http there.
func IsLoopback(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

const maxRedirects = 10

// followRedirect refuses redirects from https to plain http, and redirects of a write to another origin: the body of a write is
// for the server that was asked. A read may be redirected to any other server.
func followRedirect(next *http.Request, via []*http.Request) error {
	last := via[len(via)-1]
	switch {
	case len(via) >= maxRedirects:
		return fmt.Errorf("stopped after %d redirects", maxRedirects)
	case next.URL.Scheme != "https" && last.URL.Scheme == "https":
		return fmt.Errorf("%s redirects from https to %s", last.URL.Host, next.URL.Scheme)
	case via[0].Method != http.MethodGet && via[0].Method != http.MethodHead && origin(next.URL) != origin(via[0].URL):
		return fmt.Errorf("%s redirects a %s to %s", last.URL.Host, via[0].Method, next.URL.Host)
	}
	return nil
}
