package sources

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/pins"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
)

// trees are directories by what messages call their source. asked is what was asked about, opened what was opened.
type trees struct {
	dirs          map[string]string
	versions      map[string]Version
	asked, opened []string
}

func (f *trees) Resolve(_ context.Context, s render.NamedSource) (Version, error) {
	f.asked = append(f.asked, Label(s))
	v, known := f.versions[Label(s)]
	if !known {
		return v, hint.Errorf("no such ref", "name another")
	}
	return v, nil
}

func (f *trees) Open(_ context.Context, s render.NamedSource, v Version, meant bool) (Tree, error) {
	f.opened = append(f.opened, fmt.Sprintf("%s %s %s %v", Label(s), v.Name, v.Digest, meant))
	root, err := os.OpenRoot(f.dirs[s.URL()])
	if err != nil {
		return Tree{}, errors.New("the server is away")
	}
	return Tree{Root: root, Close: func() { root.Close() }}, nil
}

// write writes files into a new directory.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func configMap(name string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\n"
}

const chartTemplate = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\ndata: {size: {{ .Values.size | quote }}}\n"

var commit = strings.Repeat("0123456789", 4)

// fixture returns a renderer with the sources base and config, and the checkout.
func fixture(t *testing.T) (Renderer, *trees, *os.Root) {
	t.Helper()
	base := write(t, map[string]string{"deploy/x.yaml": configMap("x"), "wrong/x.yaml": "apiVersion: v1\nkind: ConfigMap\n",
		"chart/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n", "chart/values.yaml": "size: 1\n", "chart/templates/x.yaml": chartTemplate})
	config := write(t, map[string]string{"prod/web.yaml": "size: 2\n", "bad.yaml": "- 1\n"})
	f := &trees{dirs: map[string]string{"https://git.example/base.git": base, "https://git.example/config": config},
		versions: map[string]Version{"git.example/base@v1": {Name: "v1", Digest: "sha1:" + commit}, "git.example/config": {Name: commit, Digest: "sha1:" + commit, Branch: true}}}
	root, err := os.OpenRoot(write(t, map[string]string{"here/y.yaml": configMap("z"), "here/x.yaml": configMap("x2"), "twice/x.yaml": configMap("x"), "values/web.yaml": "size: 3\n"}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return Renderer{Render: render.Dir, Fetcher: f, Lock: pins.Load}, f, root
}

var line7 = manifest.Origin{File: "gitops.yaml", Line: 7}

func base(ref string) *render.NamedSource {
	return &render.NamedSource{Git: "https://git.example/base.git", Ref: ref, Origin: line7}
}

func config() *render.NamedSource {
	return &render.NamedSource{Git: "https://git.example/config", Origin: line7}
}

// shown lists objects with their origins.
func shown(objects []manifest.Object) string {
	var out []string
	for _, o := range objects {
		text := o.GetName() + " " + o.Origin.String()
		if data, ok := o.Object["data"].(map[string]any); ok {
			text += fmt.Sprint(" ", data["size"])
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}

func TestSources(t *testing.T) {
	helm := func(values ...string) *render.Helm { return &render.Helm{Release: "web", Values: values} }
	for name, test := range map[string]struct {
		dir    string
		o      render.Options
		want   string // objects, or the error
		inputs string
	}{
		"a source":            {"deploy", render.Options{Trees: render.Trees{Source: base("v1")}}, "x git.example/base@v1:deploy/x.yaml:1", "[]"},
		"a chart in a source": {"chart", render.Options{Helm: helm(), Trees: render.Trees{Source: base("v1")}}, "web git.example/base@v1:chart/templates/x.yaml:1 1", "[]"},
		"parts": {"", render.Options{Trees: render.Trees{Parts: []render.Part{
			{Source: base("v1"), Path: "chart", Helm: helm("$config/prod/web.yaml"), Origin: line7}, {As: "config", Source: config(), Origin: line7}, {Path: "here", Origin: line7}}}},
			"web git.example/base@v1:chart/templates/x.yaml:1 2, x2 here/x.yaml:1, z here/y.yaml:1", "[here]"},
		"values of the checkout": {"", render.Options{Trees: render.Trees{Parts: []render.Part{
			{Source: base("v1"), Path: "chart", Helm: helm("$config/prod/web.yaml", "$here/values/web.yaml"), Origin: line7},
			{As: "config", Source: config(), Origin: line7}, {As: "here", Origin: line7}}}},
			"web git.example/base@v1:chart/templates/x.yaml:1 3", "[values/web.yaml]"},
		"one object in two parts": {"", render.Options{Trees: render.Trees{Parts: []render.Part{{Source: base("v1"), Path: "deploy", Origin: line7}, {Path: "twice", Origin: line7}}}},
			"twice/x.yaml:1: v1/ConfigMap/x: defined twice: also at git.example/base@v1:deploy/x.yaml:1 (keep one of the two)", ""},
		"no such ref":    {"deploy", render.Options{Trees: render.Trees{Source: base("v2")}}, "gitops.yaml:7: source git.example/base@v2: no such ref (name another)", ""},
		"no such path":   {"deplyo", render.Options{Trees: render.Trees{Source: base("v1")}}, `gitops.yaml:7: source git.example/base@v1: path "deplyo" does not exist in the repository (directories there: chart, deploy, wrong)`, ""},
		"a wrong file":   {"wrong", render.Options{Trees: render.Trees{Source: base("v1")}}, "git.example/base@v1:wrong/x.yaml:1: v1/ConfigMap: metadata.name is missing ()", ""},
		"not a source":   {"", render.Options{Trees: render.Trees{Parts: []render.Part{{Source: base("v1"), Path: "chart", Helm: helm("$confg/x"), Origin: line7}, {As: "config", Source: config()}}}}, "gitops.yaml:7: values file $confg/x: $confg is not a source of the app (did you mean config?)", ""},
		"no such file":   {"", render.Options{Trees: render.Trees{Parts: []render.Part{{Source: base("v1"), Path: "chart", Helm: helm("$config/x"), Origin: line7}, {As: "config", Source: config()}}}}, "gitops.yaml:7: values file $config/x: git.example/config has no file x (check the path, from the root of the source)", ""},
		"file outside":   {"", render.Options{Trees: render.Trees{Parts: []render.Part{{Source: base("v1"), Path: "chart", Helm: helm("$config/../x"), Origin: line7}, {As: "config", Source: config()}}}}, "gitops.yaml:7: values file $config/../x: it is not a file of the source (write $NAME/ and the path from the root of that source)", ""},
		"no mapping":     {"", render.Options{Trees: render.Trees{Parts: []render.Part{{Source: base("v1"), Path: "chart", Helm: helm("$config/bad.yaml"), Origin: line7}, {As: "config", Source: config()}}}}, "$config/bad.yaml: the values are not a mapping ()", ""},
		"nobody is home": {"deploy", render.Options{Trees: render.Trees{Source: &render.NamedSource{Git: "https://git.example/away", Ref: commit, Origin: line7}}}, "gitops.yaml:7: source git.example/away@01234567890123: the server is away ()", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r, f, root := fixture(t)
			inputs := []string(nil)
			test.o.Inputs = func(paths []string) { inputs = paths }
			objects, err := r.Dir(t.Context(), root, test.dir, test.o)
			got := shown(objects)
			if err != nil {
				got = fmt.Sprintf("%v (%s)", err, strings.Join(hint.Of(err), "; "))
			}
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
			if test.inputs != "" && fmt.Sprint(inputs) != test.inputs {
				t.Errorf("depends on %v", inputs)
			}
			if slices.Sort(f.opened); len(slices.Compact(slices.Clone(f.opened))) != len(f.opened) {
				t.Errorf("opened twice: %v", f.opened)
			}
		})
	}
}

// Which version is meant: the lock, then what the options say, then what the server says. An exact ref needs no question.
func TestVersions(t *testing.T) {
	other := strings.Repeat("ab", 20)
	lock := func(ref, version, digest string) string {
		text, err := pins.Lock{{URL: "https://git.example/base.git", Constraint: ref, Version: version, Digest: digest}}.Encode()
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	given := []pins.Entry{{URL: "https://git.example/base.git", Constraint: "v1", Version: "v1", Digest: "sha1:" + other}}
	for name, test := range map[string]struct {
		ref, lock string
		pins      []pins.Entry
		want      string
	}{
		"the server":             {"v1", "", nil, "asked [git.example/base@v1] opened [git.example/base@v1 v1 sha1:" + commit + " false]"},
		"the record":             {"v1", "", given, "asked [] opened [git.example/base@v1 v1 sha1:" + other + " false]"},
		"the lock":               {"v1", lock("v1", "v1", "sha1:"+commit), given, "asked [] opened [git.example/base@v1 v1 sha1:" + commit + " true]"},
		"the lock, of a branch":  {"main", lock("main", other, ""), nil, "asked [] opened [git.example/base@main " + other + " sha1:" + other + " true]"},
		"the lock names a tag":   {"1.x", lock("1.x", "v1", ""), nil, "asked [git.example/base@v1] opened [git.example/base@1.x v1 sha1:" + commit + " true]"},
		"the lock is of another": {"v1", lock("v2", "v2", "sha1:"+other), nil, "asked [git.example/base@v1] opened [git.example/base@v1 v1 sha1:" + commit + " false]"},
		"a commit":               {other, "", nil, "asked [] opened [git.example/base@ababababababab " + other + " sha1:" + other + " true]"},
	} {
		t.Run(name, func(t *testing.T) {
			r, f, _ := fixture(t)
			files := map[string]string{"x": ""}
			if test.lock != "" {
				files[pins.Name] = test.lock
			}
			root, err := os.OpenRoot(write(t, files))
			if err != nil {
				t.Fatal(err)
			}
			defer root.Close()
			o := render.Options{Trees: render.Trees{Source: base(test.ref)}}
			o.Pins = test.pins
			if _, err := r.Dir(t.Context(), root, "deploy", o); err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprintf("asked %v opened %v", f.asked, f.opened); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestNewest(t *testing.T) {
	tags := []string{"v1.2.0", "v1.10.0", "1.9.0", "v2.0.0-rc.1", "nightly", "web-1.11.0"}
	for constraint, want := range map[string]string{
		"1.x": "v1.10.0", "~1.9": "1.9.0", ">=1.0.0-0": "v2.0.0-rc.1", ">=1 <1.5": "v1.2.0",
		"3.x": "no tag fits 3.x", "*.*": "v1.10.0", "[": `"[" is not a range of versions`,
	} {
		got, err := Newest(constraint, tags)
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %s instead of %s", constraint, got, want)
		}
	}
}

func TestRanges(t *testing.T) {
	for ref, want := range map[string]bool{"1.x": true, "v1.x": true, "x": true, ">=1.2 <2": true, "~1.2": true, "^1": true, "*": true, "1.2 || 2": true,
		"v1.2.0": false, "v1": false, "main": false, "next": false, "fix/x": false, "refs/heads/1.x": false, "linux": false, "": false, commit: false} {
		if got := pins.IsRange(ref); got != want {
			t.Errorf("%s: %v", ref, got)
		}
	}
}
