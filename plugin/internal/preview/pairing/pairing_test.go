package pairing_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/preview"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/preview/pairing"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
)

// state writes a state of a repository: one file a line, and what is in it. "map N" stands for a ConfigMap called N, "list A..."
// for a gitops.yaml with these apps in directories of their names.
func state(t *testing.T, lines string) pairing.State {
	t.Helper()
	dir := t.TempDir()
	for line := range strings.Lines(lines) {
		file, text, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name, ok := strings.CutPrefix(text, "map "); ok {
			text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\n"
		}
		if names, ok := strings.CutPrefix(text, "list "); ok {
			text = "apiVersion: kubectl-gitops.dev/v1alpha1\nkind: GitOps\napps:\n"
			for _, name := range strings.Fields(names) {
				text += "- {name: " + name + ", path: " + name + "}\n"
			}
		}
		name := filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return pairing.State{Root: root}
}

func TestCompare(t *testing.T) {
	const listed = "gitops.yaml list a b\na/a.yaml map a\nb/b.yaml map b\n"
	for _, tt := range []struct {
		name, base, head string
		path             string
		want             string // name and change of each app, then files that nothing is rendered from
	}{
		{"nothing", listed, listed, ".", "a unchanged, b unchanged"},
		{"an object more", listed, listed + "a/more.yaml map more", ".", "a changed, b unchanged"},
		{"an app more", listed, strings.Replace(listed, "a b", "a b c", 1) + "c/c.yaml map c", ".", "a unchanged, b unchanged, c added"},
		{"an app less", listed, strings.Replace(listed, "a b", "b", 1), ".", "b unchanged, a removed"},
		{"the first gitops.yaml", "a/a.yaml map a\nb/b.yaml map b\n", listed, ".", "a unchanged, b unchanged; not rendered gitops.yaml"},
		{"gitops.yaml goes", listed, "a/a.yaml map a\nb/b.yaml map b\n", ".", "a removed, b removed"},
		{"gitops.yaml is wrong", listed, strings.Replace(listed, "list a b", "apps: 1", 1), ".", "gitops.yaml failed"},
		{"no gitops.yaml", "a/a.yaml map a", "a/a.yaml map other", ".", "a changed"},
		{"a file that nobody reads", listed, listed + "README.md text", ".", "a unchanged, b unchanged; not rendered README.md"},
		{"a file outside", "a/a.yaml map a", "a/a.yaml map a\nREADME.md text", "a", "a unchanged; outside README.md"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := pairing.Input{Base: state(t, tt.base), Head: state(t, tt.head), Render: render.Dir, Exact: tt.path != ".",
				Apps: []app.App{{Name: app.NameOf(tt.path), Path: tt.path, Budget: app.DefaultBudget}}}
			got, err := pairing.Compare(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			if text := textOf(got); text != tt.want {
				t.Errorf("got  %s\nwant %s", text, tt.want)
			}
		})
	}
}

func textOf(r pairing.Result) string {
	var apps []string
	for _, a := range r.Apps {
		apps = append(apps, fmt.Sprintf("%s %s", a.Name, a.Change))
	}
	text := strings.Join(apps, ", ")
	if len(r.NotRendered) > 0 {
		text += "; not rendered " + strings.Join(r.NotRendered, " ")
	}
	if len(r.Outside) > 0 {
		text += "; outside " + strings.Join(r.Outside, " ")
	}
	return text
}

// What did not change is rendered once, not for either side.
func TestUnchangedAppsAreRenderedOnce(t *testing.T) {
	const files = "gitops.yaml list a b\na/a.yaml map a\nb/b.yaml map b\n"
	renders := map[string]int{}
	done := make(chan string, 9)
	in := pairing.Input{Base: state(t, files), Head: state(t, files+"a/more.yaml map more"), Apps: []app.App{{Name: "repository", Path: "."}},
		Render: func(ctx context.Context, root *os.Root, dir string, o render.Options) ([]manifest.Object, error) {
			done <- dir
			return render.Dir(ctx, root, dir, o)
		}}
	if _, err := pairing.Compare(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	close(done)
	for dir := range done {
		renders[dir]++
	}
	if renders["a"] != 2 || renders["b"] != 1 {
		t.Errorf("renders: %v", renders)
	}
}

func TestADirectoryThatNeitherStateHas(t *testing.T) {
	in := pairing.Input{Base: state(t, "a/a.yaml map a"), Head: state(t, "a/a.yaml map a"), Render: render.Dir, Apps: []app.App{{Name: "b", Path: "b"}}}
	if _, err := pairing.Compare(t.Context(), in); err == nil || !strings.Contains(err.Error(), "b") {
		t.Error(err)
	}
}

// Settings of an app say what becomes of a change, and of objects that leave.
func TestWhatSettingsDoToAChange(t *testing.T) {
	with := func(keys string) string {
		return "gitops.yaml {apiVersion: kubectl-gitops.dev/v1alpha1, kind: GitOps, apps: [{name: b, path: b}, {name: a, path: a" + keys + "}]}\nb/b.yaml map b\n"
	}
	without := "gitops.yaml {apiVersion: kubectl-gitops.dev/v1alpha1, kind: GitOps, apps: [{name: b, path: b}]}\nb/b.yaml map b\n"
	for _, tt := range []struct{ name, base, head, want string }{
		{"manual", with(", sync: manual") + "a/a.yaml map a", with(", sync: manual") + "a/a.yaml map other",
			"changed [] gitops.yaml says sync: manual: only `kubectl gitops reconcile a` applies this"},
		{"suspended", with(", suspend: true") + "a/a.yaml map a", with(", suspend: true") + "a/a.yaml map other", "changed [] gitops.yaml says suspend: true: no run applies this"},
		{"neither", with("") + "a/a.yaml map a", with("") + "a/a.yaml map other", "changed []"},
		{"settings", with("") + "a/a.yaml map a", with(", wait: false, sync: manual, drift: report, onRemoval: keep, recreate: true") + "a/a.yaml map a",
			`changed [drift "report" onRemoval "keep" recreate true sync "manual" wait false]`},
		{"removed", with("") + "a/a.yaml map a", without, "removed [] removed"},
		{"kept", with(", onRemoval: keep") + "a/a.yaml map a", without, "removed [] kept"},
		{"an object of a kept app", with(", onRemoval: keep") + "a/a.yaml map a\na/c.yaml map c", with(", onRemoval: keep") + "a/a.yaml map a", "changed [] removed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := pairing.Compare(t.Context(), pairing.Input{Base: state(t, tt.base), Head: state(t, tt.head), Render: render.Dir,
				Apps: []app.App{{Name: "root", Path: ".", Budget: app.DefaultBudget}}})
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range got.Apps {
				if a.Name != "a" {
					continue
				}
				var settings []string
				for _, s := range a.Changes {
					settings = append(settings, s.Name+" "+s.To)
				}
				text := fmt.Sprintf("%s [%s]", a.Change, strings.Join(settings, " "))
				for _, o := range a.Objects {
					switch {
					case o.Kept:
						text += " kept"
					case o.Change == preview.Removed && a.Counts.Added == 0:
						text += " removed"
					}
				}
				text = strings.TrimSpace(text + " " + a.Withheld)
				if text != tt.want {
					t.Errorf("got  %s\nwant %s", text, tt.want)
				}
			}
		})
	}
}
