package access

import (
	"context"
	"fmt"
	"net"
	"net/url"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// Route is how an address is reached.
type Route struct {
	At     *url.URL // what is asked
	Mirror bool     // At is a mirror, which the administrator named
	Login  Login
}

// Access knows mirrors and credentials. The zero value has none.
type Access struct {
	Mirrors Mirrors
	// Dir is a directory with one file for each key of the instance's Secret of credentials. "" is none.
	Dir string
	// Own is the address that the keys of Dir without a host are for: the repository of the instance.
	Own string
	// Secret reads a Secret in the namespace of the instance. It may be nil.
	Secret func(ctx context.Context, name string) (Keys, error)
}

// Mirror returns the mirror of an address and what that is shown, nil where the address has none.
func (a Access) Mirror(address string) (*Route, error) {
	if to, err := a.Mirrors.Of(address); to == "" || err != nil {
		return nil, err
	}
	r, err := Access{Mirrors: a.Mirrors, Dir: a.Dir}.Route(context.Background(), address, "")
	return &r, err
}

// Route says how an address is reached: itself or a mirror, with the credentials of the Secret of that name, or of the instance for "".
// Errors do not repeat credentials.
func (a Access) Route(ctx context.Context, address, secret string) (Route, error) {
	u, err := parse(address)
	if err != nil {
		return Route{}, fmt.Errorf("the address of the repository cannot be used: %w", err)
	}
	r := Route{At: u}
	to, err := a.Mirrors.Of(address)
	if err != nil {
		return r, err
	}
	if to != "" {
		if r.At, err = url.Parse(to); err != nil {
			return r, fmt.Errorf("the mirror of %s is not an address", plain(u))
		}
		r.Mirror = true
	}
	if r.Login, err = a.login(ctx, u, r, secret); err != nil {
		return r, err
	}
	if r.Login.Any() && r.At.Scheme == "http" && !isLoopback(r.At.Hostname()) {
		return r, hint.With(fmt.Errorf("credentials are never sent over plain http, as to %s", r.At.Host), "use https, or leave out the credentials for that host")
	}
	return r, nil
}

func (a Access) login(ctx context.Context, u *url.URL, r Route, secret string) (Login, error) {
	if secret == "" {
		return a.ofInstance(r.At)
	}
	if a.Secret == nil {
		return Login{}, hint.Errorf(fmt.Sprintf("the Secret %s is needed, and no cluster is asked here", secret), "put its keys as files into DIR/%s, and give --credentials-dir DIR", secret)
	}
	keys, err := a.Secret(ctx, secret)
	if err != nil {
		return Login{}, err
	}
	l, found, err := keys.login(r.At, Authority(u) == Authority(r.At))
	switch {
	case err != nil:
		return l, err
	case !found:
		return l, hint.With(fmt.Errorf("%s holds no credentials", keys.name), "it needs the keys %s", known)
	case !r.Mirror && !l.Any() && l.CA == "" && l.Cert == "":
		return l, hint.With(fmt.Errorf("%s holds no credentials for %s", keys.name, u.Host), "its %s is for other hosts", keyDocker)
	}
	return l, nil
}

// ofInstance returns the credentials of the instance for a server: those of .dockerconfigjson, or those of its repository for the same host.
func (a Access) ofInstance(at *url.URL) (Login, error) {
	if a.Dir == "" {
		return Login{}, nil
	}
	own, err := parse(a.Own)
	l, _, err := FileKeys(a.Dir).login(at, err == nil && own.Scheme == "https" && Authority(own) == Authority(at))
	return l, err
}

// Authority is the host and port that an address is reached at.
func Authority(at *url.URL) string {
	port := at.Port()
	if port == "" {
		port = map[string]string{"http": "80", "ssh": "22", "socks5": "1080", "socks5h": "1080"}[at.Scheme]
		if port == "" {
			port = "443"
		}
	}
	return net.JoinHostPort(at.Hostname(), port)
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
