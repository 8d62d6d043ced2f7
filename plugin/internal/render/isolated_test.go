package render

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chart"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/memory"
)

// workers are what a child of this test binary does instead of running tests: "render" is the real thing, the others
// stand for renderers that go wrong.
func workers() map[string]dirFunc {
	return map[string]dirFunc{
		"render": Dir,
		"grow":   grow, "answer": answerWith, // see the attacks
		"reach": reach, "threads": threads, "library": bareLibrary, // see the attacks
		"memory": func(context.Context, *os.Root, string, Options) ([]Object, error) {
			var all [][]byte
			for {
				block := make([]byte, 1<<20)
				for i := 0; i < len(block); i += 4096 {
					block[i] = 1
				}
				if all = append(all, block); len(all) > 1<<20 {
					return nil, fmt.Errorf("%d blocks", len(all)) // never: the limit is far below
				}
			}
		},
		"panic": func(context.Context, *os.Root, string, Options) ([]Object, error) {
			var o *Object
			return []Object{*o}, nil
		},
		"betray": func(context.Context, *os.Root, string, Options) ([]Object, error) { panic("cannot use hunter2-canary") },
		"hang": func(_ context.Context, root *os.Root, _ string, _ Options) ([]Object, error) {
			if ready, err := root.OpenFile("ready", os.O_WRONLY, 0); err == nil { // held open as long as we live
				fmt.Fprintln(ready, "hanging")
			}
			for {
				runtime.Gosched()
			}
		},
		"environment": func(context.Context, *os.Root, string, Options) ([]Object, error) {
			return nil, fmt.Errorf("%q", os.Environ())
		},
		"write": func(context.Context, *os.Root, string, Options) ([]Object, error) {
			return nil, os.WriteFile("written", []byte("x"), 0o600)
		},
		"chatter": func(context.Context, *os.Root, string, Options) ([]Object, error) {
			for range 100_000 {
				fmt.Fprintln(os.Stderr, "s3cret chatter\n# Warning: old field")
			}
			os.Exit(3)
			return nil, nil
		},
		"liar": func(context.Context, *os.Root, string, Options) ([]Object, error) {
			fmt.Println("this is not an answer")
			return nil, nil
		},
	}
}

// readers are what such a child makes of a text.
func readers() map[string]Reader {
	return map[string]Reader{
		"render": func(_ context.Context, text io.Reader, n chart.Need) (json.RawMessage, error) {
			all, err := io.ReadAll(text)
			if err == nil && string(all) == "wrong" {
				return nil, hint.With(errors.New("the text is wrong"), "write another")
			}
			return json.RawMessage(fmt.Sprintf("%q", n.Name+" "+string(all))), err
		},
		"memory": func(ctx context.Context, _ io.Reader, _ chart.Need) (json.RawMessage, error) {
			_, err := workers()["memory"](ctx, nil, "", Options{})
			return nil, err
		},
		"liar": func(context.Context, io.Reader, chart.Need) (json.RawMessage, error) { os.Exit(0); return nil, nil },
	}
}

func TestAChildReadsAText(t *testing.T) {
	n := chart.Need{Name: "db", Version: "1.0.0", Repository: "https://example.com"}
	for name, tt := range map[string]struct {
		text io.Reader
		want string
	}{
		"render":                      {strings.NewReader("a text"), `"db a text"`},
		"render, refused":             {strings.NewReader("wrong"), "error: the text is wrong\nhint: write another\n"},
		"render, a reader that fails": {io.MultiReader(strings.NewReader("a"), iotest.ErrReader(errors.New("it broke off"))), "error: it broke off\n"},
		"memory":                      {io.LimitReader(zeros{}, 64<<20), "what https://example.com sent needs more than 320 MiB of memory to be read"},
		"liar":                        {io.LimitReader(zeros{}, 64<<20), "ended without an answer"},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "memory" && runtime.GOOS != "linux" {
				t.Skip("only time is limited here")
			}
			kind, _, _ := strings.Cut(name, ",")
			child := worker(t, kind)
			child.Memory = memory.New(512<<20, func() int64 { return 0 }, func(int64) {})
			found, err := child.Read(t.Context(), tt.text, n)
			got := string(found)
			if err != nil {
				got = describe(t, err)
			}
			if !strings.Contains(got, tt.want) {
				t.Errorf("%s instead of %s", got, tt.want)
			}
		})
	}
}

type zeros struct{}

// Read implements io.Reader.
func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "worker" {
		if err := work(os.Args[3:], os.Stdin, os.Stdout, workers()[os.Args[2]], readers()[os.Args[2]]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if len(os.Args) > 2 && os.Args[1] == "clients" {
		for _, line := range clients(os.Args[2]) {
			fmt.Println(line)
		}
		return
	}
	if len(os.Args) > 2 && os.Args[1] == "container" {
		inContainer(os.Args[2])
		return
	}
	if len(os.Args) > 2 && os.Args[1] == "parent" { // dies in the middle of a render
		root, err := os.OpenRoot(os.Args[2])
		if err == nil {
			_, err = Isolated{Command: []string{os.Args[0], "worker", "hang"}}.Dir(context.Background(), root, ".", Options{})
		}
		fmt.Println(err)
		return
	}
	os.Exit(m.Run())
}

func worker(t testing.TB, name string) Isolated {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Isolated{Command: []string{self, "worker", name}}
}

func TestAChildRendersWhatThisProcessRenders(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no testdata", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			scene := readScene(t, file)
			root := openRoot(t, scene.checkout(t))
			want, wantErr := Dir(t.Context(), root, scene.dir, scene.options)
			got, err := worker(t, "render").Dir(t.Context(), root, scene.dir, scene.options)
			if len(want) > 0 && len(got) > 0 && !slices.Equal(want[0].Hidden.All(), got[0].Hidden.All()) {
				t.Errorf("here %q are hidden, in the child %q", want[0].Hidden.All(), got[0].Hidden.All())
			}
			for _, objects := range [][]Object{want, got} {
				for i := range objects {
					objects[i].Hidden = nil
				}
			}
			if !reflect.DeepEqual(want, got) {
				t.Errorf("-here +child:\n%s", cmp.Diff(want, got, cmp.AllowUnexported(Object{})))
			}
			sameError(t, wantErr, err)
		})
	}
}

func sameError(t *testing.T, want, got error) {
	t.Helper()
	if want == nil || got == nil {
		if want != got {
			t.Fatalf("here: %v\nchild: %v", want, got)
		}
		return
	}
	if want.Error() != got.Error() || describe(t, want) != describe(t, got) {
		t.Errorf("here:\n%s\nchild:\n%s", describe(t, want), describe(t, got))
	}
	if errors.Is(want, ErrEmpty) != errors.Is(got, ErrEmpty) {
		t.Errorf("ErrEmpty: here %v, child %v", errors.Is(want, ErrEmpty), errors.Is(got, ErrEmpty))
	}
	var a, b Problems
	if errors.As(want, &a) != errors.As(got, &b) || !reflect.DeepEqual(a, b) {
		t.Errorf("problems: here %#v, child %#v", a, b)
	}
}

func TestAnEmptyDirectoryIsEmptyFromAChildToo(t *testing.T) {
	root := openRoot(t, t.TempDir())
	_, want := Dir(t.Context(), root, ".", Options{})
	_, got := worker(t, "render").Dir(t.Context(), root, ".", Options{})
	if !errors.Is(got, ErrEmpty) {
		t.Errorf("not ErrEmpty: %v", got)
	}
	sameError(t, want, got)
}

func TestAChildReadsNothingOutsideTheCheckout(t *testing.T) {
	outside, dir := t.TempDir(), t.TempDir()
	writeFile(t, outside, "secret.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: s3cret}\n")
	symlink(t, dir, "link.yaml", filepath.Join(outside, "secret.yaml"))
	symlink(t, dir, "up.yaml", "../"+filepath.Base(outside)+"/secret.yaml")
	root := openRoot(t, dir)
	for _, path := range []string{".", "..", "../" + filepath.Base(outside), outside} {
		_, want := Dir(t.Context(), root, path, Options{})
		objects, err := worker(t, "render").Dir(t.Context(), root, path, Options{})
		if err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v, %d objects", path, err, len(objects))
		}
		sameError(t, want, err)
	}
}

func TestAChildHasNoEnvironment(t *testing.T) {
	t.Setenv("KUBECONFIG", "/canary")
	t.Setenv("HTTPS_PROXY", "http://canary")
	t.Setenv("HOME", "/canary")
	_, err := worker(t, "environment").Dir(t.Context(), openRoot(t, t.TempDir()), ".", Options{})
	if err == nil || err.Error() != `["GOTRACEBACK=none"]` {
		t.Errorf("environment: %v", err)
	}
}

func TestWhatHappensToAChildIsAnError(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only time is limited here")
	}
	for name, tt := range map[string]struct {
		limits Limits
		want   []string
	}{
		"memory":  {Limits{Memory: 256 << 20}, []string{"rendering apps/shop needed more than 256 MiB of memory", "hint: look for a manifest or template that"}},
		"panic":   {Limits{}, []string{"rendering apps/shop: the renderer crashed: runtime error: invalid memory address", "hint: this is a bug"}},
		"hang":    {Limits{Time: 300 * time.Millisecond}, []string{"rendering apps/shop took longer than 300ms", "hint: look for"}},
		"write":   {Limits{}, []string{"file too large"}},
		"chatter": {Limits{}, []string{"the renderer ended without an answer (exit status 3)"}},
		"liar":    {Limits{}, []string{"unreadable answer"}},
	} {
		t.Run(name, func(t *testing.T) {
			objects, err := worker(t, name).Dir(t.Context(), openRoot(t, t.TempDir()), "apps/shop", Options{Limits: tt.limits})
			if err == nil || objects != nil {
				t.Fatalf("%d objects, error %v", len(objects), err)
			}
			text := describe(t, err)
			for _, want := range tt.want {
				if !strings.Contains(text, want) {
					t.Errorf("lacks %q:\n%s", want, text)
				}
			}
			if strings.Contains(text, "s3cret") || strings.Contains(text, "goroutine") || len(text) > 1000 {
				t.Errorf("echoes too much:\n%.2000s", text)
			}
		})
	}
}

func TestAProgramThatCannotBeStarted(t *testing.T) {
	_, err := Isolated{Command: []string{"/nonexistent/program"}}.Dir(t.Context(), openRoot(t, t.TempDir()), ".", Options{})
	if err == nil || !strings.Contains(err.Error(), "cannot start the renderer") {
		t.Error(err)
	}
}

func TestDeprecationsAreToldOnce(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "kustomization.yaml", "resources: [../base]\ncommonLabels: {a: b}\n")
	writeFile(t, dir, "base/kustomization.yaml", "resources: [c.yaml]\ncommonLabels: {c: d}\n")
	writeFile(t, dir, "base/c.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n")
	writeFile(t, dir, "kustomization.yaml", "resources: [base]\ncommonLabels: {a: b}\n")
	var told []string
	w := worker(t, "render")
	w.Warn = func(text string) { told = append(told, text) }
	if _, err := w.Dir(t.Context(), openRoot(t, dir), ".", Options{}); err != nil {
		t.Fatal(err)
	}
	if len(told) != 1 || !strings.HasPrefix(told[0], "'commonLabels' is deprecated") {
		t.Errorf("%q", told)
	}
}
