package main

import (
	"archive/tar"
	"bytes"
	"crypto/x509"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/kubectl-gitops/kubectl-gitops/.ci/release/binary"
)

// newCheckout is a repository with a program in the place of the real one, which takes longer to compile.
func newCheckout(t *testing.T) string {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":                     "module " + binary.Module + "\n\ngo 1.26.0\n",
		"cmd/kubectl-gitops/main.go": "package main\n\nfunc main() { println(\"hello\") }\n",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	git(t, dir, "init", "--quiet")
	git(t, dir, "add", ".")
	git(t, dir, "commit", "--quiet", "--message", "hello")
	return dir
}

func git(t *testing.T, dir string, args ...string) string {
	cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=Ada", "-c", "user.email=ada@example.com"}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_COMMITTER_DATE=2026-01-02T03:04:05Z", "GIT_CONFIG_NOSYSTEM=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// build returns the file and the line that the command prints.
func build(t *testing.T, checkout string, args ...string) (file, line string) {
	file = filepath.Join(t.TempDir(), "image.tar")
	var stdout bytes.Buffer
	if err := run(t.Context(), append([]string{"-dir", checkout, "-o", file}, args...), &stdout, t.Output()); err != nil {
		t.Fatal(err)
	}
	return file, stdout.String()
}

// unpack reads the file as an OCI layout.
func unpack(t *testing.T, file string) v1.ImageIndex {
	dir := t.TempDir()
	for name, data := range untar(t, file) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	root, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := root.IndexManifest()
	if err != nil || len(manifest.Manifests) != 1 {
		t.Fatalf("index.json: %v, %v", manifest, err)
	}
	index, err := root.ImageIndex(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	return index
}

func untar(t *testing.T, file string) map[string][]byte {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return entries(t, f)
}

func entries(t *testing.T, from io.Reader) map[string][]byte {
	files := map[string][]byte{}
	for r := tar.NewReader(from); ; {
		header, err := r.Next()
		if err == io.EOF {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[header.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSameCommitSameDigest(t *testing.T) {
	one := newCheckout(t)
	other := filepath.Join(t.TempDir(), "elsewhere")
	git(t, one, "clone", "--quiet", one, other)
	t.Setenv("GOAMD64", "v3") // the machine of somebody with preferences
	file, first := build(t, one)
	t.Setenv("GOAMD64", "v1")
	again, second := build(t, other)
	if first != second || !strings.HasPrefix(first, "ghcr.io/kubectl-gitops/kubectl-gitops:dev@sha256:") {
		t.Errorf("%s and then %s", first, second)
	}
	a, _ := os.ReadFile(file)
	b, _ := os.ReadFile(again)
	if len(a) == 0 || !bytes.Equal(a, b) {
		t.Error("the two files differ")
	}
}

func TestContents(t *testing.T) {
	checkout := newCheckout(t)
	commit := git(t, checkout, "rev-parse", "HEAD")
	file, _ := build(t, checkout, "-version", "v1.2.3", "-name", "example.com/tool:v1.2.3")
	index := unpack(t, file)
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	var platforms []string
	for _, d := range manifest.Manifests {
		platforms = append(platforms, d.Platform.String())
		image, err := index.Image(d.Digest)
		if err != nil {
			t.Fatal(err)
		}
		checkImage(t, image, commit)
	}
	if got := strings.Join(platforms, " "); got != "linux/amd64 linux/arm64" {
		t.Errorf("platforms %s", got)
	}
	var saved []dockerManifest
	files := untar(t, file)
	if err := json.Unmarshal(files["manifest.json"], &saved); err != nil || len(saved) != 1 || saved[0].RepoTags[0] != "example.com/tool:v1.2.3" {
		t.Fatalf("manifest.json: %s %v", files["manifest.json"], err)
	}
	for _, name := range append(saved[0].Layers, saved[0].Config) {
		if files[name] == nil {
			t.Errorf("manifest.json names %s, which is not there", name)
		}
	}
}

func checkImage(t *testing.T, image v1.Image, commit string) {
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	labels := config.Config.Labels
	if labels["org.opencontainers.image.revision"] != commit || labels["org.opencontainers.image.version"] != "1.2.3" ||
		labels["org.opencontainers.image.created"] != "2026-01-02T03:04:05Z" || config.Config.User != "65532:65532" {
		t.Errorf("user %s, labels %v", config.Config.User, labels)
	}
	content := mutate.Extract(image)
	defer content.Close()
	files := entries(t, content)
	if len(files[entry[1:]]) == 0 {
		t.Errorf("no %s in the image", entry)
	}
	if !x509.NewCertPool().AppendCertsFromPEM(files["etc/ssl/certs/ca-certificates.crt"]) {
		t.Error("no certificate authorities in the image")
	}
	var sbom struct {
		Packages []struct{ VersionInfo string }
	}
	if err := json.Unmarshal(files[sbomFile[1:]], &sbom); err != nil || len(sbom.Packages) < 2 || sbom.Packages[0].VersionInfo != "1.2.3" {
		t.Errorf("bill of materials: %v %+v", err, sbom)
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name, want string
		args       []string
	}{
		{"an argument", `unexpected argument "x"`, []string{"x"}},
		{"another system", `platform "darwin/arm64": use linux/ARCHITECTURE`, []string{"-platforms", "darwin/arm64"}},
		{"no checkout", "build kubectl-gitops for linux/amd64", []string{"-dir", t.TempDir()}},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "image.tar")
			err := run(t.Context(), append([]string{"-o", out}, c.args...), io.Discard, io.Discard)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %s", err, c.want)
			}
			if _, err := os.Stat(out); !os.IsNotExist(err) {
				t.Error("something was written")
			}
		})
	}
}
