package git

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

func openHTTP(a address, auth Auth, l login, limits Limits) (session, *guard, error) {
	ep := &transport.Endpoint{Protocol: a.scheme, Host: a.host, Path: a.path}
	if strings.Contains(a.host, ":") {
		ep.Host = "[" + a.host + "]"
	}
	if a.port != "" {
		port, err := strconv.ParseUint(a.port, 10, 16)
		if err != nil {
			return nil, nil, fmt.Errorf("not a port: %q", a.port)
		}
		ep.Port = int(port)
	}
	g := &guard{base: l.roundTripper, limits: limits, refsLimit: limits.Refs, auth: auth, mirror: a.mirror != nil}
	s, err := githttp.NewClient(&http.Client{Transport: g}).NewUploadPackSession(ep, l.method())
	return s, g, err
}

// guard looks at each answer before go-git does: it refuses redirects that would carry credentials elsewhere, turns
// status codes into errors with advice, and bounds the body. It keeps the first such error, because go-git's own
// wrapping cannot be unwrapped.
type guard struct {
	base      http.RoundTripper
	limits    Limits // of a pack; zero when none is asked for
	refsLimit int64  // of other answers
	auth      Auth   // where credentials come from, for advice
	mirror    bool   // the server is a mirror, which gets other credentials
	failure   error
	status    int // of the answer that failure is about
}

// otherwise reports whether the failure is an answer that servers give to a request they do not know.
func (g *guard) otherwise() bool {
	switch g.status {
	case http.StatusOK, // a page
		http.StatusBadRequest, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotAcceptable, http.StatusLengthRequired,
		http.StatusUnsupportedMediaType, http.StatusInternalServerError, http.StatusNotImplemented:
		return true
	}
	return false
}

func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := g.base.RoundTrip(req)
	if err != nil {
		g.failure, g.status = err, 0
		return nil, err
	}
	if err := g.check(req, res); err != nil {
		_ = res.Body.Close()
		g.failure, g.status = err, res.StatusCode
		return nil, err
	}
	limit := cmp.Or(g.refsLimit, Limits{}.orDefault().Refs)
	over := tooManyRefs(limit)
	if req.Method == http.MethodPost && g.limits.Bytes > 0 {
		limit, over = packLimit(g.limits), tooLargePack(g.limits.Bytes)
	}
	res.Body = struct {
		io.Reader
		io.Closer
	}{&limitedReader{res.Body, limit, over}, res.Body}
	return res, nil
}

// explain returns the failure behind err: the wrapping of go-git and net/http adds nothing.
func (g *guard) explain(err error) error {
	if err != nil && g.failure != nil {
		return g.failure
	}
	return err
}

// refusedLogin says that the server does not accept the credentials.
type refusedLogin struct{ text string }

// Error implements error.
func (e *refusedLogin) Error() string { return e.text }

func (g *guard) check(req *http.Request, res *http.Response) error {
	host := req.URL.Host
	switch {
	case res.StatusCode >= 300 && res.StatusCode < 400:
		return checkRedirect(req, res)
	case res.StatusCode == http.StatusUnauthorized && req.Header.Get("Authorization") == "":
		advice := "pass --token-file FILE with a token that may read it"
		switch {
		case g.mirror:
			advice = "put the credentials for the mirror " + host + " into .dockerconfigjson of the credentials directory, as `docker login` writes it"
		case g.auth.Keys != nil:
			advice = g.auth.Name + " needs username and password, bearerToken, or a GitHub App"
		case g.auth.Dir != "":
			advice = "the Secret behind " + g.auth.Dir + " needs username and password, bearerToken, or a GitHub App"
		}
		return hint.With(fmt.Errorf("%s asks for credentials (401)", host), "the repository is private or does not exist: %s", advice)
	case res.StatusCode == http.StatusUnauthorized && g.mirror:
		return hint.With(&refusedLogin{host + " does not accept the credentials (401)"}, "check that those for %s in .dockerconfigjson have not expired", host)
	case res.StatusCode == http.StatusUnauthorized:
		return hint.With(&refusedLogin{host + " does not accept the token (401)"},
			"check that the token in %s is complete and has not expired", cmp.Or(g.auth.TokenFile, g.auth.Name, g.auth.Dir, "the token file"))
	case res.StatusCode == http.StatusForbidden:
		return hint.With(fmt.Errorf("%s refuses access (403)", host),
			"give the token read access to the contents of this repository")
	case res.StatusCode == http.StatusNotFound:
		return hint.With(fmt.Errorf("%s has no such repository (404)", host),
			"check the URL; a private repository also looks missing to a token without access")
	case res.StatusCode >= 400:
		return fmt.Errorf("%s answers with status %d", host, res.StatusCode)
	}
	if t := res.Header.Get("Content-Type"); !strings.HasPrefix(t, "application/x-git-upload-pack-") {
		return hint.With(fmt.Errorf("%s does not answer as a Git server (content type %q)", host, t),
			"check that the URL is the one git clone takes")
	}
	return nil
}

// checkRedirect refuses to leave https, and to leave the host with credentials. Where the next request may go without
// them, go-git's own rules follow.
func checkRedirect(req *http.Request, res *http.Response) error {
	to, err := req.URL.Parse(res.Header.Get("Location"))
	if err != nil || to.Host == "" {
		return fmt.Errorf("%s answers with a redirect that has no valid address", req.URL.Host)
	}
	if isMachineAddress(to.Hostname()) {
		return hint.With(fmt.Errorf("%s redirects to %s, which is not the address of a repository, refused", req.URL.Host, to.Host), "no repository is at link-local and metadata addresses")
	}
	if req.URL.Scheme == schemeHTTPS && to.Scheme != schemeHTTPS {
		return fmt.Errorf("%s redirects to %s without https, refused", req.URL.Host, to.Host)
	}
	if req.Header.Get("Authorization") != "" && origin(req.URL) != origin(to) {
		return hint.With(fmt.Errorf("%s redirects to %s, which must not receive the token", req.URL.Host, to.Host),
			"if you trust %s with the token, use its URL", to.Host)
	}
	return nil
}

// isMachineAddress reports whether a host is an address at which a network or a cloud answers its machines: link-local ones, and metadata.
func isMachineAddress(host string) bool {
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	ip = ip.Unmap().WithZone("")
	metadata := []string{"100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254"} // Alibaba, Azure, Oracle, Amazon, Google
	return ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified() || slices.Contains(metadata, ip.String())
}

func origin(u *url.URL) string {
	return u.Scheme + " " + address{scheme: u.Scheme, host: strings.ToLower(u.Hostname()), port: u.Port()}.hostPort()
}
