package chartrepo

import (
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/access"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chart"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chartrepo/repotest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

func serve(t *testing.T, opt repotest.Options) *repotest.Server {
	t.Helper()
	s, err := repotest.Start(opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func logins(list ...string) func() []string { return func() []string { return list } }

// fetchWith fetches db 1.2.3 with the keys of a Secret, and with mirrors.
func fetchWith(t *testing.T, repository, mirrors string, keys map[string]string) error {
	t.Helper()
	data := map[string][]byte{}
	for key, value := range keys {
		data[key] = []byte(value)
	}
	a := access.Access{Secret: func(context.Context, string) (access.Keys, error) {
		return access.SecretKeys("the Secret x", data), nil
	}}
	if mirrors != "" {
		file := filepath.Join(t.TempDir(), "mirrors.yaml")
		if err := os.WriteFile(file, []byte(mirrors), 0o600); err != nil {
			t.Fatal(err)
		}
		a.Mirrors = access.Mirrors(file)
	}
	n := chart.Need{Name: "db", Version: "1.2.3", Repository: repository}
	if len(keys) > 0 {
		n.Secret = "x"
	}
	f := &Fetcher{Local: mirrors == "", Route: a.Route, backoff: &remote.Backoff{Steps: 1}}
	got, _, err := f.Fetch(t.Context(), n)
	if err == nil && len(got) == 0 {
		t.Error("an empty archive")
	}
	return err
}

// hasSeen tells whether a server was shown a text, in any header or body.
func hasSeen(s *repotest.Server, text string) bool {
	encoded := base64.StdEncoding.EncodeToString([]byte("me:" + text))
	for _, r := range s.Requests() {
		if shown := r.String(); strings.Contains(shown, text) || strings.Contains(shown, encoded) {
			return true
		}
	}
	return false
}

const hunter = "hunter2-canary"

// Each kind of credentials opens a real Helm repository, or a real registry, whose authority no machine trusts.
func TestCredentialsOpen(t *testing.T) {
	dir := packed(t)
	dockerconfig := func(entry string) func(*repotest.Server) map[string]string {
		return func(s *repotest.Server) map[string]string {
			return map[string]string{".dockerconfigjson": fmt.Sprintf(`{"auths":{%q:%s,"other.example":{"username":"x","password":"y"}}}`, s.Host(), entry)}
		}
	}
	fixed := func(pairs ...string) func(*repotest.Server) map[string]string {
		return func(*repotest.Server) map[string]string {
			keys := map[string]string{}
			for i := 0; i+1 < len(pairs); i += 2 {
				keys[pairs[i]] = pairs[i+1]
			}
			return keys
		}
	}
	for name, tt := range map[string]struct {
		opt  repotest.Options
		keys func(*repotest.Server) map[string]string
	}{
		"basic":    {repotest.Options{Logins: logins("me:" + hunter)}, fixed("username", "me", "password", hunter)},
		"bearer":   {repotest.Options{Logins: logins("bearer " + hunter)}, fixed("bearerToken", hunter)},
		"docker":   {repotest.Options{Logins: logins("me:" + hunter)}, dockerconfig(`{"username":"me","password":"` + hunter + `"}`)},
		"auth":     {repotest.Options{Logins: logins("me:" + hunter)}, dockerconfig(`{"auth":"` + base64.StdEncoding.EncodeToString([]byte("me:"+hunter)) + `"}`)},
		"password": {repotest.Options{Basic: true, Logins: logins("me:" + hunter)}, fixed("username", "me", "password", hunter)},
		"identity": {repotest.Options{Logins: logins("identity " + hunter)}, dockerconfig(`{"identitytoken":"` + hunter + `"}`)},
		"mutual TLS": {repotest.Options{ClientCertificates: true}, func(s *repotest.Server) map[string]string {
			cert, key, err := s.Authority().Client("me")
			if err != nil {
				t.Fatal(err)
			}
			return map[string]string{"tls.crt": string(cert), "tls.key": string(key)}
		}},
	} {
		for _, kind := range []string{"https", "oci"} {
			if kind == "https" && name == "identity" {
				continue
			}
			t.Run(kind+" "+name, func(t *testing.T) {
				tt.opt.Charts = dir
				s := serve(t, tt.opt)
				keys := tt.keys(s)
				if err := fetchWith(t, kind+"://"+s.Host()+"/charts", "", keys); err == nil || !strings.Contains(err.Error(), "certificate") {
					t.Errorf("without ca.crt: %v", err)
				}
				keys["ca.crt"] = string(s.Authority().PEM())
				if err := fetchWith(t, kind+"://"+s.Host()+"/charts", "", keys); err != nil {
					t.Error(err)
				}
				wrong := map[string]string{"ca.crt": keys["ca.crt"], "username": "me", "password": "expired-canary"}
				err := fetchWith(t, kind+"://"+s.Host()+"/charts", "", wrong)
				if name == "mutual TLS" {
					return
				}
				if err == nil || !strings.Contains(err.Error(), s.Host()+" does not accept the credentials (401)") || strings.Contains(err.Error(), "canary") ||
					!strings.Contains(strings.Join(hint.Of(err), ""), "of the Secret x has not expired") {
					t.Errorf("with an expired token: %v %q", err, hint.Of(err))
				}
				err = fetchWith(t, kind+"://"+s.Host()+"/charts", "", map[string]string{"ca.crt": keys["ca.crt"]})
				if err == nil || !strings.Contains(err.Error(), s.Host()+" asks for credentials (401)") {
					t.Errorf("without credentials: %v", err)
				}
			})
		}
	}
}

// A redirect to another host, or to another port of the same one, is followed without the credentials and without the certificate.
func TestCredentialsStayWithTheirHost(t *testing.T) {
	dir := packed(t)
	authority, err := repotest.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := authority.Client("me")
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]string{"username": "me", "password": hunter, "ca.crt": string(authority.PEM()), "tls.crt": string(cert), "tls.key": string(key)}
	for _, kind := range []string{"https", "oci"} {
		t.Run(kind, func(t *testing.T) {
			// 127.0.0.1 on another port is this machine, which no redirect may lead to: the test takes that rule out, and no other.
			other := serve(t, repotest.Options{Charts: dir, Authority: authority})
			first := serve(t, repotest.Options{Charts: dir, Authority: authority, Logins: logins("me:" + hunter), Basic: true, Redirect: other.URL()})
			n := chart.Need{Name: "db", Version: "1.2.3", Repository: kind + "://" + first.Host() + "/charts", Secret: "x"}
			data := map[string][]byte{}
			for k, v := range keys {
				data[k] = []byte(v)
			}
			a := access.Access{Secret: func(context.Context, string) (access.Keys, error) {
				return access.SecretKeys("the Secret x", data), nil
			}}
			f := &Fetcher{Local: true, Route: a.Route, backoff: &remote.Backoff{Steps: 1}, anywhere: true}
			_, _, err := f.Fetch(t.Context(), n)
			if kind == "https" && err != nil {
				t.Error(err)
			}
			if !hasSeen(first, hunter) || len(other.Requests()) == 0 {
				t.Fatalf("nothing was shown: %v %v", err, other.Requests())
			}
			if hasSeen(other, hunter) {
				t.Errorf("the other host was shown the password: %v", other.Requests())
			}
			for _, r := range other.Requests() {
				if r.Certificate != "" || r.Authorization != "" {
					t.Errorf("the other host was shown %v", r)
				}
			}
		})
	}
	// The token service of a registry gets the password, wherever it is, as from Docker; whom it redirects to does not.
	t.Run("token", func(t *testing.T) {
		thief := serve(t, repotest.Options{Authority: authority})
		service := serve(t, repotest.Options{Authority: authority, Logins: logins("nobody"), Redirect: thief.URL()})
		first := serve(t, repotest.Options{Charts: dir, Authority: authority, Logins: logins("me:x"), Realm: service.URL() + "/else"})
		err := fetchWith(t, "oci://"+first.Host()+"/charts", "", keys)
		if err == nil || hasSeen(thief, hunter) || len(service.Requests()) > 0 {
			t.Errorf("a realm on this machine, on another port: %v %v", err, service.Requests())
		}
	})
}

// A redirect to a link-local address, to metadata or to this machine is refused, with and without credentials, and from a mirror.
func TestRedirectsThatAreRefused(t *testing.T) {
	dir := packed(t)
	for _, to := range []string{"https://169.254.169.254", "https://[fe80::1]", "https://[fd00:ec2::254]", "http://169.254.169.254", "https://127.0.0.1:1"} {
		for _, kind := range []string{"https", "oci"} {
			first := serve(t, repotest.Options{Charts: dir, Redirect: to})
			keys := map[string]string{"username": "me", "password": hunter, "ca.crt": string(first.Authority().PEM())}
			err := fetchWith(t, kind+"://"+first.Host()+"/charts", "", keys)
			if err == nil || !isRefused(err) || strings.Contains(err.Error(), hunter) {
				t.Errorf("%s to %s: %v", kind, to, err)
			}
			mirror := serve(t, repotest.Options{Charts: dir, Redirect: to, Plain: true})
			err = fetchWith(t, kind+"://charts.example/x", kind+"://charts.example/x: http://"+mirror.Host()+"/charts\n", nil)
			if err == nil || !isRefused(err) {
				t.Errorf("the mirror of %s to %s: %v", kind, to, err)
			}
		}
	}
}

// isRefused tells whether an address was refused before it was asked, by us or by the library.
func isRefused(err error) bool {
	for _, text := range []string{"is not the address of a repository", "is not https", "private/link-local host"} {
		if strings.Contains(err.Error(), text) {
			return true
		}
	}
	return false
}

// A mirror is asked in place of the address, also on this machine and without TLS, and gets no credentials of the address.
func TestMirrors(t *testing.T) {
	mirror := serve(t, repotest.Options{Charts: packed(t), Plain: true})
	_, port, _ := net.SplitHostPort(mirror.Host())
	for name, tt := range map[string]struct{ repository, mirrors string }{
		"a Helm repository":     {"https://charts.example", "https://charts.example: http://" + mirror.Host() + "/x"},
		"by a name":             {"https://charts.example/", "https://charts.example: http://localhost:" + port},
		"a registry":            {"oci://ghcr.example/acme/charts", "oci://ghcr.example/acme: http://" + mirror.Host()},
		"a registry, as http":   {"oci://ghcr.example", "oci://ghcr.example: http://" + mirror.Host() + "/charts"},
		"one chart":             {"oci://ghcr.example/x", "oci://ghcr.example/x/db: http://" + mirror.Host() + "/charts/db"},
		"with other rules, too": {"oci://ghcr.example/x", "oci://ghcr.example: oci://nowhere.example\noci://ghcr.example/x: http://" + mirror.Host() + "/charts"},
	} {
		if err := fetchWith(t, tt.repository, tt.mirrors, map[string]string{"username": "me", "password": hunter}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if hasSeen(mirror, hunter) {
		t.Error("the mirror was shown the password of another host")
	}
	// A mirror of one host opens nothing else of this machine.
	asked := len(mirror.Requests())
	for _, repository := range []string{"http://" + mirror.Host(), "oci://" + mirror.Host() + "/charts", "https://charts.example/../admin"} {
		if err := fetchWith(t, repository, "https://charts.example: http://"+mirror.Host()+"/x", nil); err == nil {
			t.Errorf("%s was asked", repository)
		}
	}
	if len(mirror.Requests()) != asked {
		t.Errorf("%v", mirror.Requests()[asked:])
	}
	// An index that names this machine does not open it.
	index := serve(t, repotest.Options{Charts: mirrorOf(t, "http://"+mirror.Host()), Plain: true})
	err := fetchWith(t, "https://charts.example", "https://charts.example: http://"+index.Host(), nil)
	if err == nil || len(mirror.Requests()) != asked {
		t.Errorf("an index led to this machine: %v", err)
	}
	// Nor on a laptop, where a chart may name this machine itself.
	secure := serve(t, repotest.Options{Charts: packed(t), Authority: mirror.Authority()})
	index = serve(t, repotest.Options{Charts: mirrorOf(t, secure.URL()), Authority: mirror.Authority()})
	err = fetchWith(t, index.URL(), "", map[string]string{"ca.crt": string(mirror.Authority().PEM())})
	if err == nil || len(secure.Requests()) > 0 || len(index.Requests()) != 1 {
		t.Errorf("an index led to another port of this machine: %v", err)
	}
	// But where that address has a mirror, that is asked.
	index = serve(t, repotest.Options{Charts: mirrorOf(t, "https://archives.example"), Plain: true})
	if err := fetchWith(t, "https://charts.example", "https://charts.example: http://"+index.Host()+"\nhttps://archives.example: http://"+mirror.Host(), nil); err != nil {
		t.Error(err)
	}
}

// mirrorOf is a directory with an index of db whose archive is at another address.
func mirrorOf(t *testing.T, at string) string {
	t.Helper()
	whole, err := repotest.Pack(packed(t) + "/db")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	text := "entries:\n  db:\n  - version: 1.2.3\n    digest: " + chart.Digest(whole.Archive) + "\n    urls: [" + at + "/db-1.2.3.tgz]\n"
	if err := os.WriteFile(filepath.Join(dir, "index.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}
