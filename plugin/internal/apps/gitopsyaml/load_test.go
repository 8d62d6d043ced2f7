package gitopsyaml

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
)

// checkout is a directory with gitops.yaml and the directories that tests name.
func checkout(tb testing.TB, text string, dirs ...string) *os.Root {
	tb.Helper()
	dir := tb.TempDir()
	for _, d := range append(dirs, ".") {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			tb.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, Name), []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { root.Close() })
	return root
}

const head = "apiVersion: kubectl-gitops.dev/v1alpha1\nkind: GitOps\napps:\n"

func TestLoadEverything(t *testing.T) {
	root := checkout(t, head+`- name: infra
  path: infrastructure/controllers
- name: shop
  path: apps/shop/overlays/prod/
  namespace: shop
  dependsOn: [infra]
  timeout: 2m
  prune: false
  serviceAccount: shop-deployer
  helm: {release: shop, values: [values.yaml, values-prod.yaml], set: {image.tag: 1.2.3, replicas: 3, on: true}}
  ignore: [{kind: Deployment, name: web, paths: [/spec/replicas]}]
  foreignFields: keep
  deletionBudget: {count: 5, percent: 10}
  health: [{group: example.com, kind: Widget, healthy: object.status.ok, message: object.status.why}]
  allow: {namespaces: [shop], kinds: [Deployment, Widget.example.com]}
  allowPlainSecrets: true
  substitute: {vars: {REGION: eu}, from: [{kind: ConfigMap, name: cluster}, {kind: Secret, name: more, plain: [DOMAIN]}]}
  allowSealedValues: [{kind: ConfigMap, name: web-*}]
- name: flux
  path: flux
  substitute: {dialect: flux, always: true, from: [{kind: ConfigMap, name: cluster, optional: true}]}
- {name: strict, path: flux, substitute: {dialect: strict, vars: {a-b: 1}}}
`, "flux", "infrastructure/controllers", "apps/shop/overlays/prod")
	got, found, err := Load(root, ".")
	if err != nil || !found {
		t.Fatal(found, err)
	}
	want := []app.App{
		{Name: "infra", Path: "infrastructure/controllers", Budget: app.DefaultBudget},
		{Name: "shop", Path: "apps/shop/overlays/prod", Namespace: "shop", DependsOn: []string{"infra"}, Timeout: 2 * time.Minute,
			KeepRemoved: true, AllowPlainSecrets: true, Budget: app.Budget{Count: 5, Percent: 10, Free: 5}, ServiceAccount: "shop-deployer",
			Helm: app.Helm{Release: "shop", Values: []string{"values.yaml", "values-prod.yaml"},
				Set: map[string]any{"image.tag": "1.2.3", "replicas": int64(3), "on": true}},
			Ignore:        []app.Ignore{{Kind: "Deployment", Name: "web", Paths: []string{"/spec/replicas"}}},
			ForeignFields: app.ForeignKeep,
			Health:        []app.HealthRule{{Group: "example.com", Kind: "Widget", Healthy: "object.status.ok", Message: "object.status.why"}},
			Allow:         app.Allow{Namespaces: []string{"shop"}, Kinds: []string{"Deployment", "Widget.example.com"}},
			Substitute: &app.Substitute{Vars: map[string]any{"REGION": "eu"},
				From: []app.SubstituteFrom{{Kind: "ConfigMap", Name: "cluster"}, {Kind: "Secret", Name: "more", Plain: []string{"DOMAIN"}}}},
			AllowSealedValues: []app.ObjectRule{{Kind: "ConfigMap", Name: "web-*"}}},
		{Name: "flux", Path: "flux", Budget: app.DefaultBudget,
			Substitute: &app.Substitute{Dialect: app.DialectFlux, Always: true, From: []app.SubstituteFrom{{Kind: "ConfigMap", Name: "cluster", Optional: true}}}},
		{Name: "strict", Path: "flux", Budget: app.DefaultBudget, Substitute: &app.Substitute{Vars: map[string]any{"a-b": int64(1)}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestNoFile(t *testing.T) {
	root := checkout(t, "", "apps")
	if _, found, err := Load(root, "apps"); found || err != nil {
		t.Error(found, err)
	}
}

func TestGlobs(t *testing.T) {
	dirs := []string{"apps/shop/overlays/prod", "apps/Mail_1/overlays/prod", "apps/blog/overlays/test", "apps/.hidden/overlays/prod", "infra/a", "infra/b"}
	for _, c := range []struct{ entry, want string }{
		{"{path: apps/*/overlays/prod}", "mail-1=apps/Mail_1/overlays/prod shop=apps/shop/overlays/prod"},
		{"{path: 'apps/*/overlays/*', name: all}", "all-mail-1-prod=apps/Mail_1/overlays/prod all-blog-test=apps/blog/overlays/test all-shop-prod=apps/shop/overlays/prod"},
		{"{path: 'apps/s?op/overlays/prod'}", "shop=apps/shop/overlays/prod"},
		{"{path: 'infra/[ab]', namespace: infra}", "a=infra/a b=infra/b"},
	} {
		apps, _, err := Load(checkout(t, head+"- "+c.entry+"\n", dirs...), ".")
		if err != nil {
			t.Errorf("%s: %v", c.entry, err)
		}
		var got []string
		for _, a := range apps {
			got = append(got, a.Name+"="+a.Path)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %s", c.entry, got)
		}
	}
}

func TestRefused(t *testing.T) {
	dirs := []string{"apps/shop/prod", "apps/blog/prod", "other/shop", "infra"}
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "gitops.yaml: the file is empty; it starts with apiVersion: kubectl-gitops.dev/v1alpha1"},
		{"not YAML", head + "- name: [\n", "gitops.yaml:4: a value is missing, or something is not closed; look for a [ or { without its ] or }"},
		{"a tab", head + "- name: a\n\tpath: infra\n", "gitops.yaml:5: a tab where YAML wants spaces; indent YAML with spaces"},
		{"a conflict", head + "<<<<<<< HEAD\n- {name: a, path: infra}\n=======\n- {name: b, path: infra}\n>>>>>>> other\n",
			"gitops.yaml:4: a merge conflict marker; resolve the conflict: keep one side, and remove the lines that begin with <<<<<<<, ======= and >>>>>>>"},
		{"a template", head + "- name: {{ .Values.name }}\n", "gitops.yaml:4: {{ looks like a Helm template, but there is no Chart.yaml; " +
			"render the chart that it belongs to, or put a value that begins with {{ in quotes"},
		{"an unknown alias", head + "- name: *a\n", "gitops.yaml:4: an alias (*name) names no anchor; put a value that begins with * in quotes"},
		{"another kind", "apiVersion: kubectl-gitops.dev/v1\nkind: Gitops\napps: [{name: a, path: infra}]\n",
			"gitops.yaml:1: apiVersion: \"kubectl-gitops.dev/v1\" is not known; one of: kubectl-gitops.dev/v1alpha1\n" +
				"gitops.yaml:2: kind: \"Gitops\" is not known; did you mean GitOps?"},
		{"no apps", "apiVersion: kubectl-gitops.dev/v1alpha1\nkind: GitOps\n", "gitops.yaml:1: the file has no apps"},
		{"an empty list", head[:len(head)-1] + " []\n", "gitops.yaml:3: the file lists no app; an empty list would remove everything; if you want that, delete gitops.yaml, and delete its objects with kubectl"},
		{"two documents", head + "- {name: a, path: infra}\n---\na: b\n", "gitops.yaml:5: the file holds more than one document; put all apps into one list"},
		{"unknown keys", head + "- name: a\n  path: infra\n  dependOn: [b]\n  helm: {value: [x]}\nextra: 1\n",
			"gitops.yaml:6: unknown key \"dependOn\" in the app; did you mean dependsOn?\n" +
				"gitops.yaml:7: unknown key \"value\" in helm; did you mean values?\n" +
				"gitops.yaml:8: unknown key \"extra\" in the file; one of: apiVersion, apps, kind"},
		{"wrong types", head + "- name: 1\n  path: [infra]\n  timeout: 5\n  prune: maybe\n  dependsOn: infra\n  deletionBudget: {count: -1, percent: 101}\n  helm: {set: {tag: 1.10}}\n  namespace:\n",
			"gitops.yaml:4: name is a number, not a string; put the value in quotes\n" +
				"gitops.yaml:5: path is a list, not one value\n" +
				"gitops.yaml:6: \"5\" is not a duration above zero; write a number with its unit, such as 90s, 5m or 1h\n" +
				"gitops.yaml:7: prune is a string, not true or false; write true or false\n" +
				"gitops.yaml:8: dependsOn is a string, not a list; write each element on a line of its own, after -\n" +
				"gitops.yaml:9: count: \"-1\" is not a whole number from 0 on\n" +
				"gitops.yaml:9: 101 percent is more than 100\n" +
				"gitops.yaml:10: tag: 1.10 reads as a number, which may not be what is meant; put the value in quotes\n" +
				"gitops.yaml:11: namespace has no value; give it a value, or leave the key out"},
		{"a key twice", head + "- name: a\n  path: infra\n  name: b\n", "gitops.yaml:6: name is given twice, first in line 4; keep one of the two"},
		{"a merge", head + "- &a {name: a, path: infra}\n- {<<: *a, name: b}\n", "gitops.yaml:5: the app: only plain keys are read; write the keys out\ngitops.yaml:5: the app has no path"},
		{"names", head + "- {name: Shop, path: infra}\n- {path: infra}\n- {name: a, path: infra}\n- {name: a, path: infra}\n",
			"gitops.yaml:4: \"Shop\" cannot be the name of an app; use up to 40 of a-z, 0-9 and '-'\n" +
				"gitops.yaml:5: the app has no name\n" +
				"gitops.yaml:7: two apps are called a, the other in line 6; objects in the cluster are named after the apps: rename one of the two, or give an entry with wildcards a name, with which the names of its apps begin"},
		{"globs of one name", head + "- {path: apps/*/prod}\n- {path: other/*}\n",
			"gitops.yaml:5: two apps are called shop, the other in line 4 (paths apps/shop/prod and other/shop); objects in the cluster are named after the apps: rename one of the two, or give an entry with wildcards a name, with which the names of its apps begin"},
		{"a glob without a match", head + "- {path: apps/*/production}\n", "gitops.yaml:4: path apps/*/production matches no directory; directories of apps: blog, shop"},
		{"a bad glob", head + "- {path: 'apps/[a'}\n- {path: apps/**}\n", "gitops.yaml:4: path apps/[a: \"[a\" is not a pattern\ngitops.yaml:5: path apps/**: ** is not known; * matches inside one element of the path: write one for each level"},
		{"paths", head + "- {name: a, path: ../else}\n- {name: b, path: /abs}\n- {name: c, path: apps/shpo}\n- {name: d, path: 'a\\b'}\n",
			"gitops.yaml:4: path ../else leaves the repository; give a directory from the repository's root\n" +
				"gitops.yaml:5: path /abs leaves the repository; give a directory from the repository's root\n" +
				"gitops.yaml:6: path apps/shpo is not a directory of the repository; did you mean shop?\n" +
				"gitops.yaml:7: path \"a\\\\b\" holds a backslash; write / between directories"},
		{"dependencies", head + "- {name: shop, path: infra, dependsOn: [infar]}\n- {name: infra, path: infra}\n",
			"gitops.yaml:4: shop depends on infar, which is not in the file; did you mean infra?"},
		{"a cycle", head + "- name: a\n  path: infra\n  dependsOn: [b]\n- {name: b, path: infra, dependsOn: [c]}\n- {name: c, path: infra, dependsOn: [a]}\n",
			"gitops.yaml:6: apps depend on each other in a circle: a -> b -> c -> a; remove one of the dependencies"},
		{"itself", head + "- {name: a, path: infra, dependsOn: [a]}\n", "gitops.yaml:4: apps depend on each other in a circle: a -> a; remove one of the dependencies"},
		{"an expression", head + "- name: a\n  path: infra\n  health:\n  - kind: Widget\n    healthy: obj.status.ok\n",
			"gitops.yaml:7: health rule of Widget: healthy: undeclared reference to 'obj'\nobj.status.ok\n^; the expression is CEL, and `object` is the object"},
		{"rules", head + "- name: a\n  path: infra\n  ignore: [{kind: Deployment}, {paths: [spec]}]\n  health: [{kind: Widget}]\n  foreignFields: reprot\n  substitute: {from: [{kind: Secrets, name: x}]}\n  allow: {namespaces: [A]}\n",
			"gitops.yaml:6: the rule says what it is about, but not what to ignore; give paths such as /spec/replicas, or managers\n" +
				"gitops.yaml:6: \"spec\" is not a JSON pointer; write it as in /spec/replicas; / in a key is ~1\n" +
				"gitops.yaml:7: the rule for Widget has no expression; give at least one of healthy, degraded, progressing, suspended\n" +
				"gitops.yaml:8: foreignFields: \"reprot\" is not known; did you mean report?\n" +
				"gitops.yaml:9: kind: \"Secrets\" is not known; did you mean Secret?\n" +
				"gitops.yaml:10: \"A\" cannot be the name of a namespace; lower-case letters, digits and '-' only"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := Load(checkout(t, c.text, dirs...), ".")
			var problems manifest.Problems
			if !errors.As(err, &problems) {
				t.Fatalf("%v", err)
			}
			var lines []string
			for _, p := range problems.Unwrap() {
				line := p.Error()
				for _, h := range hint.Of(p) {
					line += "; " + h
				}
				lines = append(lines, line)
			}
			if diff := cmp.Diff(c.want, strings.Join(lines, "\n")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The list may be called gitops.yml, but there is one.
func TestFieldNames(t *testing.T) {
	list := head + "- {name: a, path: infra}\n"
	for _, c := range []struct {
		name  string
		files map[string]string
		want  string // of the error; "" for the app a
	}{
		{"M12 gitops.yml", map[string]string{OtherName: list}, ""},
		{"M12 mistakes in gitops.yml", map[string]string{OtherName: head + "- {name: a}\n"}, "gitops.yml:4: the app has no path"},
		{"M12 both", map[string]string{Name: list, OtherName: list}, "gitops.yml: the directory also holds gitops.yaml; keep one of the two"},
		{"M12 a link to nothing", map[string]string{Name: "-> nowhere.yaml"}, "gitops.yaml: is a symbolic link to nothing"},
		{"P14 a pointer of Git LFS", map[string]string{Name: "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"},
			"gitops.yaml: the file is a Git LFS pointer, not its content"},
		{"Habits no directories", map[string]string{Name: head + "- {name: a, path: apps}\n"}, "the repository root has no directories"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			root, err := os.OpenRoot(dir)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { root.Close() })
			for name, text := range c.files {
				if target, ok := strings.CutPrefix(text, "-> "); ok {
					err = root.Symlink(target, name)
				} else {
					err = root.WriteFile(name, []byte(text), 0o600)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if !strings.HasPrefix(c.name, "Habits") {
				if err := root.Mkdir("infra", 0o700); err != nil {
					t.Fatal(err)
				}
			}
			apps, found, err := Load(root, ".")
			if c.want == "" {
				if err != nil || !found || len(apps) != 1 || apps[0].Name != "a" {
					t.Errorf("%v, %v, %v", apps, found, err)
				}
				return
			}
			if err == nil || !found {
				t.Fatal(apps, found)
			}
			if text := err.Error() + "; " + strings.Join(hint.Of(err), "; "); !strings.Contains(text, c.want) {
				t.Error(text)
			}
		})
	}
}

// Aliases that stand for a million values are refused before they are built.
func TestAliasBomb(t *testing.T) {
	text := head + "- name: a\n  path: infra\n  dependsOn: &x0 [" + strings.Repeat("a,", 100) + "]\n"
	bomb := "x: &a [a,a,a,a,a,a,a,a,a,a]\n"
	for i := range 6 {
		bomb += fmt.Sprintf("%c: &%c [%s]\n", 'y'+i, 'b'+i, strings.Repeat(fmt.Sprintf("*%c,", 'a'+i), 10))
	}
	for name, text := range map[string]string{
		"nested":  "apiVersion: kubectl-gitops.dev/v1alpha1\nkind: GitOps\napps: &a [*a, *a]\n",
		"a list":  "apiVersion: kubectl-gitops.dev/v1alpha1\nkind: GitOps\napps:\n- &e {name: a, path: infra, dependsOn: &d [" + strings.Repeat("infra,", 2000) + "]}\n" + strings.Repeat("- *e\n", 2000),
		"million": text + "  allow: {kinds: [" + strings.Repeat("*x0,", 1_000_000) + "]}\n",
		"keys":    head + "- name: a\n  path: infra\n" + bomb,
	} {
		if _, _, err := Load(checkout(t, text, "infra"), "."); err == nil {
			t.Errorf("%s: accepted", name)
		} else if problems := (manifest.Problems)(nil); errors.As(err, &problems) && len(problems) > 20 {
			t.Errorf("%s: %d problems", name, len(problems))
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(head + "- {name: a, path: apps/*, helm: {set: {a: 1}}, health: [{kind: a, healthy: b}]}\n")
	f.Add(head + "- &a {name: a, path: ., dependsOn: [*a]}\n- *a\n")
	f.Add("apps: &a [*a, {<<: *a}]")
	root := checkout(f, "", "apps/x", "apps/y")
	f.Fuzz(func(t *testing.T, text string) {
		l := &loader{decoder: &decoder{file: Name, lines: map[string]int{}}, tree: root, places: map[string]bool{}}
		apps := l.load([]byte(text))
		if len(l.problems) > 0 {
			return
		}
		names := map[string]bool{}
		for _, a := range apps {
			if badName(a.Name) != "" || names[a.Name] || a.Path == "" || !isDirectory(root, a.Path) {
				t.Errorf("accepted: %+v", a)
			}
			names[a.Name] = true
		}
		if len(apps) == 0 {
			t.Error("nothing, and no problem")
		}
	})
}

// TestCircleOfLinks: wildcards that go round in symbolic links would match without end.
func TestCircleOfLinks(t *testing.T) {
	root := checkout(t, head+"- {path: a/*/*/*/*/*/*}\n", "a")
	for i := range 30 {
		if err := root.Symlink(".", fmt.Sprintf("a/l%d", i)); err != nil {
			t.Skip(err)
		}
	}
	_, _, err := Load(root, ".")
	if err == nil || !strings.Contains(err.Error(), "matches more than 2000 directories") {
		t.Error(err)
	}
}

// A list that is written as something else is one mistake, not an empty list besides.
func TestAListOfTheWrongTypeIsOneProblem(t *testing.T) {
	for _, setting := range []string{"ageKeys: shop.agekey", "allow: {kinds: ConfigMap, namespaces: [a]}", "allow: {namespaces: a, kinds: [ConfigMap]}"} {
		l := &loader{decoder: &decoder{file: Name, lines: map[string]int{}}, tree: checkout(t, "", "apps/x"), places: map[string]bool{}}
		if l.load([]byte(head + "- {name: a, path: apps/x, " + setting + "}\n")); len(l.problems) != 1 || !strings.Contains(l.problems[0].Message, "not a list") {
			t.Errorf("%s: %v", setting, l.problems)
		}
	}
}

// A text that must be there must say something: of every kind of entry, by the types.
func TestRequiredTextsAreNotEmpty(t *testing.T) {
	checked := 0
	for _, form := range []any{Chart{}, Image{}, ValuesFrom{}, Replicas{}, WaitFor{}} {
		v := reflect.New(reflect.TypeOf(form)).Elem()
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if f.Tag.Get("required") == "" || f.Type.Kind() != reflect.String {
				continue
			}
			checked++
			for _, empty := range []string{`""`, "' '"} {
				key := f.Tag.Get("yaml")
				var n yaml.Node
				if err := yaml.Unmarshal([]byte(key+": "+empty), &n); err != nil {
					t.Fatal(err)
				}
				d := &decoder{file: Name, lines: map[string]int{}}
				d.decode(n.Content[0], v.Addr().Interface())
				if !strings.Contains(fmt.Sprint(d.problems), key+" is empty") {
					t.Errorf("%T: %s: %s gives %v", form, key, empty, d.problems)
				}
			}
		}
	}
	if checked < 7 {
		t.Errorf("only %d keys", checked)
	}
}
