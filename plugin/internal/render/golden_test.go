package render

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

var update = flag.Bool("update", false, "rewrite the want files of testdata")

// Each archive of testdata is a checkout. The file "want" in it is what rendering gives: the manifests, or the errors
// and hints. Lines "dir: DIR", "helm: {...}", "substitute: {...}", "age-key: KEY", "may-hold: [...]", "allow-plain-secrets", "layout: flux" and "link: NAME -> TARGET" of its comment set the scene.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no testdata", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			scene := readScene(t, file)
			got := scene.render(t)
			if *update {
				scene.write(t, file, got)
				return
			}
			if diff := cmp.Diff(scene.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// The golden archives hold what users see; none of it may show the values that the scenes call secret.
func TestGoldenShowsNoSecret(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if scene := readScene(t, file); strings.Contains(scene.want, "hunter") || strings.Contains(scene.want, "aHVudGVy") {
			t.Errorf("%s shows a secret", file)
		}
	}
}

type scene struct {
	archive *txtar.Archive
	dir     string
	options Options
	links   [][2]string
	want    string
}

func readScene(t *testing.T, file string) scene {
	t.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := scene{archive: archive, dir: "."}
	for line := range strings.Lines(string(archive.Comment)) {
		line = strings.TrimSpace(line)
		if dir, ok := strings.CutPrefix(line, "dir: "); ok {
			s.dir = dir
		}
		if link, ok := strings.CutPrefix(line, "link: "); ok {
			name, target, _ := strings.Cut(link, " -> ")
			s.links = append(s.links, [2]string{name, target})
		}
		if text, ok := strings.CutPrefix(line, "helm: "); ok {
			s.options.Helm = &Helm{}
			if err := yaml.UnmarshalStrict([]byte(text), s.options.Helm); err != nil {
				t.Fatal(err)
			}
		}
		if key, ok := strings.CutPrefix(line, "age-key: "); ok {
			s.options.AgeKeys = KeyFile(key)
		}
		if text, ok := strings.CutPrefix(line, "may-hold: "); ok {
			if err := yaml.UnmarshalStrict([]byte(text), &s.options.MayHold); err != nil {
				t.Fatal(err)
			}
		}
		if text, ok := strings.CutPrefix(line, "substitute: "); ok {
			s.options.Substitute = &Substitute{}
			if err := yaml.UnmarshalStrict([]byte(text), s.options.Substitute); err != nil {
				t.Fatal(err)
			}
		}
		if line == "layout: flux" {
			s.options.Layout = LayoutFlux
		}
		if line == "allow-plain-secrets" {
			s.options.AllowPlainSecrets = true
		}
	}
	for _, f := range archive.Files {
		if f.Name == "want" {
			s.want = string(f.Data)
		}
	}
	return s
}

// checkout writes the scene to a new directory.
func (s scene) checkout(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range s.archive.Files {
		if f.Name != "want" {
			writeFile(t, dir, f.Name, string(f.Data))
		}
	}
	for _, link := range s.links {
		symlink(t, dir, link[0], link[1])
	}
	return dir
}

func (s scene) render(t testing.TB) string {
	t.Helper()
	return s.renderIn(t, s.checkout(t), Dir)
}

// renderIn renders a checkout of the scene.
func (s scene) renderIn(t testing.TB, dir string, render dirFunc) string {
	t.Helper()
	objects, err := render(t.Context(), openRoot(t, dir), s.dir, s.options)
	if err != nil {
		return describe(t, err)
	}
	text, err := YAML(objects)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (s scene) write(t *testing.T, file, got string) {
	t.Helper()
	for i := range s.archive.Files {
		if s.archive.Files[i].Name == "want" {
			s.archive.Files = append(s.archive.Files[:i], s.archive.Files[i+1:]...)
			break
		}
	}
	s.archive.Files = append(s.archive.Files, txtar.File{Name: "want", Data: []byte(got)})
	if err := os.WriteFile(file, txtar.Format(s.archive), 0o644); err != nil {
		t.Fatal(err)
	}
}

// describe writes an error as the command does: the errors, then the hints.
func describe(t testing.TB, err error) string {
	t.Helper()
	var out strings.Builder
	if problems := (Problems)(nil); errors.As(err, &problems) {
		for _, p := range problems {
			fmt.Fprintf(&out, "error: %v\n", p)
		}
	} else {
		fmt.Fprintf(&out, "error: %v\n", err)
	}
	for _, h := range hint.Of(err) {
		fmt.Fprintf(&out, "hint: %s\n", h)
	}
	return out.String()
}

func writeFile(t testing.TB, dir, name, text string) {
	t.Helper()
	full := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func symlink(t testing.TB, dir, name, target string) {
	t.Helper()
	full := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, full); err != nil {
		t.Fatal(err)
	}
}

func openRoot(t testing.TB, dir string) *os.Root {
	t.Helper()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := root.Close(); err != nil {
			t.Error(err)
		}
	})
	return root
}
