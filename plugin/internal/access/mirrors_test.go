package access

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func mirrors(t *testing.T, text string) Mirrors {
	t.Helper()
	file := filepath.Join(t.TempDir(), "mirrors.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Mirrors(file)
}

func TestMirrors(t *testing.T) {
	m := mirrors(t, `
https://charts.jetstack.io: http://127.0.0.1:5000/jetstack
oci://ghcr.io: oci://mirror.example/ghcr.io
oci://ghcr.io/acme/private: oci://other.example/p/
oci://quay.io: http://plain.example:5000/quay
https://github.com/acme: https://git.example:8443/mirrors/acme
https://github.com/acme/base: ssh://git@git.example/base
git@github.com:acme: https://git.example/ssh
`)
	for address, want := range map[string]string{
		"https://charts.jetstack.io":              "http://127.0.0.1:5000/jetstack",
		"https://charts.jetstack.io/":             "http://127.0.0.1:5000/jetstack",
		"HTTPS://Charts.Jetstack.IO:443/a/x.tgz":  "http://127.0.0.1:5000/jetstack/a/x.tgz",
		"https://charts.jetstack.io/x?a=b":        "http://127.0.0.1:5000/jetstack/x?a=b",
		"https://charts.jetstack.io:8443":         "",
		"https://charts.jetstack.io.evil.example": "",
		"http://charts.jetstack.io":               "",
		"oci://ghcr.io/charts":                    "oci://mirror.example/ghcr.io/charts",
		"oci://ghcr.io/acme/private/x":            "oci://other.example/p/x",
		"oci://ghcr.io/acme/privateer":            "oci://mirror.example/ghcr.io/acme/privateer",
		"oci://quay.io/charts":                    "http://plain.example:5000/quay/charts",
		"https://github.com/acme/base.git":        "ssh://git@git.example/base.git",
		"https://github.com/acme/base":            "ssh://git@git.example/base",
		"https://github.com/acme/other.git":       "https://git.example:8443/mirrors/acme/other.git",
		"git@github.com:acme/x.git":               "https://git.example/ssh/x.git",
		"ssh://git@github.com/acme/x.git":         "https://git.example/ssh/x.git",
		"ssh://me@github.com/acme/x.git":          "",
		"/a/directory":                            "",
		"https://me:hunter2@charts.jetstack.io":   "",
	} {
		if got, err := m.Of(address); err != nil || got != want {
			t.Errorf("%s: %q, %v", address, got, err)
		}
	}
	for _, address := range []string{"https://charts.jetstack.io/../admin", "https://charts.jetstack.io/a/%2e%2E/b", "https://charts.jetstack.io/a%2f..%2fb", "oci://ghcr.io/.."} {
		if got, err := m.Of(address); err == nil {
			t.Errorf("%s: %s", address, got)
		}
	}
	if to, err := Mirrors("").Of("https://charts.jetstack.io"); to != "" || err != nil {
		t.Error(to, err)
	}
	if _, err := Mirrors(filepath.Join(t.TempDir(), "missing")).Of("https://x.example"); err == nil {
		t.Error("a missing file is none")
	}
}

func TestMirrorsThatAreWrong(t *testing.T) {
	for text, want := range map[string]string{
		"- x":                                    ":1: it is not a mapping of addresses",
		"https://a.example: [https://b.example]": ":1: it is not an address and its mirror",
		"\ncharts.example: https://b.example":    ":2: the address: it has no host",
		"https://a.example: https://me:hunter2@b.example":           ":1: the mirror: it holds a user or password",
		"oci://a.example: https://b.example":                        ":1: the mirror: it begins with https://, and not with oci:// or http://",
		"https://a.example: file:///x":                              ":1: the mirror: it has no host",
		"https://a.example: https://b.example?x=y":                  ":1: the mirror: it has a query or fragment",
		"https://a.example: https://b.example/..":                   ":1: the mirror: its path leads up",
		"https://a.example: x\nhttps://A.example/: x":               ":1: the mirror: it has no host",
		"https://a.example: oci://b.example":                        ":1: the mirror: it begins with oci://, and not with https:// or http:// or ssh://",
		"https://a.example: http://b\nhttps://A.example/: http://c": ":2: https://a.example is given twice",
		"a: b: c": "it cannot be read as YAML",
	} {
		_, err := mirrors(t, text).Of("https://x.example")
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", text, err)
		}
	}
	if to, err := mirrors(t, "# none\n").Of("https://x.example"); to != "" || err != nil {
		t.Error(to, err)
	}
}
