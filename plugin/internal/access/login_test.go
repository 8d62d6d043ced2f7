package access

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func secret(pairs ...string) Keys {
	data := map[string][]byte{}
	for i := 0; i+1 < len(pairs); i += 2 {
		data[pairs[i]] = []byte(pairs[i+1])
	}
	return SecretKeys("the Secret x", data)
}

func docker(entries ...string) string {
	return `{"auths":{` + strings.Join(entries, ",") + `}}`
}

func basic(host, login string) string {
	return fmt.Sprintf(`%q:{"auth":%q}`, host, base64.StdEncoding.EncodeToString([]byte(login)))
}

// shows prints what a server learns.
func shows(r Route) string {
	l := r.Login
	return strings.TrimSpace(fmt.Sprint(strings.TrimSuffix(l.User+":"+l.Password, ":"), " ", l.Bearer, l.Identity, l.Cert, l.Key))
}

// TestWhoIsShownWhat: a credential goes to the host that it is for, and to no other.
func TestWhoIsShownWhat(t *testing.T) {
	several := docker(basic("ghcr.io", "a:one"), basic("ghcr.io/acme", "b:two"), basic("ghcr.io/acme/private", "c:three"), basic("https://index.docker.io/v1/", "d:four"),
		`"quay.io:8443":{"username":"e","password":"five"}`, `"https://mirror.example/":{"username":"m","password":"six"}`, `"idents.example":{"identitytoken":"seven"}`)
	m := mirrors(t, "https://charts.example: https://mirror.example/x\noci://far.example: http://127.0.0.1:5000/far\n")
	for name, tt := range map[string]struct {
		address string
		keys    Keys
		want    string
	}{
		"a password":                {"https://a.example/charts", secret("username", "me", "password", "pass\n"), "me:pass"},
		"a password without a user": {"https://a.example/charts", secret("password", "pass"), "x-access-token:pass"},
		"a bearer token":            {"https://a.example/charts", secret("bearerToken", "b"), "b"},
		"a registry":                {"oci://a.example/charts/db", secret("username", "me", "password", "pass"), "me:pass"},
		"a certificate":             {"https://a.example", secret("tls.crt", "C", "tls.key", "K"), "CK"},
		"its old names":             {"https://a.example", secret("certFile", "C", "keyFile", "K", "caFile", "A"), "CK"},
		"its mirror gets nothing":   {"https://charts.example", secret("username", "me", "password", "pass", "bearerToken", "b", "tls.crt", "C", "tls.key", "K"), ""},
		"a mirror of its own":       {"https://charts.example", secret("username", "me", "password", "pass", ".dockerconfigjson", several), "m:six"},
		"several hosts":             {"oci://ghcr.io/charts/db", secret(".dockerconfigjson", several), "a:one"},
		"a path":                    {"oci://ghcr.io/acme/db", secret(".dockerconfigjson", several), "b:two"},
		"the longest path":          {"oci://ghcr.io/acme/private", secret(".dockerconfigjson", several), "c:three"},
		"a longer name":             {"oci://ghcr.io/acme/privateer", secret(".dockerconfigjson", several), "b:two"},
		"a user and a password":     {"oci://quay.io:8443/db", secret(".dockerconfigjson", several), "e:five"},
		"Docker Hub":                {"oci://docker.io/acme/db", secret(".dockerconfigjson", several), "d:four"},
		"a Helm repository":         {"https://quay.io:8443/db", secret(".dockerconfigjson", several), "e:five"},
		"an identity token":         {"oci://idents.example/db", secret(".dockerconfigjson", several), "seven"},
	} {
		r, err := Access{Mirrors: m, Secret: func(context.Context, string) (Keys, error) { return tt.keys, nil }}.Route(t.Context(), tt.address, "x")
		if got := shows(r); err != nil || got != tt.want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for name, tt := range map[string]struct {
		address string
		keys    Keys
		want    string
	}{
		"nothing in it":         {"https://a.example", secret("other", "x"), "the Secret x holds no credentials"},
		"for other hosts":       {"oci://quay.io/db", secret(".dockerconfigjson", several), "the Secret x holds no credentials for quay.io"},
		"a suffix of a host":    {"oci://xghcr.io/db", secret(".dockerconfigjson", several), "holds no credentials for xghcr.io"},
		"two lines":             {"https://a.example", secret("password", "hunter2\nx"), "password of the Secret x holds more than one line"},
		"no JSON":               {"https://a.example", secret(".dockerconfigjson", "hunter2"), "not the JSON that `docker login` writes"},
		"no base64":             {"https://a.example", secret(".dockerconfigjson", docker(`"a.example":{"auth":"hunter2"}`)), `auth of "a.example" is not base64 of user:password`},
		"without TLS":           {"http://a.example", secret("password", "hunter2"), "never sent over plain http"},
		"in the address":        {"https://me:hunter2@a.example", secret("password", "x"), "holds a user or password"},
		"a Secret that is away": {"https://a.example", Keys{}, "not found"},
		"a mirror in the open":  {"oci://open.example/x", secret(".dockerconfigjson", docker(basic("plain.example:5000", "a:hunter2"))), "never sent over plain http, as to plain.example:5000"},
	} {
		a := Access{Mirrors: mirrors(t, "oci://open.example: http://plain.example:5000\n"), Secret: func(context.Context, string) (Keys, error) {
			if tt.keys.read == nil {
				return Keys{}, errors.New("not found")
			}
			return tt.keys, nil
		}}
		_, err := a.Route(t.Context(), tt.address, "x")
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The files of the instance are for the host of its repository; .dockerconfigjson names its hosts.
func TestOfTheInstance(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"username": "me", "password": "pass", "ca.crt": "A", "tls.crt": "C", "tls.key": "K", ".dockerconfigjson": docker(basic("ghcr.io", "a:one"))} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a := Access{Dir: dir, Own: "https://git.example/acme/config", Mirrors: mirrors(t, "https://git.example/charts: https://elsewhere.example\n")}
	for address, want := range map[string]string{
		"https://git.example/api/packages": "me:pass CK",
		"https://GIT.example:443/x":        "me:pass CK",
		"oci://git.example/acme/db":        "me:pass CK",
		"https://git.example:8443/x":       "",
		"https://sub.git.example/x":        "",
		"https://git.example.evil.example": "",
		"http://git.example/x":             "",
		"https://git.example/charts/x":     "", // a mirror
		"oci://ghcr.io/x":                  "a:one",
		"https://charts.example":           "",
	} {
		r, err := a.Route(t.Context(), address, "")
		if got := shows(r); err != nil || got != want || r.Login.CA != "A" {
			t.Errorf("%s: %q, %v", address, got, err)
		}
	}
	a.Own = "git@git.example:acme/config"
	if r, err := a.Route(t.Context(), "https://git.example/x", ""); err != nil || shows(r) != "" {
		t.Errorf("of ssh: %q, %v", shows(r), err)
	}
	if _, err := a.Route(t.Context(), "https://git.example/x", "other"); err == nil || !strings.Contains(err.Error(), "no cluster is asked here") {
		t.Error(err)
	}
	if text := fmt.Sprintf("%v %+v %#v", Login{Password: "hunter2"}, Login{Password: "hunter2"}, Login{Password: "hunter2"}); strings.Contains(text, "hunter2") {
		t.Error(text)
	}
	hidden := Login{User: "me", Password: "hunter2"}.Hide(fmt.Errorf("the server said Basic bWU6aHVudGVyMg== and hunter2"))
	if hidden.Error() != "the server said Basic *** and ***" {
		t.Error(hidden)
	}
}
