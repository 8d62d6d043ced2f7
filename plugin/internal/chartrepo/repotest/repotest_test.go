package repotest

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func start(t *testing.T, opt Options) (*Server, *http.Client) {
	t.Helper()
	s, err := Start(opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	client, err := s.Client()
	if err != nil {
		t.Fatal(err)
	}
	return s, client
}

func get(t *testing.T, client *http.Client, address, user, password string) (int, string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if user != "" {
		r.SetBasicAuth(user, password)
	}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func TestHelmRepository(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/db/Chart.yaml", "name: db\nversion: 1.2.3\n")
	s, client := start(t, Options{Charts: dir, Logins: func() []string { return []string{"ada:right"} }})
	if code, _ := get(t, client, s.URL()+"/index.yaml", "ada", "wrong"); code != http.StatusUnauthorized {
		t.Errorf("the wrong password: %d", code)
	}
	_, index := get(t, client, s.URL()+"/index.yaml", "ada", "right")
	_, archive := get(t, client, s.URL()+"/db-1.2.3.tgz", "ada", "right")
	if want := fmt.Sprintf("digest: %x", sha256.Sum256([]byte(archive))); !strings.Contains(index, want) {
		t.Errorf("%s is not in %s", want, index)
	}
	write(t, dir+"/db/templates/x.yaml", "new")
	write(t, dir+"/newer/Chart.yaml", "name: db\nversion: 2.0.0\n")
	_, index = get(t, client, s.URL()+"/index.yaml", "ada", "right")
	if _, changed := get(t, client, s.URL()+"/db-1.2.3.tgz", "ada", "right"); changed == archive || strings.Count(index, "- name: db") != 2 {
		t.Errorf("nothing was published: %s", index)
	}
	if all := s.Requests(); len(all) != 5 || all[0].Authorization == all[1].Authorization || all[0].Certificate != "the test itself" {
		t.Errorf("recorded %v", all)
	}
}

func TestRegistryAsksForAToken(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/db/Chart.yaml", "name: db\nversion: 1.2.3+x\n")
	service, _ := start(t, Options{Logins: func() []string { return []string{"ada:right", "identity refresh"} }})
	for kind, opt := range map[string]Options{"its own": {}, "of another host": {Realm: service.URL() + "/token"}, "basic": {Basic: true}} {
		opt.Charts, opt.Authority, opt.Logins = dir, service.Authority(), service.opt.Logins
		s, client := start(t, opt)
		ref, err := name.NewTag(s.Host() + "/charts/db:1.2.3_x")
		if err != nil {
			t.Fatal(err)
		}
		for login, config := range map[string]authn.AuthConfig{
			"right": {Username: "ada", Password: "right"}, "wrong": {Username: "ada", Password: "wrong"}, "nobody": {}, "identity": {IdentityToken: "refresh"},
		} {
			_, err = remote.Image(ref, remote.WithTransport(client.Transport), remote.WithAuth(authn.FromConfig(config)))
			ok := login == "right" || login == "identity" && !opt.Basic
			if strings.Contains(kind, "another") { // the library refuses private addresses that are not the registry
				ok = false
			}
			if (err == nil) != ok {
				t.Errorf("a token service %s, %s: %v", kind, login, err)
			}
		}
	}
}

func TestTokensAreForOneRepository(t *testing.T) {
	token := "Bearer " + sign("repository:charts/db:pull")
	for repository, want := range map[string]bool{"charts/db": true, "charts/queue": false, "": true} {
		if allows(token, repository) != want {
			t.Errorf("%s: %v", repository, !want)
		}
	}
	if allows(token+"x", "charts/db") || allows("Basic x", "charts/db") || allows("Bearer x.y", "") {
		t.Error("a token that nobody signed")
	}
}

func TestClientCertificates(t *testing.T) {
	s, client := start(t, Options{ClientCertificates: true})
	if code, _ := get(t, client, s.URL()+"/index.yaml", "", ""); code != http.StatusOK {
		t.Errorf("with one: %d", code)
	}
	without := client.Transport.(*http.Transport).Clone()
	without.TLSClientConfig.Certificates = nil
	if _, err := (&http.Client{Transport: without}).Get(s.URL()); err == nil {
		t.Error("without one it is let in")
	}
}

func TestPush(t *testing.T) {
	s, client := start(t, Options{Logins: func() []string { return []string{} }})
	r, err := http.NewRequest(http.MethodPut, s.URL()+pushPath+"?tag=acme/manifests:1.0.0&type="+"application/vnd.cncf.flux.content.v1.tar%2Bgzip", strings.NewReader("layer"))
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if text, _ := io.ReadAll(response.Body); !strings.HasPrefix(string(text), "sha256:") || len(s.Requests()) != 0 {
		t.Errorf("%s", text)
	}
	if code, _ := get(t, client, s.URL()+"/v2/acme/manifests/manifests/1.0.0", "", ""); code != http.StatusUnauthorized {
		t.Errorf("an empty list lets %d in", code)
	}
}
