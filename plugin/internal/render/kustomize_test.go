package render

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// What we render is what the library makes of the same files on a disk, in the same order.
func TestKustomizeEqualsTheLibrary(t *testing.T) {
	files, err := filepath.Glob("testdata/kustomize_*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, file := range files {
		scene := readScene(t, file)
		if strings.Contains(scene.want, "error: ") || strings.HasSuffix(file, "_charts.txtar") || strings.HasSuffix(file, "_sops.txtar") { // they need helm (see upstream) and sops
			continue
		}
		compared++
		dir := scene.checkout(t)
		options := krusty.MakeDefaultOptions()
		options.Reorder = krusty.ReorderOptionUnspecified
		options.LoadRestrictions = types.LoadRestrictionsNone
		resources, err := krusty.MakeKustomizer(options).Run(filesys.MakeFsOnDisk(), filepath.Join(dir, scene.dir))
		if err != nil {
			t.Fatal(file, err)
		}
		want, err := resources.AsYaml()
		if err != nil {
			t.Fatal(file, err)
		}
		objects, err := Dir(t.Context(), openRoot(t, dir), scene.dir, scene.options)
		if err != nil {
			t.Fatal(file, err)
		}
		var texts []string
		for _, o := range objects {
			text, err := yaml.Marshal(o.Object)
			if err != nil {
				t.Fatal(err)
			}
			texts = append(texts, string(text))
		}
		if diff := cmp.Diff(string(want), strings.Join(texts, "---\n")); diff != "" {
			t.Errorf("%s: -library +ours:\n%s", file, diff)
		}
	}
	if compared < 5 {
		t.Errorf("only %d kustomizations compared", compared)
	}
}

// Every spelling under which the library would run git or open a connection.
func TestRemoteAddressesAreRecognised(t *testing.T) {
	remote := []string{
		"https://example.com/x.yaml", "http://example.com/x.yaml", "HTTPS://example.com/x.yaml", "https:example", "http:/x",
		"github.com/example/repo", "GitHub.com/example/repo/path", "github.com:example/repo",
		"git@github.com:example/repo.git", "git@gitlab.example.com:22/x/y", "ssh://git@example.com:22/x/y.git", "git::https://example.com/x",
		"git::git@github.com:example/repo", "org-123@github.com:example/repo", "file:///tmp/repo//base", "example.com/repo?ref=v1", "https://example.com/_git/repo",
		"git@example.com:v3/_git/x", "s3://bucket/x", "oci://example.com/x",
	}
	for _, name := range remote {
		if !isRemote(name) {
			t.Errorf("%q is taken for a path", name)
		}
	}
	for _, name := range []string{"base", "../base", "./a b", "x.yaml", "a/b@c/d.yaml", "a:b", "github.com", "git", "a?b", "https", "_git/x", "v1//x"} {
		if isRemote(name) {
			t.Errorf("%q is taken for an address", name)
		}
	}
}

// A few small files must not make the library read a base a million times.
func TestBasesThatMultiply(t *testing.T) {
	dir := t.TempDir()
	for i := range 30 {
		for _, side := range []string{"a", "b"} {
			writeFile(t, dir, fmt.Sprintf("%s%d/kustomization.yaml", side, i), fmt.Sprintf("resources: [../a%d, ../b%d]\n", i+1, i+1))
		}
	}
	writeFile(t, dir, "a30/kustomization.yaml", "namePrefix: a\n")
	writeFile(t, dir, "b30/kustomization.yaml", "namePrefix: b\n")
	_, err := Dir(t.Context(), openRoot(t, dir), "a0", Options{})
	if err == nil || !strings.Contains(err.Error(), "building it reads more than 2000 kustomizations") {
		t.Error(err)
	}
}

func TestBasesThatAreDeep(t *testing.T) {
	dir := t.TempDir()
	for i := range 300 {
		writeFile(t, dir, fmt.Sprintf("d%d/kustomization.yaml", i), fmt.Sprintf("resources: [../d%d]\n", i+1))
	}
	_, err := Dir(t.Context(), openRoot(t, dir), "d0", Options{})
	if err == nil || !strings.Contains(err.Error(), "bases are nested more than 256 deep") {
		t.Error(err)
	}
}

// The library keeps its schema in package variables: renders that run together must not disturb each other.
func TestConcurrentRendersAreEqual(t *testing.T) {
	scene := readScene(t, "testdata/kustomize_overlay.txtar")
	root := openRoot(t, scene.checkout(t))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			objects, err := Dir(context.Background(), root, scene.dir, Options{})
			if err != nil {
				t.Error(err)
				return
			}
			text, err := YAML(objects)
			if err != nil || string(text) != scene.want {
				t.Error("a render differs", err)
			}
		})
	}
	wg.Wait()
}

func TestCancelledRender(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, name := range []string{"plain_tree", "kustomize_overlay"} {
		scene := readScene(t, "testdata/"+name+".txtar")
		if _, err := Dir(ctx, openRoot(t, scene.checkout(t)), scene.dir, Options{}); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRemoteBasesAreNotSupportedYet(t *testing.T) {
	scene := readScene(t, "testdata/kustomize_overlay.txtar")
	_, err := Dir(t.Context(), openRoot(t, scene.checkout(t)), scene.dir, Options{RemoteBases: true})
	if err == nil || !strings.Contains(err.Error(), "not supported yet") {
		t.Error(err)
	}
}

// The last defence, should a path get past the survey: the file system itself.
func TestFileSystemShowsOnlyTheCheckout(t *testing.T) {
	outside := t.TempDir()
	writeFile(t, outside, "secret.yaml", "hunter2")
	dir := t.TempDir()
	writeFile(t, dir, "a/x.yaml", "x")
	symlink(t, dir, "a/file", outside+"/secret.yaml")
	symlink(t, dir, "a/dir", outside)
	symlink(t, dir, "a/up", "../..")
	symlink(t, dir, "a/loop", "loop")
	f := readOnlyFS{ctx: t.Context(), tree: newTree(openRoot(t, dir), limitsOf(Limits{}))}

	for _, name := range []string{outside + "/secret.yaml", "/etc/passwd", mountPoint + "/../etc/passwd", mountPoint + "/a/file", mountPoint + "/a/dir/secret.yaml",
		mountPoint + "/a/up/etc/passwd", mountPoint + "/a/loop", mountPoint + "x/y", "a/x.yaml"} {
		if data, err := f.ReadFile(name); err == nil {
			t.Errorf("%s: read %q", name, data)
		}
		if _, _, err := f.CleanedAbs(name); err == nil {
			t.Errorf("%s: resolved", name)
		}
		if f.Exists(name) || f.IsDir(name) {
			t.Errorf("%s: exists", name)
		}
	}
	if data, err := f.ReadFile(mountPoint + "/a/../a/x.yaml"); err != nil || string(data) != "x" {
		t.Errorf("inside: %q, %v", data, err)
	}
	for _, err := range []error{f.WriteFile(mountPoint+"/a/x.yaml", nil), f.Mkdir(mountPoint + "/b"), f.MkdirAll(mountPoint + "/b"), f.RemoveAll(mountPoint + "/a")} {
		if !errors.Is(err, errReadOnly) {
			t.Errorf("a write got %v", err)
		}
	}
	if _, err := f.Create(mountPoint + "/b"); !errors.Is(err, errReadOnly) {
		t.Error(err)
	}
}

// The environment of the process must not end up in a ConfigMap.
func TestEnvironmentIsNotRead(t *testing.T) {
	t.Setenv("RENDER_CANARY", "hunter2")
	for _, file := range []string{
		"configMapGenerator: [{name: x, envs: [x.env]}]\n",
		"configMapGenerator: [{name: x, env: x.env}]\n",
		"secretGenerator: [{name: x, envs: [x.env]}]\n",
		"generators:\n- |-\n  apiVersion: builtin\n  kind: ConfigMapGenerator\n  metadata: {name: x}\n  envs: [x.env]\n",
		"generators: [g.yaml]\n",
	} {
		dir := t.TempDir()
		writeFile(t, dir, "kustomization.yaml", file)
		writeFile(t, dir, "g.yaml", "apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: x}\nENVS: [x.env]\n")
		writeFile(t, dir, "x.env", "RENDER_CANARY\n")
		objects, err := Dir(t.Context(), openRoot(t, dir), ".", Options{AllowPlainSecrets: true})
		if err == nil || !strings.Contains(err.Error(), "x.env:1: a line without = would be read from the environment") {
			t.Errorf("%s: %v, %v", file, objects, err)
		}
	}
}

// Errors of the library print generators, patches and objects. Whatever goes wrong around a Secret, its value is not
// shown.
func TestErrorsShowNoSecret(t *testing.T) {
	secret := "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {password: hunter2}\n"
	generator := "secretGenerator: [{name: db, literals: [password=hunter2]}]\n"
	inline := "    apiVersion: v1\n    kind: Secret\n    metadata: {name: db}\n    stringData: {password: hunter2}\n"
	tests := map[string]map[string]string{
		"broken Secret":             {"kustomization.yaml": "resources: [s.yaml]\n", "s.yaml": secret + "  x: [\n"},
		"Secret without a name":     {"kustomization.yaml": "resources: [s.yaml]\n", "s.yaml": "apiVersion: v1\nkind: Secret\nstringData: {password: hunter2}\n"},
		"Secret with a bad list":    {"kustomization.yaml": "resources: [s.yaml]\n", "s.yaml": "apiVersion: v1\nkind: List\nitems: [hunter2, {kind: Secret, data: hunter2}]\n"},
		"labels of a wrong type":    {"kustomization.yaml": "resources: [s.yaml]\ncommonLabels: {a: b}\n", "s.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: db, labels: [hunter2]}\n"},
		"twice":                     {"kustomization.yaml": "resources: [s.yaml, t.yaml]\n", "s.yaml": secret, "t.yaml": secret},
		"generated twice":           {"kustomization.yaml": generator + "resources: [b]\n", "b/kustomization.yaml": generator},
		"generated beside a Secret": {"kustomization.yaml": "generatorOptions: {disableNameSuffixHash: true}\nresources: [s.yaml]\n" + generator, "s.yaml": secret},
		"merge of nothing":          {"kustomization.yaml": "secretGenerator: [{name: db, behavior: merge, literals: [password=hunter2]}]\n"},
		"literal twice":             {"kustomization.yaml": "secretGenerator: [{name: db, literals: [password=hunter2, password=hunter2]}]\n"},
		"literal without a key":     {"kustomization.yaml": "secretGenerator: [{name: db, literals: [=hunter2]}]\n"},
		"key that is not valid":     {"kustomization.yaml": "secretGenerator: [{name: db, literals: ['a b=hunter2']}]\n"},
		"variable without a value":  {"kustomization.yaml": "secretGenerator: [{name: db, envs: [s.env]}]\n", "s.env": "hunter2\n"},
		"variable that is invalid":  {"kustomization.yaml": "secretGenerator: [{name: db, envs: [s.env]}]\n", "s.env": "a b=hunter2\n"},
		"patch of nothing":          {"kustomization.yaml": "resources: [c.yaml]\npatches:\n- patch: |\n" + inline, "c.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"},
		"broken patch":              {"kustomization.yaml": "resources: [s.yaml]\npatches:\n- patch: |\n" + inline + "      x: [\n", "s.yaml": secret},
		"patch without a name":      {"kustomization.yaml": "resources: [s.yaml]\npatches:\n- patch: |\n    stringData: {password: hunter2}\n", "s.yaml": secret},
		"patch and path":            {"kustomization.yaml": "resources: [s.yaml]\npatches:\n- path: s.yaml\n  patch: |\n" + inline, "s.yaml": secret},
		"patch of a wrong type":     {"kustomization.yaml": "resources: [s.yaml]\npatches:\n- target: {kind: Secret}\n  patch: '[{\"op\": \"test\", \"path\": \"/stringData/password\", \"value\": \"hunter2x\"}]'\n", "s.yaml": secret},
		"patch with a bad pointer":  {"kustomization.yaml": "resources: [s.yaml]\npatches:\n- target: {kind: Secret}\n  patch: '[{\"op\": \"replace\", \"path\": \"stringData\", \"value\": \"hunter2\"}]'\n", "s.yaml": secret},
		"patch in flow style":       {"kustomization.yaml": "resources: [s.yaml]\npatches:\n- target: {kind: Secret}\n  patch: '[{op: replace, path: /a, value: hunter2}]'\n", "s.yaml": secret},
		"merge patch, two at once":  {"kustomization.yaml": "resources: [s.yaml]\npatches:\n- target: {kind: Secret}\n  patch: |\n" + inline + "    ---\n" + inline, "s.yaml": secret},
		"replacement":               {"kustomization.yaml": "resources: [s.yaml]\nreplacements: [{source: {kind: Secret, fieldPath: stringData.password}, targets: [{select: {kind: Secret}, fieldPaths: [metadata.labels.x.y]}]}]\n", "s.yaml": secret},
		"replacement of a part":     {"kustomization.yaml": "resources: [s.yaml]\nreplacements: [{source: {kind: Secret, fieldPath: stringData.password, options: {delimiter: t, index: 9}}, targets: [{select: {kind: Secret}, fieldPaths: [metadata.name]}]}]\n", "s.yaml": secret},
		"variable in a wrong place": {"kustomization.yaml": "resources: [s.yaml]\nvars: [{name: A, objref: {apiVersion: v1, kind: Secret, name: db}, fieldref: {fieldpath: stringData}}]\n", "s.yaml": secret},
		"transformer of a Secret":   {"kustomization.yaml": "resources: [s.yaml]\ntransformers: [s.yaml]\n", "s.yaml": secret},
		"patch transformer":         {"kustomization.yaml": "resources: [s.yaml]\ntransformers:\n- |-\n  apiVersion: builtin\n  kind: PatchTransformer\n  metadata: {name: x}\n  path: s.yaml\n  patch: '{password: hunter2}'\n", "s.yaml": secret},
		"password with a star":      {"kustomization.yaml": "resources: [s.yaml]\n", "s.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {password: *hunter2}\n"},
		"namespace of a wrong type": {"kustomization.yaml": "resources: [s.yaml]\nnamespace: x\n", "s.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: {a: hunter2}}\n"},
		"data of a wrong type":      {"kustomization.yaml": "resources: [s.yaml]\nnamePrefix: x\nsecretGenerator: [{name: db, behavior: merge, literals: [a=hunter2]}]\n", "s.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\ndata: [hunter2]\n"},
		"kustomization":             {"kustomization.yaml": "secretGenerator: {password: hunter2}\n"},
		"unknown generator field":   {"kustomization.yaml": "secretGenerator: [{name: db, literal: [password=hunter2]}]\n"},
	}
	for name, files := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range files {
				writeFile(t, dir, file, text)
			}
			objects, err := Dir(t.Context(), openRoot(t, dir), ".", Options{})
			if err == nil {
				t.Fatalf("no error: %v", objects)
			}
			text := describe(t, err)
			if strings.Contains(text, "hunter") || strings.Contains(text, "aHVudGVy") {
				t.Errorf("shown:\n%s", text)
			}
			if strings.Contains(text, "gitops-checkout") || strings.Count(text, "\n") > 10 {
				t.Errorf("not one line about a file:\n%s", text)
			}
			t.Log(text)
		})
	}
}

func TestByteOrderMarkAndCRLF(t *testing.T) {
	kustomization, manifest := "resources: [x.yaml]\nnamePrefix: my-\n", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: y1\n"
	var texts []string
	for _, edit := range []func(string) string{
		func(s string) string { return s },
		func(s string) string { return "\xef\xbb\xbf" + strings.ReplaceAll(s, "\n", "\r\n") },
	} {
		dir := t.TempDir()
		writeFile(t, dir, "kustomization.yaml", edit(kustomization))
		writeFile(t, dir, "x.yaml", edit(manifest))
		objects, err := Dir(t.Context(), openRoot(t, dir), ".", Options{})
		if err != nil {
			t.Fatal(err)
		}
		text, err := YAML(objects)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	if diff := cmp.Diff(texts[0], texts[1]); diff != "" {
		t.Error(diff)
	}
}
