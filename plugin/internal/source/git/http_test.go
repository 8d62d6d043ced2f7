package git_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source/git"
)

const canary = "ghp_canary0123456789"

func TestATokenIsReadFromItsFileAtEachUse(t *testing.T) {
	r := newRepository(t)
	commit := r.commit("first")
	url := r.serve(requireToken(canary)).URL + "/config/.git"
	name := file(t, canary+"\n")
	repo := git.Repo{URL: url, Auth: git.Auth{TokenFile: name}}
	fetch(t, repo, poll(t, repo))

	_, err := git.Repo{URL: url}.Poll(t.Context())
	mustFail(t, err, url, "asks for credentials (401)", "pass --token-file FILE")
	if err := os.WriteFile(name, []byte("ghp_wrong"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = repo.Poll(t.Context())
	mustFail(t, err, url, "does not accept the token (401)")
	if strings.Contains(err.Error(), "ghp_") {
		t.Error(err)
	}
	if err := os.WriteFile(name, []byte(canary), 0o600); err != nil {
		t.Fatal(err)
	}
	if poll(t, repo) != commit {
		t.Error("the rotated token was not picked up")
	}
}

func TestTokenFilesThatHoldNoToken(t *testing.T) {
	r := newRepository(t)
	r.commit("first")
	url := r.serve(nil).URL + "/config/.git"
	for content, want := range map[string]string{"": "is empty", " \n\n": "is empty", "a\nb": "more than one line"} {
		name := file(t, content)
		_, err := git.Repo{URL: url, Auth: git.Auth{TokenFile: name}}.Poll(t.Context())
		mustFail(t, err, name, want)
	}
	_, err := git.Repo{URL: url, Auth: git.Auth{TokenFile: "/nonexistent/token"}}.Poll(t.Context())
	mustFail(t, err, "token file", "/nonexistent/token")
}

func TestATokenIsNeverSentOverPlainHTTP(t *testing.T) {
	_, err := git.Repo{URL: "http://192.0.2.1/config", Auth: git.Auth{TokenFile: file(t, canary)}}.Poll(t.Context())
	mustFail(t, err, "http://192.0.2.1/config: a token is never sent over plain http", "use https")
}

func TestStatusCodesAreErrorsWithAdvice(t *testing.T) {
	for status, want := range map[int][]string{
		401: {"does not accept the token (401)", "has not expired"},
		403: {"refuses access (403)", "read access to the contents"},
		404: {"no such repository (404)", "also looks missing"},
		500: {"answers with status 500"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			_, password, _ := req.BasicAuth()
			http.Error(w, "\x1b[31m you sent "+password, status)
		}))
		defer server.Close()
		_, err := git.Repo{URL: server.URL + "/config", Auth: git.Auth{TokenFile: file(t, canary)}}.Poll(t.Context())
		mustFail(t, err, append(want, server.URL+"/config")...)
		if strings.ContainsAny(err.Error(), "\x1b") || strings.Contains(err.Error(), canary) {
			t.Errorf("%q", err)
		}
	}
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>") }))
	defer page.Close()
	_, err := git.Repo{URL: page.URL + "/config"}.Poll(t.Context())
	mustFail(t, err, "does not answer as a Git server", "text/html", "the one git clone takes")
}

func TestCredentialsDoNotFollowARedirectToAnotherHost(t *testing.T) {
	r := newRepository(t)
	commit := r.commit("first")
	var seen []string
	target := r.serve(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			seen = append(seen, req.Header.Get("Authorization"))
			next.ServeHTTP(w, req)
		})
	})
	redirect := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		http.Redirect(w, req, target.URL+req.URL.String(), http.StatusFound)
	}))
	defer redirect.Close()
	url := redirect.URL + "/config/.git"
	_, err := git.Repo{URL: url, Auth: git.Auth{TokenFile: file(t, canary)}}.Poll(t.Context())
	mustFail(t, err, strings.TrimPrefix(redirect.URL, "http://"), strings.TrimPrefix(target.URL, "http://"), "must not receive the token")
	if len(seen) > 0 {
		t.Errorf("the other host was asked, with %q", seen)
	}
	repo := git.Repo{URL: url}
	if poll(t, repo) != commit {
		t.Error("without credentials the redirect is not followed")
	}
	fetch(t, repo, commit)
}

func TestARedirectToAMachineAddressIsRefused(t *testing.T) {
	for _, to := range []string{"http://169.254.169.254/x", "http://[fe80::1]/x", "http://[::ffff:169.254.169.254]:80/x", "http://168.63.129.16/x"} {
		redirect := httptest.NewServer(http.RedirectHandler(to, http.StatusFound))
		_, err := git.Repo{URL: redirect.URL + "/config"}.Poll(t.Context())
		mustFail(t, err, "redirects to ", "is not the address of a repository, refused", "link-local")
		redirect.Close()
	}
}

func TestARedirectOnTheSameHostKeepsTheToken(t *testing.T) {
	r := newRepository(t)
	commit := r.commit("first")
	server := r.serve(func(next http.Handler) http.Handler {
		next = requireToken(canary)(next)
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if rest, ok := strings.CutPrefix(req.URL.String(), "/old/"); ok {
				http.Redirect(w, req, "/config/.git/"+rest, http.StatusMovedPermanently)
				return
			}
			next.ServeHTTP(w, req)
		})
	})
	repo := git.Repo{URL: server.URL + "/old", Auth: git.Auth{TokenFile: file(t, canary)}}
	fetch(t, repo, commit)
}

// TestMain makes the certificate of httptest's servers the only one the system trusts: its roots are read once per
// process.
func TestMain(m *testing.M) {
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS()
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	server.Close()
	dir, err := os.MkdirTemp("", "source-test-")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "authority.pem"), authority, 0o600)
	}
	if err != nil {
		log.Fatal(err)
	}
	os.Setenv("SSL_CERT_FILE", filepath.Join(dir, "authority.pem"))
	os.Setenv("SSL_CERT_DIR", dir)
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

func TestHTTPSIsVerifiedAndNeverLeft(t *testing.T) {
	r := newRepository(t)
	commit := r.commit("first")
	plain := r.serve(nil)
	server := httptest.NewUnstartedServer(r.handler(func(next http.Handler) http.Handler {
		next = requireToken(canary)(next)
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if rest, ok := strings.CutPrefix(req.URL.String(), "/moved/"); ok {
				http.Redirect(w, req, plain.URL+"/config/.git/"+rest, http.StatusFound)
				return
			}
			next.ServeHTTP(w, req)
		})
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	auth := git.Auth{TokenFile: file(t, canary)}
	fetch(t, git.Repo{URL: server.URL + "/config/.git", Auth: auth}, commit)
	for _, auth := range []git.Auth{auth, {}} {
		_, err := git.Repo{URL: server.URL + "/moved", Auth: auth}.Poll(t.Context())
		mustFail(t, err, server.URL, strings.TrimPrefix(plain.URL, "http://"), "without https, refused")
	}

	stranger := httptest.NewUnstartedServer(r.handler(nil))
	stranger.Config.ErrorLog = log.New(io.Discard, "", 0)
	stranger.TLS = &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}}
	stranger.StartTLS()
	defer stranger.Close()
	_, err := git.Repo{URL: stranger.URL + "/config/.git", Auth: auth}.Poll(t.Context())
	mustFail(t, err, stranger.URL, "certificate", "SSL_CERT_FILE")
}

func selfSigned(t testing.TB) tls.Certificate {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}
}

func TestAServerThatIsNotThere(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	_, err = git.Repo{URL: "http://" + address + "/config"}.Poll(t.Context())
	mustFail(t, err, "http://"+address+"/config: ", "connection refused", "check that "+address+" can be reached")
	_, err = git.Repo{URL: "http://config.invalid/config"}.Poll(t.Context())
	mustFail(t, err, "http://config.invalid/config: ", "hint: check ")
}

func TestARedirectLoopEnds(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		http.Redirect(w, req, req.URL.String(), http.StatusFound)
	}))
	defer server.Close()
	_, err := git.Repo{URL: server.URL + "/config"}.Poll(t.Context())
	mustFail(t, err, "too many redirects")
}

func TestAServerThatHangsRunsIntoTheTimeout(t *testing.T) {
	r := newRepository(t)
	commit := r.commit("first")
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		server := r.serve(func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				if req.Method != method {
					next.ServeHTTP(w, req)
					return
				}
				w.Header().Set("Content-Type", "application/x-git-upload-pack-result")
				w.WriteHeader(200)
				w.(http.Flusher).Flush()
				_, _ = io.Copy(io.Discard, req.Body)
				<-req.Context().Done()
			})
		})
		url := server.URL + "/config/.git"
		_, _, err := git.Repo{URL: url, Limits: git.Limits{Timeout: 300 * time.Millisecond}}.Fetch(t.Context(), commit, t.TempDir())
		mustFail(t, err, url, "not done within 300ms", "can be reached", "--fetch-timeout 600ms")
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Error("not a deadline")
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := git.Repo{URL: "http://127.0.0.1:1/config"}.Poll(ctx)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}

// answer changes the bytes of the pack before the client sees them.
func answer(change func([]byte) []byte) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if req.Method != http.MethodPost {
				next.ServeHTTP(w, req)
				return
			}
			rec := httptest.NewRecorder()
			next.ServeHTTP(rec, req)
			w.Header().Set("Content-Type", rec.Header().Get("Content-Type"))
			_, _ = w.Write(change(rec.Body.Bytes()))
		})
	}
}

func TestADamagedPackIsAnErrorAndLeavesNothingBehind(t *testing.T) {
	r := newRepository(t)
	r.write("a.yaml", strings.Repeat("kind: ConfigMap\n", 1000))
	r.write("b.yaml", strings.Repeat("kind: ConfigMap\n", 1000)+"x")
	commit := r.commit("first")
	t.Setenv("TMPDIR", t.TempDir())
	var recorded []byte
	url := r.serve(answer(func(b []byte) []byte { recorded = bytes.Clone(b); return b })).URL + "/config/.git"
	fetch(t, git.Repo{URL: url}, commit)
	for name, change := range map[string]func([]byte) []byte{
		"cut in the middle":    func(b []byte) []byte { return b[:len(b)/2] },
		"cut before the end":   func(b []byte) []byte { return b[:len(b)-8] },
		"nothing":              func([]byte) []byte { return nil },
		"no pack":              func(b []byte) []byte { return b[:bytes.Index(b, []byte("NAK"))+4] },
		"not a pack":           func(b []byte) []byte { return bytes.Replace(b, []byte("PACK"), []byte("KCAP"), 1) },
		"absurd count":         func(b []byte) []byte { i := bytes.Index(b, []byte("PACK")); b[i+8] = 0xff; return b },
		"unknown version":      func(b []byte) []byte { i := bytes.Index(b, []byte("PACK")); b[i+7] = 9; return b },
		"garbage":              func(b []byte) []byte { return []byte(strings.Repeat("z", 100)) },
		"error with an escape": func([]byte) []byte { return []byte("0015ERR \x1b[2J no access") },
	} {
		t.Run(name, func(t *testing.T) {
			url := r.serve(answer(change)).URL + "/config/.git"
			_, _, err := git.Repo{URL: url}.Fetch(t.Context(), commit, t.TempDir())
			mustFail(t, err, url)
			if err != nil && strings.Contains(err.Error(), "\x1b") {
				t.Errorf("%q", err)
			}
			if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "kubectl-gitops-*")); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
	// Each byte damaged, one after the other: an error or the true tree, never anything else.
	damaged := bytes.Clone(recorded)
	url = r.serve(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if req.Method != http.MethodPost {
				next.ServeHTTP(w, req)
				return
			}
			w.Header().Set("Content-Type", "application/x-git-upload-pack-result")
			_, _ = w.Write(damaged)
		})
	}).URL + "/config/.git"
	for i := 0; i < len(recorded); i += 5 {
		damaged[i] ^= 0x20
		dir := t.TempDir()
		_, _, err := git.Repo{URL: url}.Fetch(t.Context(), commit, dir)
		damaged[i] ^= 0x20
		if err != nil {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, "a.yaml"))
		if err != nil || string(data) != strings.Repeat("kind: ConfigMap\n", 1000) {
			t.Errorf("byte %d: wrong contents accepted", i)
		}
	}
}

func TestAnEndlessAnswerIsBounded(t *testing.T) {
	r := newRepository(t)
	commit := r.commit("first")
	server := r.serve(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if req.Method != http.MethodPost {
				next.ServeHTTP(w, req)
				return
			}
			w.Header().Set("Content-Type", "application/x-git-upload-pack-result")
			_, _ = io.WriteString(w, "0034shallow "+commit+"00000008NAK\n")
			progress := []byte("03e9\x02" + strings.Repeat("p", 0x3e9-5))
			for {
				if _, err := w.Write(progress); err != nil {
					return
				}
			}
		})
	})
	_, _, err := git.Repo{URL: server.URL + "/config/.git", Limits: git.Limits{Bytes: 1 << 20}}.Fetch(t.Context(), commit, t.TempDir())
	mustFail(t, err, "larger than the limit")
	if len(hint.Of(err)) > 1 {
		t.Error(hint.Of(err))
	}
}
