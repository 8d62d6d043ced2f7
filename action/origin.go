package action

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// origin is the scheme, the host and the port of an address. A credential that is for one origin is for no other: another
// port is another server, and plain http is read on the way.
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[strings.ToLower(u.Scheme)]
	}
	return strings.ToLower(u.Scheme + "://" + net.JoinHostPort(u.Hostname(), port))
}

// isLoopback says whether an address is one of this machine's own, where plain http is not read by others.
func isLoopback(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

const maxRedirects = 10

// followRedirect says whether a client may go where an answer sends it. What is read may lie anywhere, but not behind plain
// http when it was asked for by https. What is written stays at its origin: its body is for that server.
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
