package render

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// listening starts a server that counts what it is asked, in this process or in a child.
func listening(t testing.TB) (url string, asked *atomic.Int32) {
	t.Helper()
	asked = &atomic.Int32{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		_, _ = w.Write([]byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: fetched}\n"))
	}))
	t.Cleanup(server.Close)
	return server.URL, asked
}

const patchOfShop = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shop}\ndata: {a: b}\n"

// The library decides what is inline by parsing it, and reads everything else from an address or a path. So do we.
func TestAttackWhatLooksInline(t *testing.T) {
	url, asked := listening(t)
	const patcher = "apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: p}\n"
	const address, shape, missing = "only files of the repository are read", "not what Kustomize reads", "does not exist"
	for name, tt := range map[string]struct {
		kustomization string
		want          string // in the refusal
	}{
		"patchesStrategicMerge with a brace":          {"patchesStrategicMerge: ['" + url + "/x?{y']\n", address},
		"patchesStrategicMerge with a colon":          {"patchesStrategicMerge: ['" + url + "/x?a: b']\n", address},
		"patchesStrategicMerge, a scheme in capitals": {"patchesStrategicMerge: ['" + strings.Replace(url, "http", "HTTP", 1) + "/{x}']\n", address},
		"patchesStrategicMerge, a line of its own":    {"patchesStrategicMerge:\n- |\n  " + url + "/{x}\n", shape},
		"patchesStrategicMerge, a line of Unicode":    {"patchesStrategicMerge: [\"" + url + "/x?a: b\\u2028c: d\"]\n", address},
		"generators with a brace":                     {"generators: ['" + url + "/{x}']\n", address},
		"transformers with a brace":                   {"transformers: ['" + url + "/{x}']\n", address},
		"validators with a colon":                     {"validators: ['" + url + "/x?a: b']\n", address},
		"transformers, a repository with a colon":     {"transformers: ['git@127.0.0.1:a/b: {c']\n", address},
		"transformers, a mapping without a kind":      {"transformers: ['{path: x}']\n", shape},
		"transformers, an unchecked directory":        {"transformers: ['unseen: {x']\n", missing},
		"transformers, a directory that exists":       {"transformers: ['a: {dir']\n", "is a directory"},
		"transformers, a directory of a mapping":      {"transformers: ['a: dir']\n", shape},
		"a path in a PatchTransformer":                {"transformers:\n- |\n  " + indent(patcher+"path: '"+url+"/{x}'\n"), address},
		"a key in other letters":                      {"transformers:\n- |\n  " + indent(patcher+"PATH: '"+url+"/{x}'\n"), address},
		"a key of Unicode":                            {"generators:\n- |\n  " + indent("apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: p}\nfileſ: ['"+url+"/x']\n"), address},
		"a key twice":                                 {"transformers:\n- |\n  " + indent(patcher+"path: '"+url+"/{x}'\npath: shop.yaml\n"), shape},
		"paths of a PatchStrategicMergeTransformer": {"transformers:\n- |\n  " +
			indent("apiVersion: builtin\nkind: PatchStrategicMergeTransformer\nmetadata: {name: p}\npaths: ['"+url+"/{x}']\n"), address},
		"paths of a PatchStrategicMergeTransformer, one mapping": {"transformers:\n- |\n  " +
			indent("apiVersion: builtin\nkind: PatchStrategicMergeTransformer\nmetadata: {name: p}\npaths: ['{a: "+url+"}']\n"), shape},
		"replacements of a ReplacementTransformer": {"transformers:\n- |\n  " +
			indent("apiVersion: builtin\nkind: ReplacementTransformer\nmetadata: {name: p}\nreplacements: [{path: '"+url+"/{x}'}]\n"), address},
		"targetFilePath of a ValueAddTransformer": {"transformers:\n- |\n  " +
			indent("apiVersion: builtin\nkind: ValueAddTransformer\nmetadata: {name: p}\ntargetFilePath: '"+url+"/{x}'\ntargets: [{fieldPath: data/a}]\n"), address},
		"a configuration in a list": {"transformers:\n- |\n  " +
			indent("apiVersion: v1\nkind: List\nitems:\n- {apiVersion: builtin, kind: PatchTransformer, metadata: {name: p}, path: '"+url+"/{x}'}\n"), address},
		"patches":                 {"patches: [{path: '" + url + "/{x}'}]\n", address},
		"patchesJson6902":         {"patchesJson6902: [{target: {version: v1, kind: ConfigMap, name: shop}, path: '" + url + "/{x}'}]\n", address},
		"replacements":            {"replacements: [{path: '" + url + "/{x}'}]\n", address},
		"components":              {"components: ['" + url + "/{x}']\n", address},
		"crds":                    {"crds: ['" + url + "/{x}']\n", address},
		"configurations":          {"configurations: ['" + url + "/{x}']\n", address},
		"openapi":                 {"openapi: {path: '" + url + "/{x}'}\n", address},
		"configMapGenerator":      {"configMapGenerator: [{name: a, files: ['a=" + url + "/{x}']}]\n", address},
		"secretGenerator, envs":   {"secretGenerator: [{name: a, envs: ['" + url + "/{x}']}]\n", address},
		"helmCharts":              {"helmCharts: [{name: own, releaseName: own, valuesFile: '" + url + "/{x}'}]\n", address},
		"helmCharts, more values": {"helmCharts: [{name: own, releaseName: own, additionalValuesFiles: ['" + url + "/{x}']}]\n", address},
		"a path outside":          {"patchesStrategicMerge: ['../../{x}']\n", "leaves the repository"},
		"an absolute path":        {"transformers: ['/etc/{x}']\n", "absolute path"},
	} {
		t.Run("X2 "+name, func(t *testing.T) {
			dir := t.TempDir()
			writeFile(t, dir, "kustomization.yaml", "resources: [shop.yaml]\n"+tt.kustomization)
			writeFile(t, dir, "shop.yaml", patchOfShop)
			for _, unseen := range []string{"a: {dir", "a: dir"} {
				writeFile(t, dir, unseen+"/kustomization.yaml", "resources: [t.yaml]\n")
				writeFile(t, dir, unseen+"/t.yaml", "apiVersion: builtin\nkind: PrefixTransformer\nmetadata: {name: p}\nprefix: unseen-\nfieldSpecs: [{path: metadata/name}]\n")
			}
			writeFile(t, dir, "charts/own/Chart.yaml", "apiVersion: v2\nname: own\nversion: 1.0.0\n")
			writeFile(t, dir, "charts/own/templates/a.yaml", patchOfShop)
			before := asked.Load()
			objects, err := Dir(t.Context(), openRoot(t, dir), ".", Options{AllowPlainSecrets: true})
			if n := asked.Load() - before; n > 0 {
				t.Errorf("%d requests", n)
			}
			if err == nil && tt.want != "" {
				t.Fatalf("not refused: %v", objects)
			}
			if err != nil && !strings.Contains(describe(t, err), tt.want) {
				t.Errorf("lacks %q:\n%s", tt.want, describe(t, err))
			}
			if err != nil {
				t.Log(describe(t, err))
			}
		})
	}
}

// A link may have any name; what it leads to must not become an address on the way to the library.
func TestAttackDirectoriesNamedLikeAddresses(t *testing.T) {
	for name, base := range map[string]string{
		"X2 of a Git server": "git@127.0.0.1:org/base", "X2 of GitHub": "github.com/org/base/deep", "X2 with a scheme": "https:/127.0.0.1/base",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			writeFile(t, dir, base+"/kustomization.yaml", "helmCharts: [{name: own, releaseName: own}]\nhelmGlobals: {chartHome: charts}\n")
			writeFile(t, dir, base+"/charts/own/Chart.yaml", "apiVersion: v2\nname: own\nversion: 1.0.0\n")
			writeFile(t, dir, base+"/charts/own/templates/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: own, namespace: \"{{ .Release.Namespace }}\"}\n")
			symlink(t, dir, "one", base)
			symlink(t, dir, "two", base)
			writeFile(t, dir, "red/kustomization.yaml", "namespace: red\nresources: [../one]\n")
			writeFile(t, dir, "blue/kustomization.yaml", "namespace: blue\nresources: [../two]\n")
			writeFile(t, dir, "kustomization.yaml", "resources: [red, one]\nnamespace: green\n")
			objects, err := Dir(t.Context(), openRoot(t, dir), ".", Options{})
			if err == nil {
				t.Fatalf("not refused: %v", objects)
			}
			if text := describe(t, err); !strings.Contains(text, "Kustomize would read it as an address") {
				t.Error(text)
			}
		})
	}
}

// What people write inline, and paths that look odd, work as before.
func TestInlineStillWorks(t *testing.T) {
	url, asked := listening(t)
	for name, text := range map[string]string{
		"block":                 "patchesStrategicMerge:\n- |\n  " + indent(patchOfShop+"# see "+url+"\n"),
		"flow":                  "patchesStrategicMerge:\n- '{apiVersion: v1, kind: ConfigMap, metadata: {name: shop}, data: {url: \"" + url + "/{x}\"}}'\n",
		"JSON":                  "patchesStrategicMerge:\n- '{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": {\"name\": \"shop\"}, \"data\": {\"url\": \"" + url + "\"}}'\n",
		"two documents":         "patchesStrategicMerge:\n- |\n  " + indent(patchOfShop+"---\n"+patchOfShop),
		"a path with a brace":   "patchesStrategicMerge: ['{odd.yaml']\n",
		"a path with a colon":   "patchesStrategicMerge: ['odd: {.yaml']\n",
		"a path with a space":   "patchesStrategicMerge: ['odd patch.yaml']\n",
		"transformer":           "transformers:\n- |\n  " + indent("apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: p}\npath: odd patch.yaml\n"),
		"transformer, inline":   "transformers:\n- |\n  " + indent("apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: p}\npatch: '{apiVersion: v1, kind: ConfigMap, metadata: {name: shop}, data: {url: \""+url+"\"}}'\n"),
		"paths, inline":         "transformers:\n- |\n  " + indent("apiVersion: builtin\nkind: PatchStrategicMergeTransformer\nmetadata: {name: p}\npaths: ['{apiVersion: v1, kind: ConfigMap, metadata: {name: shop}, data: {url: \""+url+"\"}}', odd patch.yaml]\n"),
		"labels, a field path":  "transformers:\n- |\n  " + indent("apiVersion: builtin\nkind: LabelTransformer\nmetadata: {name: p}\nlabels: {a: b}\nfieldSpecs: [{path: metadata/labels, create: true}]\n"),
		"generator with a file": "generators:\n- |\n  " + indent("apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: p}\nfiles: ['odd: {.yaml']\n"),
		"generator, an address": "generators:\n- |\n  " + indent("apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: p}\nliterals: ['url="+url+"']\n"),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			writeFile(t, dir, "kustomization.yaml", "resources: [shop.yaml]\n"+text)
			for _, file := range []string{"shop.yaml", "{odd.yaml", "odd: {.yaml", "odd patch.yaml"} {
				writeFile(t, dir, file, patchOfShop)
			}
			if _, err := Dir(t.Context(), openRoot(t, dir), ".", Options{}); err != nil {
				t.Error(describe(t, err))
			}
		})
	}
	if n := asked.Load(); n > 0 {
		t.Errorf("%d requests", n)
	}
}

func indent(text string) string {
	return strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n  ") + "\n"
}
