package git_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source/git"
)

// secretDir is a Secret mounted as files.
func secretDir(t testing.TB, keys map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, value := range keys {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(value), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// serveTLS is serve over https; the second value is the certificate to trust.
func (r repository) serveTLS(wrap func(http.Handler) http.Handler) (*httptest.Server, string) {
	server := httptest.NewUnstartedServer(r.handler(wrap))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{selfSigned(r.t)}}
	server.StartTLS()
	r.t.Cleanup(server.Close)
	return server, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
}

// requireHeader lets through only requests with this Authorization.
func requireHeader(want string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if got := req.Header.Get("Authorization"); got != want {
				http.Error(w, "you sent "+got, http.StatusUnauthorized)
				return
			}
			next.ServeHTTP(w, req)
		})
	}
}

func TestASecretOfFluxOpensAnHTTPSServerWithItsOwnCA(t *testing.T) {
	r := newRepository(t)
	commit := r.commit("first")
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("ada:"+canary))
	for name, tt := range map[string]struct {
		keys map[string]string
		want string
	}{
		"user and password": {map[string]string{"username": "ada\n", "password": canary + "\n"}, basic},
		"bearer token":      {map[string]string{"bearerToken": canary}, "Bearer " + canary},
	} {
		t.Run(name, func(t *testing.T) {
			server, ca := r.serveTLS(requireHeader(tt.want))
			tt.keys["ca.crt"] = ca
			dir := secretDir(t, tt.keys)
			repo := git.Repo{URL: server.URL + "/config/.git", Auth: git.Auth{Dir: dir}, Server: new(git.Server)}
			if got := poll(t, repo); got != commit {
				t.Errorf("Poll = %s", got)
			}
			fetch(t, repo, commit)

			for key := range tt.keys {
				if key != "ca.crt" && key != "username" { // rotated, without a new Repo
					if err := os.WriteFile(filepath.Join(dir, key), []byte("ghp_rotated"), 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
			_, err := repo.Poll(t.Context())
			mustFail(t, err, "does not accept the token (401)", dir)
			if strings.Contains(err.Error(), "ghp_") {
				t.Error(err)
			}
			if err := os.Remove(filepath.Join(dir, "ca.crt")); err != nil {
				t.Fatal(err)
			}
			_, err = repo.Poll(t.Context())
			mustFail(t, err, "certificate", "ca.crt")
		})
	}
}

func TestCredentialsDirectoriesThatHelpNobody(t *testing.T) {
	r := newRepository(t)
	r.commit("first")
	server := r.serve(nil).URL + "/config/.git"
	for name, tt := range map[string]struct {
		keys map[string]string
		want []string
	}{
		"empty":          {nil, []string{"holds no credentials", "username and password, bearerToken"}},
		"two lines":      {map[string]string{"password": "a\nb"}, []string{"password holds more than one line"}},
		"no certificate": {map[string]string{"ca.crt": canary}, []string{"ca.crt of the credentials holds no certificate"}},
		"no proxy":       {map[string]string{"proxyAddress": "http://ada:" + canary + "@:x"}, []string{"proxyAddress is not the address of a proxy"}},
		"half an app":    {map[string]string{"githubAppID": "1"}, []string{"githubAppID, githubAppInstallationID and githubAppPrivateKey"}},
		"no app key": {map[string]string{"githubAppID": "1", "githubAppInstallationID": "2", "githubAppPrivateKey": canary},
			[]string{"githubAppPrivateKey holds no RSA private key"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := git.Repo{URL: server, Auth: git.Auth{Dir: secretDir(t, tt.keys)}}.Poll(t.Context())
			mustFail(t, err, tt.want...)
			if strings.Contains(err.Error(), canary) {
				t.Error(err)
			}
		})
	}
	_, err := git.Repo{URL: server, Auth: git.Auth{Dir: "/nonexistent"}}.Poll(t.Context())
	mustFail(t, err, "credentials directory: ", "/nonexistent")
	_, err = git.Repo{URL: "http://192.0.2.1/config", Auth: git.Auth{Dir: secretDir(t, map[string]string{"password": canary})}}.Poll(t.Context())
	mustFail(t, err, "never sent over plain http", "use https")
}

// proxyFor is an http proxy that asks for a password and tunnels (CONNECT).
func proxyFor(t testing.TB, tunnels *atomic.Int32) *url.URL {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		want := "Basic " + base64.StdEncoding.EncodeToString([]byte("ada:"+canary))
		if req.Method != http.MethodConnect || req.Header.Get("Proxy-Authorization") != want {
			http.Error(w, "you sent "+req.Header.Get("Proxy-Authorization"), http.StatusProxyAuthRequired)
			return
		}
		to, err := net.Dial("tcp", req.Host)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		tunnels.Add(1)
		_, _ = io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n")
		go func() { _, _ = io.Copy(to, buffered); _ = to.Close() }()
		go func() { _, _ = io.Copy(conn, to); _ = conn.Close() }()
	}))
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("ada", canary)
	return u
}

func TestAProxyIsUsedForHTTPSAndForSSH(t *testing.T) {
	r := newRepository(t)
	commit := r.commit("first")
	var tunnels atomic.Int32
	proxy := proxyFor(t, &tunnels)
	server, ca := r.serveTLS(nil)
	web := git.Repo{URL: server.URL + "/config/.git", Server: new(git.Server),
		Auth: git.Auth{Dir: secretDir(t, map[string]string{"ca.crt": ca, "proxyAddress": proxy.String()})}}
	fetch(t, web, poll(t, web))
	if n := tunnels.Load(); n != 1 {
		t.Errorf("%d tunnels: connections are to be kept", n)
	}

	hostKey, _ := newKey(t)
	clientKey, clientPEM := newKey(t)
	sshd := serveSSH(t, hostKey, clientKey.PublicKey())
	known := knownhosts.Line([]string{knownhosts.Normalize(sshd.address)}, hostKey.PublicKey())
	shell := git.Repo{URL: "ssh://git@" + sshd.address + r.dir,
		Auth: git.Auth{Dir: secretDir(t, map[string]string{"identity": clientPEM, "known_hosts": known, "proxyAddress": proxy.String()})}}
	tunnels.Store(0)
	if poll(t, shell) != commit || tunnels.Load() != 1 {
		t.Errorf("%d tunnels", tunnels.Load())
	}

	proxy.User = url.UserPassword("ada", "canary-wrong")
	for _, repo := range []git.Repo{
		{URL: shell.URL, Auth: git.Auth{Dir: secretDir(t, map[string]string{"identity": clientPEM, "known_hosts": known, "proxyAddress": proxy.String()})}},
		{URL: web.URL, Auth: git.Auth{Dir: secretDir(t, map[string]string{"ca.crt": ca, "proxyAddress": proxy.String()})}},
	} {
		_, err := repo.Poll(t.Context())
		if err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("error = %v", err)
		}
	}
}

// bothWays are the keys of a Secret as a directory of files, and as they are read from a cluster.
func bothWays(t testing.TB, keys map[string]string) []git.Auth {
	data := map[string][]byte{}
	for key, value := range keys {
		data[key] = []byte(value)
	}
	return []git.Auth{{Dir: secretDir(t, keys)}, {Keys: data, Name: "the Secret x"}}
}

func TestHTTPSWithASecretThatWasRead(t *testing.T) {
	r := newRepository(t)
	commit := r.commit("first")
	server, ca := r.serveTLS(requireHeader("Basic " + base64.StdEncoding.EncodeToString([]byte("me:"+canary))))
	url := server.URL + "/config/.git"
	for _, auth := range bothWays(t, map[string]string{"username": "me", "password": canary, "ca.crt": ca}) {
		if got := poll(t, git.Repo{URL: url, Auth: auth}); got != commit {
			t.Errorf("Poll = %s", got)
		}
	}
	auth := git.Auth{Name: "the Secret x", Keys: map[string][]byte{"password": []byte("expired-" + canary), "ca.crt": []byte(ca)}}
	_, err := git.Repo{URL: url, Auth: auth}.Poll(t.Context())
	mustFail(t, err, "does not accept the token (401)", "in the Secret x")
	if strings.Contains(err.Error(), canary) {
		t.Error(err)
	}
	auth.Keys = map[string][]byte{}
	_, err = git.Repo{URL: url, Auth: auth}.Poll(t.Context())
	mustFail(t, err, "the Secret x holds no credentials")
}

func TestSSHWithASecret(t *testing.T) {
	r := newRepository(t)
	commit := r.commit("first")
	hostKey, _ := newKey(t)
	clientKey, clientPEM := newKey(t)
	server := serveSSH(t, hostKey, clientKey.PublicKey())
	known := knownhosts.Line([]string{knownhosts.Normalize(server.address)}, hostKey.PublicKey())
	url := "ssh://git@" + server.address + r.dir
	keys := map[string]string{"identity": clientPEM, "identity.pub": "ignored", "known_hosts": known}
	for _, auth := range bothWays(t, keys) {
		if got := poll(t, git.Repo{URL: url, Auth: auth}); got != commit {
			t.Errorf("Poll = %s", got)
		}
	}

	raw, err := ssh.ParseRawPrivateKey([]byte(clientPEM))
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKeyWithPassphrase(raw, "", []byte(canary))
	if err != nil {
		t.Fatal(err)
	}
	keys["identity"] = string(pem.EncodeToMemory(block))
	keys["password"] = canary + "\n"
	for _, auth := range bothWays(t, keys) {
		if got := poll(t, git.Repo{URL: url, Auth: auth}); got != commit {
			t.Errorf("Poll = %s", got)
		}
	}

	delete(keys, "password")
	for _, auth := range bothWays(t, keys) {
		_, err = git.Repo{URL: url, Auth: auth}.Poll(t.Context())
		mustFail(t, err, "passphrase")
	}
	delete(keys, "known_hosts")
	for _, auth := range bothWays(t, keys) {
		_, err = git.Repo{URL: url, Auth: auth}.Poll(t.Context())
		mustFail(t, err, "has no known_hosts", "always verified")
	}
}

// gitHub gives out installation tokens, token-1, token-2 and so on, to an app that proves its key.
type gitHub struct {
	*httptest.Server
	key    *rsa.PrivateKey
	tokens atomic.Int32
	life   time.Duration
	status int
}

func newGitHub(t testing.TB) *gitHub {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	g := &gitHub{key: key, life: time.Hour, status: http.StatusCreated}
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		if req.Method != http.MethodPost || req.URL.Path != "/app/installations/77/access_tokens" || !g.knows(req) ||
			string(body) != `{"permissions":{"contents":"read"}}` {
			t.Errorf("%s %s %s", req.Method, req.URL, body)
			http.Error(w, "who is "+req.Header.Get("Authorization"), http.StatusUnauthorized)
			return
		}
		w.WriteHeader(g.status)
		fmt.Fprintf(w, `{"token":"token-%d","expires_at":%q}`, g.tokens.Add(1), time.Now().Add(g.life).UTC().Format(time.RFC3339))
	}))
	t.Cleanup(g.Close)
	return g
}

// knows checks the signature and the claims of a request's JSON Web Token.
func (g *gitHub) knows(req *http.Request) bool {
	parts := strings.Split(strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer "), ".")
	if len(parts) != 3 {
		return false
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return false
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if rsa.VerifyPKCS1v15(&g.key.PublicKey, crypto.SHA256, sum[:], signature) != nil {
		return false
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return false
	}
	var claims struct {
		Iat, Exp int64
		Iss      string
	}
	now := time.Now().Unix()
	return json.Unmarshal(raw, &claims) == nil && claims.Iss == "12" && claims.Iat < now && claims.Exp > now && claims.Exp-claims.Iat <= 600
}

func (g *gitHub) secret(t testing.TB) map[string]string {
	key := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(g.key)})
	return map[string]string{"githubAppID": "12\n", "githubAppInstallationID": "77", "githubAppPrivateKey": string(key), "githubAppBaseURL": g.URL + "/"}
}

func TestAGitHubAppGetsATokenAndKeepsItUntilItEnds(t *testing.T) {
	r := newRepository(t)
	commit := r.commit("first")
	var refuse atomic.Bool
	var seen atomic.Value
	server := r.serve(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			user, token, _ := req.BasicAuth()
			seen.Store(user + ":" + token)
			if refuse.CompareAndSwap(true, false) {
				http.Error(w, "revoked", http.StatusUnauthorized)
				return
			}
			next.ServeHTTP(w, req)
		})
	})
	g := newGitHub(t)
	repo := git.Repo{URL: server.URL + "/config/.git", Auth: git.Auth{Dir: secretDir(t, g.secret(t))}, Server: new(git.Server)}
	for range 3 {
		if poll(t, repo) != commit {
			t.Error("another commit")
		}
	}
	fetch(t, repo, commit)
	if n := g.tokens.Load(); n != 1 || seen.Load() != "x-access-token:token-1" {
		t.Errorf("%d tokens, sent %q", n, seen.Load())
	}
	refuse.Store(true)
	if poll(t, repo) != commit || seen.Load() != "x-access-token:token-2" {
		t.Errorf("a refused token is to be replaced; sent %q", seen.Load())
	}
	g.life = time.Minute // shorter than what is kept in reserve
	refuse.Store(true)
	poll(t, repo)
	poll(t, repo)
	if n := g.tokens.Load(); n != 4 {
		t.Errorf("%d tokens: one that is about to end is not used again", n)
	}
}

func TestWhatGitHubSaysToAnAppIsWorded(t *testing.T) {
	r := newRepository(t)
	r.commit("first")
	url := r.serve(nil).URL + "/config/.git"
	for status, want := range map[int]string{
		401: "githubAppPrivateKey is a key of the app", 403: "read access to the contents", 404: "check githubAppInstallationID", 500: "status 500",
	} {
		g := newGitHub(t)
		g.status = status
		_, err := git.Repo{URL: url, Auth: git.Auth{Dir: secretDir(t, g.secret(t))}}.Poll(t.Context())
		mustFail(t, err, "token of GitHub App 12", want)
		if strings.Contains(err.Error(), "token-1") || strings.Contains(err.Error(), "eyJ") {
			t.Error(err)
		}
	}
}
