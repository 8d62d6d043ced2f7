package git

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/safetext"
)

// The files of a credentials directory. The names are those of the keys of Secrets that Flux reads; proxyAddress is ours.
const (
	fileUsername        = "username"
	filePassword        = "password"
	fileBearerToken     = "bearerToken"
	fileIdentity        = "identity"
	fileKnownHosts      = "known_hosts"
	fileCA              = "ca.crt"
	fileAppID           = "githubAppID"
	fileAppInstallation = "githubAppInstallationID"
	fileAppKey          = "githubAppPrivateKey"
	fileAppBase         = "githubAppBaseURL"
	fileProxy           = "proxyAddress"
)

// credentialKeys is how a hint names what can be in a credentials directory.
const credentialKeys = "username and password, bearerToken, identity and known_hosts, or githubAppID, githubAppInstallationID and githubAppPrivateKey"

// login is what one exchange with a server takes.
type login struct {
	user, password string // basic authentication
	bearer         string
	app            bool // the password is a GitHub App's token
	roundTripper   http.RoundTripper
	proxy          *url.URL // nil leaves it to the environment
	hidden         []string // what no text may repeat, beside password and bearer
}

// none tells whether nothing would be sent.
func (l login) none() bool { return l.password == "" && l.bearer == "" }

// method is the login as go-git takes it.
func (l login) method() transport.AuthMethod {
	switch {
	case l.bearer != "":
		return &githttp.TokenAuth{Token: l.bearer}
	case l.password != "":
		return &githttp.BasicAuth{Username: l.user, Password: l.password}
	}
	return nil
}

// sign puts the login into a request.
func (l login) sign(req *http.Request) {
	switch {
	case l.bearer != "":
		req.Header.Set("Authorization", "Bearer "+l.bearer)
	case l.password != "":
		req.SetBasicAuth(l.user, l.password)
	}
}

// secrets are the texts that would give the login away.
func (l login) secrets() []string {
	all := append([]string{l.password, l.bearer}, l.hidden...)
	if l.password != "" {
		all = append(all, base64.StdEncoding.EncodeToString([]byte(l.user+":"+l.password)))
	}
	return all
}

// login reads the credentials for an http server.
func (r Repo) login(ctx context.Context, a address, s *Server) (login, error) {
	l := login{user: tokenUser, roundTripper: http.DefaultTransport} // which honours HTTPS_PROXY and NO_PROXY
	dir := credentials(r.Auth.Dir)
	if r.Auth.TokenFile != "" {
		var err error
		l.password, err = readToken(r.Auth.TokenFile)
		return l, err
	}
	if dir == "" {
		return l, nil
	}
	if err := dir.check(); err != nil {
		return l, err
	}
	if err := s.route(dir, &l); err != nil {
		return l, err
	}
	var username string
	var err error
	for _, f := range []struct {
		name string
		into *string
	}{{fileBearerToken, &l.bearer}, {filePassword, &l.password}, {fileUsername, &username}} {
		if *f.into, err = dir.line(f.name); err != nil {
			return l, err
		}
	}
	l.user = cmp.Or(username, l.user)
	switch id, err := dir.line(fileAppID); {
	case err != nil:
		return l, err
	case id != "":
		l.bearer, l.user, l.app = "", tokenUser, true
		if l.password, err = s.appToken(ctx, dir, l.roundTripper); err != nil {
			return l, err
		}
	}
	if a.scheme == schemeHTTP && !l.none() && !isLoopback(a.host) {
		return login{}, hint.With(errors.New("credentials are never sent over plain http"), "use https")
	}
	return l, nil
}

// credentials is a directory with one file per key of a Secret. Files are read at each use: what is rotated counts at
// once.
type credentials string

// check refuses a directory that is missing or empty, as that of a Secret which does not exist. Files of other names are
// somebody else's, such as keys for SOPS.
func (d credentials) check() error {
	entries, err := os.ReadDir(string(d))
	if err != nil {
		return fmt.Errorf("credentials directory: %w", err)
	}
	if len(entries) > 0 {
		return nil
	}
	return hint.With(fmt.Errorf("credentials directory %s holds no credentials", d),
		"the Secret it comes from needs the keys %s; ca.crt and proxyAddress go with them", credentialKeys)
}

// read returns the content of a file, "" when there is none.
func (d credentials) read(name string) (string, error) {
	if d == "" {
		return "", nil
	}
	data, err := os.ReadFile(filepath.Join(string(d), name))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("credentials: %w", err)
	}
	return string(data), nil
}

// line returns the content of a file that holds one line.
func (d credentials) line(name string) (string, error) {
	text, err := d.read(name)
	text = strings.TrimSpace(text)
	if safetext.Line(text) != text {
		return "", hint.With(fmt.Errorf("credentials: %s holds more than one line", filepath.Join(string(d), name)),
			"write the value, and nothing else, into it")
	}
	return text, err
}

// routes keeps the connections of transports that are not the default one.
type routes struct {
	mu     sync.Mutex
	digest [sha256.Size]byte
	kept   *http.Transport
}

// route sets how the server is reached: by which proxy, and trusting which authorities besides the system's.
func (s *Server) route(dir credentials, l *login) error {
	ca, err := dir.read(fileCA)
	if err != nil {
		return err
	}
	address, err := dir.line(fileProxy)
	if err != nil {
		return err
	}
	if l.proxy, err = parseProxy(address); err != nil {
		return err
	}
	if l.proxy != nil {
		if password, ok := l.proxy.User.Password(); ok {
			l.hidden = append(l.hidden, password, address, l.proxy.User.String())
		}
	}
	if ca == "" && address == "" {
		return nil
	}
	s.routes.mu.Lock()
	defer s.routes.mu.Unlock()
	digest := sha256.Sum256([]byte(ca + "\x00" + address))
	if s.routes.kept == nil || s.routes.digest != digest {
		t, err := newTransport(ca, l.proxy)
		if err != nil {
			return err
		}
		s.routes.digest, s.routes.kept = digest, t
	}
	l.roundTripper = s.routes.kept
	return nil
}

func newTransport(ca string, proxy *url.URL) (*http.Transport, error) {
	t := &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true,
		TLSHandshakeTimeout: 10 * time.Second, IdleConnTimeout: 90 * time.Second}
	if proxy != nil {
		t.Proxy = http.ProxyURL(proxy)
	}
	if ca == "" {
		return t, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM([]byte(ca)) {
		return nil, hint.Errorf("credentials: "+fileCA+" holds no certificate", "it is to hold the authority's certificate in PEM form")
	}
	t.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	return t, nil
}

// parseProxy never repeats address, which may hold a password.
func parseProxy(address string) (*url.URL, error) {
	if address == "" {
		return nil, nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "socks5" {
		return nil, hint.Errorf("credentials: "+fileProxy+" is not the address of a proxy", "write it as http://host:port, https://host:port or socks5://host:port")
	}
	return u, nil
}
