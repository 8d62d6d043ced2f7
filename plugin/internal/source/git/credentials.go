package git

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

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
	fileTLSCert         = "tls.crt"
	fileTLSKey          = "tls.key"
	oldFileCA           = "caFile" // as Flux called them first
	oldFileCert         = "certFile"
	oldFileKey          = "keyFile"
)

// tokenUser is the user name forges accept beside a token.
const tokenUser = "x-access-token"

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

// credentials are the keys of a Secret: a directory with one file per key, or their values. Files are read at each use: what is rotated counts
// at once.
type credentials struct {
	name string // what messages call them
	dir  string
	keys map[string][]byte
}

// none tells whether there are no credentials at all.
func (d credentials) none() bool { return d.dir == "" && d.keys == nil }

// check refuses a directory that is missing or empty, as that of a Secret which does not exist. Files of other names are
// somebody else's, such as keys for SOPS.
func (d credentials) check() error {
	found := len(d.keys) > 0
	if d.keys == nil {
		entries, err := os.ReadDir(d.dir)
		if err != nil {
			return fmt.Errorf("credentials directory: %w", err)
		}
		found = len(entries) > 0
	}
	if found {
		return nil
	}
	return hint.With(fmt.Errorf("%s holds no credentials", d.name),
		"the Secret it comes from needs the keys %s; ca.crt, tls.crt and tls.key, and proxyAddress go with them", credentialKeys)
}

// read returns the value of a key, "" when there is none.
func (d credentials) read(name string) (string, error) {
	if d.dir == "" {
		return string(d.keys[name]), nil
	}
	data, err := os.ReadFile(filepath.Join(d.dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("credentials: %w", err)
	}
	return string(data), nil
}

// at names a key for messages.
func (d credentials) at(name string) string {
	if d.keys != nil {
		return name + " of " + d.name
	}
	return filepath.Join(d.dir, name)
}

// readEither returns the content of a file, or of the one with its old name.
func (d credentials) readEither(name, old string) (string, error) {
	text, err := d.read(name)
	if text == "" && err == nil {
		text, err = d.read(old)
	}
	return text, err
}

// line returns the content of a file that holds one line.
func (d credentials) line(name string) (string, error) {
	text, err := d.read(name)
	text = strings.TrimSpace(text)
	if safetext.Line(text) != text {
		return "", hint.With(fmt.Errorf("credentials: %s holds more than one line", d.at(name)),
			"write the value, and nothing else, into it")
	}
	return text, err
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

// readToken reads a file that holds one token.
func readToken(file string) (string, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("token file: %w", err)
	}
	token := strings.TrimSpace(string(data))
	if token == "" {
		return "", hint.With(fmt.Errorf("token file %s is empty", file), "write the token, and nothing else, into it")
	}
	if safetext.Line(token) != token {
		return "", hint.With(fmt.Errorf("token file %s holds more than one line", file), "write the token, and nothing else, into it")
	}
	return token, nil
}
