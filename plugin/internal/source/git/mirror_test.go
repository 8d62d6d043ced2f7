package git_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/access"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chartrepo/repotest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source/git"
)

// A mirror is asked in place of the repository. It gets what .dockerconfigjson has for it, and nothing that is for the repository.
func TestMirrorOfARepository(t *testing.T) {
	r := newRepository(t)
	commit := r.commit("first")
	var seen []string
	server, ca := r.serveTLS(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			seen = append(seen, req.Header.Get("Authorization"))
			if req.Header.Get("Authorization") != "Basic "+base64.StdEncoding.EncodeToString([]byte("m:for-the-mirror")) {
				http.Error(w, "you sent "+req.Header.Get("Authorization"), http.StatusUnauthorized)
				return
			}
			next.ServeHTTP(w, req)
		})
	})
	host := strings.TrimPrefix(server.URL, "https://")
	dir := secretDir(t, map[string]string{"username": "me", "password": canary, "bearerToken": canary, "ca.crt": ca})
	file := filepath.Join(t.TempDir(), "mirrors.yaml")
	if err := os.WriteFile(file, []byte("https://github.example/acme: "+server.URL+"/config\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a := access.Access{Mirrors: access.Mirrors(file), Dir: dir}
	repo := git.Repo{URL: "https://github.example/acme/.git", Auth: git.Auth{Dir: dir}, Server: new(git.Server), Mirror: a.Mirror}
	_, err := repo.Poll(t.Context())
	mustFail(t, err, "https://github.example/acme/.git by "+server.URL+"/config/.git", host+" asks for credentials (401)", ".dockerconfigjson")
	config := `{"auths":{"` + host + `":{"username":"m","password":"for-the-mirror"}}}`
	if err := os.WriteFile(filepath.Join(dir, ".dockerconfigjson"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := repo.Poll(t.Context()); err != nil || got != commit {
		t.Errorf("%s, %v", got, err)
	}
	tree, err := git.Unpacker{Repo: repo}.Open(t.Context(), commit)
	if err != nil {
		t.Fatal(err)
	}
	tree.Close()
	if err := os.WriteFile(filepath.Join(dir, ".dockerconfigjson"), []byte(strings.ReplaceAll(config, "for-the", "expired")), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = repo.Poll(t.Context())
	mustFail(t, err, host+" does not accept the credentials (401)", "in .dockerconfigjson have not expired")
	if text := strings.Join(seen, "\n"); strings.Contains(text, canary) || strings.Contains(text, base64.StdEncoding.EncodeToString([]byte("me:"+canary))) || strings.Contains(err.Error(), "expired-mirror") {
		t.Errorf("%v\n%s", err, text)
	}
	if repo.Display() != "https://github.example/acme/.git" {
		t.Error(repo.Display())
	}
	mirrorsAway := git.Repo{URL: "https://github.example/acme/.git", Mirror: access.Access{Mirrors: access.Mirrors(file + "x")}.Mirror}
	_, err = mirrorsAway.Poll(t.Context())
	mustFail(t, err, "mirrors: open ")
}

// tls.crt and tls.key open a server that asks for the certificate of its clients.
func TestCertificateOfTheClient(t *testing.T) {
	r := newRepository(t)
	commit := r.commit("first")
	authority, err := repotest.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	pair, err := authority.Server()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(r.handler(nil))
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority.PEM())
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert}
	server.StartTLS()
	t.Cleanup(server.Close)
	cert, key, err := authority.Client("me")
	if err != nil {
		t.Fatal(err)
	}
	for _, names := range [][3]string{{"ca.crt", "tls.crt", "tls.key"}, {"caFile", "certFile", "keyFile"}} {
		dir := secretDir(t, map[string]string{names[0]: string(authority.PEM()), names[1]: string(cert), names[2]: string(key)})
		got, err := git.Repo{URL: server.URL + "/config/.git", Auth: git.Auth{Dir: dir}}.Poll(t.Context())
		if err != nil || got != commit {
			t.Errorf("%s, %v", got, err)
		}
	}
	other := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte(canary)})
	dir := secretDir(t, map[string]string{"ca.crt": string(authority.PEM()), "tls.crt": string(cert), "tls.key": string(other)})
	_, err = git.Repo{URL: server.URL + "/config/.git", Auth: git.Auth{Dir: dir}}.Poll(t.Context())
	mustFail(t, err, "tls.crt and tls.key of the credentials are not a certificate and its key")
}
