package git

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/safetext"
)

const (
	gitHubAPI = "https://api.github.com"
	// tokenReserve is how long before its end a token is not used any more: a fetch takes up to two minutes.
	tokenReserve = 5 * time.Minute
)

// appTokens keeps the last installation token of a GitHub App.
type appTokens struct {
	mu     sync.Mutex
	digest [sha256.Size]byte // of the credentials it was made with
	token  string
	ends   time.Time
}

// app is what identifies an installation of a GitHub App.
type app struct {
	id, installation, base string
	key                    *rsa.PrivateKey
}

// current returns a token of the installation that dir names. GitHub makes one for an hour; it is used until shortly
// before its end.
func (t *appTokens) current(ctx context.Context, dir credentials, via http.RoundTripper) (string, error) {
	a, digest, err := readApp(dir)
	if err != nil {
		return "", err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.token != "" && t.digest == digest && time.Now().Add(tokenReserve).Before(t.ends) {
		return t.token, nil
	}
	token, ends, err := a.newToken(ctx, via, time.Now())
	if err != nil {
		return "", fmt.Errorf("token of GitHub App %s: %w", a.id, err)
	}
	t.token, t.ends, t.digest = token, ends, digest
	return token, nil
}

// forget makes the next call of current ask for a new one: the server does not take the old one any more.
func (t *appTokens) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.token = ""
}

func readApp(dir credentials) (a app, digest [sha256.Size]byte, err error) {
	var base string
	for _, f := range []struct {
		name string
		into *string
	}{{fileAppID, &a.id}, {fileAppInstallation, &a.installation}, {fileAppBase, &base}} {
		if *f.into, err = dir.line(f.name); err != nil {
			return a, digest, err
		}
	}
	text, err := dir.read(fileAppKey)
	switch {
	case err != nil:
		return a, digest, err
	case !number(a.id), !number(a.installation), text == "":
		return a, digest, hint.Errorf("credentials: a GitHub App needs "+fileAppID+", "+fileAppInstallation+" and "+fileAppKey,
			"both ids are numbers; the address of the installation's settings page ends with the installation id")
	}
	if a.key, err = parseKey(text); err != nil {
		return a, digest, err
	}
	if a.base, err = apiAddress(base); err != nil {
		return a, digest, err
	}
	return a, sha256.Sum256([]byte(strings.Join([]string{a.id, a.installation, a.base, text}, "\x00"))), nil
}

func number(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

func apiAddress(base string) (string, error) {
	if base == "" {
		return gitHubAPI, nil
	}
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != schemeHTTPS && !(u.Scheme == schemeHTTP && isLoopback(u.Hostname())) {
		return "", hint.Errorf("credentials: "+fileAppBase+" is not an https address", "for GitHub Enterprise it is https://HOST/api/v3")
	}
	return strings.TrimSuffix(base, "/"), nil
}

func parseKey(text string) (*rsa.PrivateKey, error) {
	bad := hint.Errorf("credentials: "+fileAppKey+" holds no RSA private key", "it is the .pem file that GitHub gave for the app")
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, bad
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if key, ok := parsed.(*rsa.PrivateKey); ok && err == nil {
		return key, nil
	}
	return nil, bad
}

// newToken asks for a token that can read the contents of repositories, whatever else the app may do.
func (a app) newToken(ctx context.Context, via http.RoundTripper, now time.Time) (string, time.Time, error) {
	claim, err := a.claim(now)
	if err != nil {
		return "", time.Time{}, err
	}
	address := a.base + "/app/installations/" + a.installation + "/access_tokens"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader([]byte(`{"permissions":{"contents":"read"}}`)))
	if err != nil {
		return "", time.Time{}, err
	}
	req.Header.Set("Authorization", "Bearer "+claim)
	req.Header.Set("Accept", "application/vnd.github+json")
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "kubectl-gitops")
	client := &http.Client{Transport: via, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		return "", time.Time{}, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusCreated {
		return "", time.Time{}, appRefused(req.URL.Host, res.StatusCode)
	}
	var answer struct {
		Token     string    `json:"token"`
		ExpiresAt time.Time `json:"expires_at"`
	}
	err = json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&answer)
	if err != nil || answer.Token == "" || safetext.Line(answer.Token) != answer.Token {
		return "", time.Time{}, fmt.Errorf("%s answers without a token", req.URL.Host)
	}
	return answer.Token, answer.ExpiresAt, nil
}

// appRefused words the status without the answer's text.
func appRefused(host string, status int) error {
	err := fmt.Errorf("%s answers with status %d", host, status)
	switch status {
	case http.StatusUnauthorized:
		return hint.With(err, "check that "+fileAppKey+" is a key of the app "+fileAppID+", and this machine's clock")
	case http.StatusForbidden, http.StatusUnprocessableEntity:
		return hint.With(err, "give the app read access to the contents of repositories, and see that the installation is not suspended")
	case http.StatusNotFound:
		return hint.With(err, "check "+fileAppInstallation+": the app must be installed where the repository is")
	}
	return err
}

// claim is a JSON Web Token (RFC 7519) by which GitHub knows the app, for ten minutes at most. It begins a minute ago
// because clocks differ.
func (a app) claim(now time.Time) (string, error) {
	enc := base64.RawURLEncoding
	body, err := json.Marshal(map[string]any{"iat": now.Add(-time.Minute).Unix(), "exp": now.Add(8 * time.Minute).Unix(), "iss": a.id})
	if err != nil {
		return "", err
	}
	text := enc.EncodeToString([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + enc.EncodeToString(body)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, a.key, crypto.SHA256, sum[:])
	if err != nil {
		return "", errors.New("the key cannot sign")
	}
	return text + "." + enc.EncodeToString(signature), nil
}
