package render

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/placeholder"
)

// server has the contents that a checkout lacks.
type server struct {
	dir, checkout string
	rounds        int
	sent          map[string]bool
}

// emptied replaces the files of a checkout by placeholders. What the renderer does not read through its tree stays, and so do files
// that a source always fetches.
func emptied(t *testing.T, checkout string) *server {
	t.Helper()
	s := &server{t.TempDir(), checkout, 0, map[string]bool{}}
	err := filepath.WalkDir(checkout, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || d.Name() == ".gitmodules" {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(checkout, name)
		if err != nil {
			return err
		}
		writeFile(t, s.dir, filepath.ToSlash(rel), string(data))
		return os.WriteFile(name, placeholder.NotFetched(), 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fetch is Options.Lacking. It gives out what is named and nothing more.
func (s *server) fetch(_ context.Context, paths []string) error {
	s.rounds++
	for _, name := range paths {
		data, err := os.ReadFile(filepath.Join(s.dir, filepath.FromSlash(name)))
		if err == nil {
			err = os.WriteFile(filepath.Join(s.checkout, filepath.FromSlash(name)), data, 0o644)
		}
		if err != nil {
			return err
		}
		s.sent[name] = true
	}
	return nil
}

// A render on demand gives what a render of the whole checkout gives: objects, or errors.
func TestRendersOnDemandAreTheSame(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no testdata", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			scene := readScene(t, file)
			dir := scene.checkout(t)
			s := emptied(t, dir)
			scene.options.Lacking = s.fetch
			if diff := cmp.Diff(scene.want, scene.renderIn(t, dir, Dir)); diff != "" {
				t.Errorf("-whole +on demand:\n%s", diff)
			}
			t.Logf("%d files in %d rounds", len(s.sent), s.rounds)
		})
	}
}

func filled(t *testing.T, files map[string]string) *os.Root {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		writeFile(t, dir, name, text)
	}
	return openRoot(t, dir)
}

func onDemand(t *testing.T, render dirFunc, files map[string]string, dir string) *server {
	t.Helper()
	root := filled(t, files)
	s := emptied(t, root.Name())
	objects, err := render(t.Context(), root, dir, Options{Listeners: Listeners{Lacking: s.fetch}})
	if err != nil || len(objects) == 0 {
		t.Fatalf("%d objects, %v", len(objects), err)
	}
	return s
}

// What no render reads is not fetched, and all plain files are fetched at once.
func TestOnlyWhatARenderReadsIsFetched(t *testing.T) {
	const object = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: "
	files := map[string]string{"README.md": "text", "other/x.yaml": object + "x}", "app/picture.png": "binary", "app/notes.txt": "text"}
	for _, name := range []string{"a", "b", "c", "deep/d", "deep/deeper/e"} {
		files["app/"+name+".yaml"] = object + filepath.Base(name) + "}"
	}
	for name, render := range map[string]dirFunc{"in this process": Dir, "in a child": worker(t, "render").Dir} {
		t.Run(name, func(t *testing.T) {
			s := onDemand(t, render, files, "app")
			if len(s.sent) != 5 || s.rounds != 1 {
				t.Errorf("%v in %d rounds", s.sent, s.rounds)
			}
		})
	}
}

// A file that cannot be fetched is the error; without a way to fetch, the file is named.
func TestFilesThatCannotBeFetched(t *testing.T) {
	refused := errors.New("app/a.yaml: the server does not give out this file")
	for name, render := range map[string]dirFunc{"in this process": Dir, "in a child": worker(t, "render").Dir} {
		t.Run(name, func(t *testing.T) {
			root := filled(t, map[string]string{"app/a.yaml": string(placeholder.NotFetched())})
			_, err := render(t.Context(), root, "app", Options{Listeners: Listeners{Lacking: func(context.Context, []string) error { return refused }}})
			if !errors.Is(err, refused) {
				t.Error(err)
			}
			_, err = render(t.Context(), root, "app", Options{Listeners: Listeners{Lacking: func(context.Context, []string) error { return nil }}})
			if err == nil || !strings.Contains(err.Error(), "app/a.yaml: the file is not fetched") {
				t.Errorf("fetched in vain: %v", err)
			}
			_, err = render(t.Context(), root, "app", Options{})
			if err == nil || !strings.Contains(err.Error(), "app/a.yaml: the file is not fetched") || len(hint.Of(err)) == 0 {
				t.Error(err)
			}
		})
	}
}
