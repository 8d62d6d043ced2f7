package render

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/chart"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// overlayOf reads the keys of an overlay as gitops.yaml has them.
func overlayOf(t testing.TB, text string) *Overlay {
	t.Helper()
	v := &Overlay{Origins: map[string]Origin{"": {File: "gitops.yaml", Line: 9}}}
	if err := yaml.UnmarshalStrict([]byte(text), v); err != nil {
		t.Fatal(err)
	}
	for i := range v.Patches {
		v.Origins[fmt.Sprintf("patches[%d]", i)] = Origin{File: "gitops.yaml", Line: 20 + i}
	}
	return v
}

// oracle writes a kustomization with the keys of an overlay, and builds it with the library alone. resources are what it starts
// from; the paths of the overlay are those of a kustomization in a directory at the root.
func oracle(t testing.TB, dir string, v Overlay, resources []string) []string {
	t.Helper()
	fields := map[string]any{"resources": resources}
	set := func(name string, value any, given bool) {
		if given {
			fields[name] = value
		}
	}
	set("namespace", v.Namespace, v.Namespace != "")
	set("namePrefix", v.NamePrefix, v.NamePrefix != "")
	set("nameSuffix", v.NameSuffix, v.NameSuffix != "")
	set("labels", []any{map[string]any{"pairs": v.Labels}}, len(v.Labels) > 0)
	var components, patches, images, replicas []any
	for _, c := range v.Components {
		components = append(components, "../"+c)
	}
	for _, p := range v.Patches {
		patch := map[string]any{}
		if p.Path != "" {
			patch["path"] = "../" + p.Path
		} else {
			patch["patch"] = p.Patch
		}
		if p.Target != (OverlayTarget{}) {
			patch["target"] = p.Target.fields()
		}
		patches = append(patches, patch)
	}
	for _, i := range v.Images {
		images = append(images, map[string]any{"name": i.Name, "newName": i.NewName, "newTag": i.NewTag, "digest": i.Digest})
	}
	for _, r := range v.Replicas {
		replicas = append(replicas, map[string]any{"name": r.Name, "count": r.Count})
	}
	set("components", components, components != nil)
	set("patches", patches, patches != nil)
	set("images", images, images != nil)
	set("replicas", replicas, replicas != nil)
	if len(v.Annotations) > 0 { // commonAnnotations would set them on templates of pods, too
		text, err := yaml.Marshal(map[string]any{"apiVersion": "builtin", "kind": "AnnotationsTransformer", "metadata": map[string]any{"name": "a"},
			"annotations": v.Annotations, "fieldSpecs": []any{map[string]any{"path": "metadata/annotations", "create": true}}})
		if err != nil {
			t.Fatal(err)
		}
		fields["transformers"] = []string{string(text)}
	}
	text, err := yaml.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, dir, ".oracle/kustomization.yaml", string(text))
	options := &krusty.Options{Reorder: krusty.ReorderOptionNone, LoadRestrictions: types.LoadRestrictionsNone, PluginConfig: types.DisabledPluginConfig()}
	built, err := krusty.MakeKustomizer(options).Run(filesys.MakeFsOnDisk(), filepath.Join(dir, ".oracle"))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, r := range built.Resources() {
		asYAML, err := r.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(asYAML))
	}
	return all
}

// asTexts are objects as YAML.
func asTexts(t testing.TB, objects []Object) (all []string) {
	t.Helper()
	for _, o := range objects {
		text, err := yaml.Marshal(o.Object)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(text))
	}
	return all
}

const shopChart = `apiVersion: v2
name: shop
version: 1.0.0
`

// places are three directories that render about the same.
var places = map[string]map[string]string{
	"plain": {
		"app/a.yaml": `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {tier: front}}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      initContainers: [{name: init, image: busybox}]
      containers:
      - {name: web, image: "nginx:1.27", args: ["--big=12345678901234567890", "0x1F", "yes", "1.10", "~"]}
      volumes: [{name: settings, configMap: {name: settings}}, {name: key, secret: {secretName: key}}]
`,
		"app/b.yaml": `apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data:
  text: "a: 1\n\n  b: |\n\t# no comment\u2028end\n"
  number: "1e3"
  trailing: "line \n"
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: example.com/v1
kind: Widget
metadata: {name: w, annotations: {note: "true"}}
spec: {ratio: 1.50, big: 9007199254740993, exp: 1e3, off: no, octal: 0o17, list: [[1], [], {}], nothing: null, image: nginx:1}
`,
		"app/c.json": `{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key"}, "stringData": {"a": "\u0007\u00e9\ud83d\ude00"}}`,
	},
	"chart": {
		"app/Chart.yaml": shopChart,
		"app/crds/widgets.yaml": `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec: {group: example.com, scope: Namespaced, names: {kind: Widget, plural: widgets}, versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]}
`,
		"app/templates/all.yaml": `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {tier: front}}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: "nginx:1.27"}]
      volumes: [{name: settings, configMap: {name: settings}}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {release: {{ .Release.Name }}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: migrate, annotations: {helm.sh/hook: "pre-install,pre-upgrade", helm.sh/hook-weight: "2"}}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: m, image: "nginx:1.27"}]}}}
`,
	},
}

var components = map[string]string{
	"parts/log/kustomization.yaml": `apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
resources: [more.yaml]
patches:
- target: {kind: Deployment}
  patch: |
    - {op: add, path: /spec/template/spec/containers/-, value: {name: log, image: busybox}}
configMapGenerator:
- {name: made, literals: [a=b]}
`,
	"parts/log/more.yaml": "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: log}\n",
	"patches/two.yaml": `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {template: {spec: {containers: [{name: web, resources: {limits: {cpu: 100m}}}]}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {more: "yes"}
`,
	"patches/ops.yaml": "- {op: remove, path: /metadata/labels/tier}\n",
}

var overlays = map[string]string{
	"namespace":             "namespace: shop",
	"prefix and suffix":     "namePrefix: x-\nnameSuffix: -y",
	"images":                "images: [{name: nginx, newName: registry.example.com/nginx, newTag: 1.29.1}, {name: busybox, newTag: '1'}]",
	"digest":                "images: [{name: nginx, digest: 'sha256:24a0c4b4a4c0eb97a1aabb8e29f18e917d05abfe1b7a7c07857230879ce7d3d3'}]",
	"replicas":              "replicas: [{name: web, count: 0}]",
	"labels":                "labels: {team: shop, tier: other}",
	"annotations":           "annotations: {team: shop}",
	"strategic merge":       "patches:\n- patch: |\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {name: web}\n    spec: {template: {spec: {containers: [{name: web, env: [{name: A, value: '1'}]}]}}}",
	"deletion":              "patches:\n- patch: |\n    $patch: delete\n    apiVersion: v1\n    kind: ConfigMap\n    metadata: {name: settings}",
	"JSON patch":            "patches:\n- target: {kind: Deployment, name: w.*}\n  patch: '- {op: add, path: /spec/paused, value: true}'",
	"annotation by JSON":    "patches:\n- target: {kind: Deployment}\n  patch: '- {op: add, path: /metadata/annotations, value: {a: b}}'",
	"annotation selected":   "patches:\n- target: {annotationSelector: '!config.kubernetes.io/origin', kind: ConfigMap}\n  patch: '- {op: add, path: /data/b, value: c}'",
	"annotations replaced":  "patches:\n- patch: |\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {name: web, annotations: {$patch: replace, a: b}}",
	"label selected":        "patches:\n- target: {labelSelector: tier=front}\n  patch: '- {op: remove, path: /metadata/labels}'",
	"patch with a new name": "patches:\n- target: {kind: ConfigMap}\n  options: {allowNameChange: true}\n  patch: '- {op: replace, path: /metadata/name, value: other}'",
	"files":                 "patches: [{path: patches/two.yaml}, {path: patches/ops.yaml, target: {kind: Deployment}}]",
	"component":             "components: [parts/log]",
	"everything": "namespace: shop\nnamePrefix: x-\nlabels: {team: shop}\nannotations: {a: b}\nimages: [{name: nginx, newTag: '2'}]\nreplicas: [{name: web, count: 3}]\n" +
		"components: [parts/log]\npatches: [{path: patches/two.yaml}, {target: {kind: Deployment}, patch: '- {op: add, path: /spec/paused, value: true}'}]",
}

// An overlay over plain manifests and charts gives what the library gives for a kustomization with its keys, whose resources
// are the rendered objects: the same objects in the same order, with hooks and lines as before.
func TestOverlayEqualsTheLibrary(t *testing.T) {
	for place, files := range places {
		for name, text := range overlays {
			if strings.Contains(text, "options:") {
				continue // ours has none
			}
			t.Run(place+"/"+name, func(t *testing.T) {
				dir := t.TempDir()
				for _, all := range []map[string]string{files, components} {
					for file, content := range all {
						writeFile(t, dir, file, content)
					}
				}
				v := overlayOf(t, text)
				options := Options{AllowPlainSecrets: true, Helm: &Helm{Release: "shop"}}
				before, err := Dir(t.Context(), openRoot(t, dir), "app", options)
				if err != nil {
					t.Fatal(err)
				}
				var resources []string
				for i, text := range asTexts(t, before) {
					resources = append(resources, fmt.Sprintf("%d.yaml", i))
					writeFile(t, dir, path.Join(".oracle", resources[i]), text)
				}
				var warned []string
				options.Overlay, options.warning = v, func(text string) { warned = append(warned, text) }
				after, err := Dir(t.Context(), openRoot(t, dir), "app", options)
				if err != nil {
					t.Fatal(err)
				}
				if place == "plain" && len(warned) > 0 {
					t.Error("warned of", warned)
				}
				if diff := cmp.Diff(oracle(t, dir, *v, resources), asTexts(t, after)); diff != "" {
					t.Errorf("-library +ours:\n%s", diff)
				}
				sameOrigins(t, before, after)
			})
		}
	}
}

// sameOrigins compares what comes with objects, by their kinds: each kind but ConfigMap is there once.
func sameOrigins(t *testing.T, before, after []Object) {
	t.Helper()
	was := map[string]Object{}
	for _, o := range before {
		was[o.GetKind()] = o
	}
	for _, o := range after {
		origin := was[o.GetKind()]
		switch {
		case o.GetKind() == "ServiceAccount":
			origin.Origin = Origin{File: "parts/log/more.yaml", Line: 1}
		case strings.Contains(o.GetName(), "made-"):
			origin.Origin = Origin{File: "parts/log/kustomization.yaml", Line: 9}
		}
		if o.Origin != origin.Origin || (o.Hook == nil) != (origin.Hook == nil) {
			t.Errorf("%s comes from %s (hook: %v), before it came from %s", o.ID(), o.Origin, o.Hook, origin.Origin)
		}
	}
}

// What an overlay does not change stays as it was, to the last digit.
func TestOverlayLeavesTheRest(t *testing.T) {
	dir := t.TempDir()
	for file, content := range places["plain"] {
		writeFile(t, dir, file, content)
	}
	options := Options{AllowPlainSecrets: true}
	before, err := Dir(t.Context(), openRoot(t, dir), "app", options)
	if err != nil {
		t.Fatal(err)
	}
	options.Overlay = overlayOf(t, "replicas: [{name: web, count: 2}]")
	after, err := Dir(t.Context(), openRoot(t, dir), "app", options)
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range before {
		if o.GetKind() != "Deployment" {
			if diff := cmp.Diff(o.Object, after[i].Object); diff != "" {
				t.Errorf("%s: -before +after\n%s", o.ID(), diff)
			}
		}
	}
}

// A kustomization is built as if the keys of the overlay stood in its file.
func TestOverlayOfAKustomization(t *testing.T) {
	const base = "resources: [a.yaml]\n"
	const object = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers: [{name: web, image: 'nginx:1'}, {name: log, image: busybox}]}}}\n"
	tests := map[string]struct{ file, overlay, same string }{
		"namespace":          {base + "namespace: a\n", "namespace: b", base + "namespace: b\n"},
		"prefix":             {base + "namePrefix: a-\n", "namePrefix: b-", base + "namePrefix: b-\n"},
		"suffix":             {base, "nameSuffix: -b", base + "nameSuffix: -b\n"},
		"images":             {base + "images: [{name: nginx, newName: other, newTag: '2'}, {name: busybox, newTag: '3'}]\n", "images: [{name: nginx, newTag: '4'}]", base + "images: [{name: nginx, newName: other, newTag: '4'}, {name: busybox, newTag: '3'}]\n"},
		"tag becomes digest": {base + "images: [{name: nginx, newTag: '2'}]\n", "images: [{name: nginx, digest: 'sha256:0a'}]", base + "images: [{name: nginx, digest: 'sha256:0a'}]\n"},
		"replicas":           {base + "replicas: [{name: web, count: 2}]\n", "replicas: [{name: web, count: 4}]", base + "replicas: [{name: web, count: 4}]\n"},
		"patches": {base + "patches: [{target: {kind: Deployment}, patch: '- {op: add, path: /spec/paused, value: true}'}]\n", "patches: [{target: {kind: Deployment}, patch: '- {op: replace, path: /spec/paused, value: false}'}]",
			base + "patches: [{target: {kind: Deployment}, patch: '- {op: add, path: /spec/paused, value: true}'}, {target: {kind: Deployment}, patch: '- {op: replace, path: /spec/paused, value: false}'}]\n"},
		"components":             {base, "components: [parts/log]", base + "components: [../parts/log]\n"},
		"more components":        {base + "components: [../parts/log]\n", "namePrefix: a-\ncomponents: [parts/more]", base + "namePrefix: a-\ncomponents: [../parts/log, ../parts/more]\n"},
		"a generator":            {base + "configMapGenerator: [{name: c, literals: [a=b]}]\n", "patches: [{target: {kind: ConfigMap}, patch: '- {op: add, path: /data/x, value: z}'}]", base + "configMapGenerator: [{name: c, literals: [a=b]}]\npatches: [{target: {kind: ConfigMap}, patch: '- {op: add, path: /data/x, value: z}'}]\n"},
		"keys in upper case":     {"Resources: [a.yaml]\nPatches: []\nIMAGES: [{NAME: nginx, newtag: '2'}]\n", "images: [{name: nginx, newTag: '3'}]", base + "images: [{name: nginx, newTag: '3'}]\n"},
		"nothing but components": {"components: [../parts/log]\n", "namePrefix: z-", "components: [../parts/log]\nnamePrefix: z-\n"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir, other := t.TempDir(), t.TempDir()
			files := maps.Clone(components)
			files["app/a.yaml"] = object
			files["parts/more/kustomization.yaml"] = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnameSuffix: -more\n"
			if name == "nothing but components" {
				files["parts/log/kustomization.yaml"] = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [more.yaml]\n"
			}
			for file, content := range files {
				writeFile(t, dir, file, content)
				writeFile(t, other, file, content)
			}
			writeFile(t, dir, "app/kustomization.yaml", test.file)
			writeFile(t, other, "app/kustomization.yaml", test.same)
			want, err := Dir(t.Context(), openRoot(t, other), "app", Options{})
			if err != nil {
				t.Fatal(err)
			}
			got, err := Dir(t.Context(), openRoot(t, dir), "app", Options{Overlay: overlayOf(t, test.overlay)})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(asTexts(t, want), asTexts(t, got)); diff != "" {
				t.Errorf("-edited +overlay:\n%s", diff)
			}
			alone, err := library(filepath.Join(other, "app"))
			if err != nil || alone != strings.Join(asTexts(t, got), "---\n") {
				t.Errorf("the library gives %s %v", alone, err)
			}
		})
	}
}

// What matches nothing is told with its line; the rest applies.
func TestOverlayThatMatchesNothing(t *testing.T) {
	nothing := map[string]string{
		"strategic merge": "patches: [{patch: '{apiVersion: v1, kind: Service, metadata: {name: gone}}'}]",
		"target":          "patches: [{target: {kind: Ingress}, patch: '- {op: remove, path: /spec}'}]",
		"target by name":  "patches: [{target: {name: we}, patch: '- {op: remove, path: /spec}'}]",
		"image":           "images: [{name: ngin, newTag: '2'}]",
		"replicas":        "replicas: [{name: gone, count: 2}]",
	}
	want := map[string]string{
		"strategic merge": "gitops.yaml:20: the patch for Service gone matches no object",
		"target":          "gitops.yaml:20: the patch for kind Ingress matches no object",
		"target by name":  "gitops.yaml:20: the patch for name we matches no object",
		"image":           `gitops.yaml:9: images: no container has the image "ngin"`,
		"replicas":        `gitops.yaml:9: replicas: no workload is called "gone"`,
	}
	for place, files := range places {
		for name, text := range nothing {
			for _, kustomized := range []bool{false, true} {
				if kustomized && place == "chart" {
					continue
				}
				t.Run(fmt.Sprintf("%s/%s/%v", place, name, kustomized), func(t *testing.T) {
					dir := t.TempDir()
					for file, content := range files {
						writeFile(t, dir, file, content)
					}
					if kustomized {
						writeFile(t, dir, "app/kustomization.yaml", "resources: [a.yaml, b.yaml, c.json]\n")
					}
					var warned []string
					options := Options{AllowPlainSecrets: true, warning: func(text string) { warned = append(warned, text) }, Overlay: overlayOf(t, text+"\nnamePrefix: x-\n")}
					objects, err := Dir(t.Context(), openRoot(t, dir), "app", options)
					if err != nil {
						t.Fatal(err)
					}
					if !slices.Equal(warned, []string{want[name]}) {
						t.Errorf("warned of %q", warned)
					}
					if !slices.ContainsFunc(objects, func(o Object) bool { return o.GetName() == "x-web" }) {
						t.Error("the rest does not apply")
					}
				})
			}
		}
	}
}

// The overlay of a chart reads files that are inputs, and nothing of what only exists in the render.
func TestInputsOfAnOverlay(t *testing.T) {
	dir := t.TempDir()
	for _, all := range []map[string]string{places["chart"], components} {
		for file, content := range all {
			writeFile(t, dir, file, content)
		}
	}
	var inputs []string
	options := Options{Listeners: Listeners{Inputs: func(paths []string) { inputs = paths }}, Overlay: overlayOf(t, "components: [parts/log]\npatches: [{path: patches/two.yaml}]")}
	if _, err := Dir(t.Context(), openRoot(t, dir), "app", options); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"app", "parts/log", "patches/two.yaml"}, inputs); diff != "" {
		t.Error(diff)
	}
	if _, err := os.Stat(filepath.Join(dir, overlayHome)); err == nil {
		t.Error("a directory was written")
	}
}

// Bad overlays are refused with their line in gitops.yaml, or with the line of the file that is wrong.
func TestOverlayWrong(t *testing.T) {
	files := map[string]string{
		"resource/kustomization.yaml": "resources: []\n", "empty/a.txt": "", "patches/a.yaml": "a: [\n", "patches/empty.yaml": "# nothing\n", "patches/text.yaml": "words\n",
		"broken/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [gone.yaml]\n",
		"remote/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [https://example.com/a.yaml]\n",
		"clash/kustomization.yaml":  "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [a.yaml]\n",
		"clash/a.yaml":              "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n",
		"above/kustomization.yaml":  "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n",
	}
	maps.Copy(files, components)
	tests := []struct{ name, overlay, want string }{
		{"component that is missing", "components: [parts/lgo]", `gitops.yaml:9: "parts/lgo" does not exist ["parts" holds log]`},
		{"component outside", "components: [../parts]", `gitops.yaml:9: "../parts" leaves the repository [only files of the repository are read]`},
		{"component with a root", "components: [/parts/log]", `gitops.yaml:9: absolute path "/parts/log" [use a path relative to the kustomization]`},
		{"component elsewhere", "components: ['https://github.com/a/b//c?ref=v1']", `gitops.yaml:9: remote base or file "https://github.com/a/b//c?ref=v1": only files of the repository are read [copy the base into the repository and refer to it by a relative path]`},
		{"component that is a file", "components: [patches/ops.yaml]", `gitops.yaml:9: "patches/ops.yaml" is a file, not the directory of a component [name the directory that its kustomization.yaml is in]`},
		{"component without a kustomization", "components: [empty]", `gitops.yaml:9: directory "empty" holds no kustomization file [a base needs exactly one kustomization.yaml]`},
		{"component that is none", "components: [resource]", `gitops.yaml:9: "resource" is not a Component [write apiVersion: kustomize.config.k8s.io/v1alpha1 and kind: Component into its kustomization]`},
		{"component that is broken", "components: [broken]", `broken/kustomization.yaml:3: "gone.yaml" does not exist ["broken" holds kustomization.yaml]`},
		{"component that is remote", "components: [remote]", `remote/kustomization.yaml:3: remote base or file "https://example.com/a.yaml": only files of the repository are read [copy the base into the repository and refer to it by a relative path]`},
		{"component with an object that is there", "components: [clash]", `clash/a.yaml:1: Service/web: defined twice: also at app/b.yaml:9 [keep one of the two]`},
		{"patch file that is missing", "patches: [{path: patches/tow.yaml}]", `gitops.yaml:20: "patches/tow.yaml" does not exist ["patches" holds a.yaml, empty.yaml, ops.yaml, text.yaml, two.yaml]`},
		{"patch file outside", "patches: [{path: ../two.yaml}]", `gitops.yaml:20: "../two.yaml" leaves the repository [only files of the repository are read]`},
		{"patch file that is a directory", "patches: [{path: patches}]", `gitops.yaml:20: "patches" is a directory, not a file []`},
		{"patch file that is no YAML", "patches: [{path: patches/a.yaml}]", `patches/a.yaml:1: a value is missing, or something is not closed [look for a [ or { without its ] or }]`},
		{"patch file that is empty", "patches: [{path: patches/empty.yaml}]", `gitops.yaml:20: the patch is empty [write the patch, or remove it]`},
		{"patch file of words", "patches: [{path: patches/text.yaml}]", `gitops.yaml:20: the patch is neither an object (strategic merge patch) nor a list of operations (JSON patch) [begin it with apiVersion, kind and metadata.name, or with a list of op, path and value]`},
		{"patch without anything", "patches: [{target: {kind: Service}}]", `gitops.yaml:20: the patch is empty [write the patch, or remove it]`},
		{"patch and path", "patches: [{patch: a, path: b}]", `gitops.yaml:20: the patch has both patch and path [keep one of the two]`},
		{"patch without a name", "patches: [{patch: 'spec: {}'}]", `gitops.yaml:20: the patch is neither an object (strategic merge patch) nor a list of operations (JSON patch) [begin it with apiVersion, kind and metadata.name, or with a list of op, path and value]`},
		{"JSON patch without a target", "patches: [{path: patches/ops.yaml}]", `gitops.yaml:20: the JSON patch has no target [name the objects under target]`},
		{"JSON patch that is not JSON", "patches: [{target: {kind: Service}, patch: '[{op: remove, path: /spec}]'}]", `gitops.yaml:20: Kustomize reads a patch that begins with [ as JSON, and it is not JSON [write each operation after -, or put the keys in quotes]`},
		{"JSON patch of nothing", "patches: [{target: {kind: Service}, patch: '- {op: remove, path: /spec/gone}'}]", `gitops.yaml:20: a JSON patch wants to remove /spec/gone, and nothing is there [look at the path: / in a key is written ~1, and ~ is ~0; an element of a list is named by its number]`},
		{"the second of three", "patches: [{patch: '{apiVersion: v1, kind: Service, metadata: {name: web, labels: {a: b}}}'}, {target: {kind: Service}, patch: '- {op: remove, path: /gone}'}, {path: patches/two.yaml}]", `gitops.yaml:21: a JSON patch wants to remove /gone, and nothing is there [look at the path: / in a key is written ~1, and ~ is ~0; an element of a list is named by its number]`},
		{"target that is no expression", "patches: [{target: {name: 'a('}, path: patches/ops.yaml}]", "gitops.yaml:20: the target of the patch cannot be read: error parsing regexp: missing closing ): `^(?:a()$` [names, kinds and namespaces are regular expressions; selectors are written as for kubectl -l]"},
		{"target with two documents", "patches: [{target: {kind: Deployment}, path: patches/two.yaml}]", `gitops.yaml:20: a patch with a target holds one document [write one patch for each, or leave out the target]`},
		{"image with a tag", "images: [{name: 'a(', newTag: '1'}]", `gitops.yaml:9: "a(" is not the name of an image [write it without tag and digest]`},
	}
	for _, test := range tests {
		for _, kustomized := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/%v", test.name, kustomized), func(t *testing.T) {
				dir := t.TempDir()
				for _, all := range []map[string]string{places["plain"], files} {
					for file, content := range all {
						writeFile(t, dir, file, content)
					}
				}
				if kustomized {
					writeFile(t, dir, "app/kustomization.yaml", "resources: [a.yaml, b.yaml, c.json]\n")
				}
				_, err := Dir(t.Context(), openRoot(t, dir), "app", Options{AllowPlainSecrets: true, Overlay: overlayOf(t, test.overlay)})
				if err == nil {
					t.Fatal("no error")
				}
				if got := fmt.Sprintf("%v %v", err, hint.Of(err)); got != test.want {
					t.Errorf("got  %s\nwant %s", got, test.want)
				}
			})
		}
	}
}

// Values that are encrypted in Git stay hidden whatever an overlay does with them.
func TestAttackOverlayOfSealedValues(t *testing.T) {
	secret := sealYAML(t, "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n  password: "+sealedValue+"\n  word: shop-words\n", "^(data|stringData)$")
	files := map[string]string{"app/s.yaml": secret, "app/c.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: b}\n",
		"copies/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nreplacements:\n- source: {kind: Secret, name: db, fieldPath: stringData.password}\n  targets:\n  - {select: {kind: ConfigMap}, fieldPaths: [data.a]}\n",
		"patches/s.yaml":            secret,
		"patches/c.yaml":            sealYAML(t, "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\ndata:\n  a: "+sealedValue+"\n", "^data$")}
	for name, test := range map[string]struct{ overlay, want string }{
		"names, labels and images":          {"namePrefix: x-\nnamespace: shop\nlabels: {team: shop}\nimages: [{name: nginx, newTag: '1'}]", ""},
		"a value that the overlay shows":    {"labels: {team: shop-words}", ""},
		"a patch of its labels":             {"patches: [{target: {kind: Secret}, patch: '- {op: add, path: /metadata/labels, value: {a: b}}'}]", ""},
		"a patch by a merge":                {"patches: [{patch: '{apiVersion: v1, kind: Secret, metadata: {name: db, labels: {a: b}}}'}]", ""},
		"a value moved in the Secret":       {"patches: [{target: {kind: Secret}, patch: '- {op: move, from: /stringData/password, path: /stringData/other}'}]", ""},
		"readable data":                     {"patches: [{patch: '{apiVersion: v1, kind: Secret, metadata: {name: db}, stringData: {a: readable}}'}]", "a Secret with plain data does not belong in Git"},
		"a copy in a label":                 {"patches: [{target: {kind: Secret}, patch: '- {op: copy, from: /stringData, path: /metadata/labels}'}]", "metadata.labels.password holds a value that is encrypted in Git"},
		"another kind":                      {"patches: [{target: {kind: Secret}, patch: '- {op: replace, path: /kind, value: ConfigMap}'}]", "the manifest is encrypted with SOPS, and a ConfigMap is made of it"},
		"another kind without the note":     {"patches: [{target: {kind: Secret}, patch: \"- {op: replace, path: /kind, value: ConfigMap}\\n- {op: add, path: /metadata/annotations, value: {a: b}}\"}]", "stringData.password holds a value that is encrypted in Git"},
		"a replacement in a component":      {"components: [copies]", "data.a holds a value that is encrypted in Git"},
		"an encrypted patch":                {"patches: [{path: patches/s.yaml}]", ""},
		"an encrypted patch of a ConfigMap": {"patches: [{path: patches/c.yaml}]", "data.a holds a value that is encrypted in Git"},
		"an error about the Secret":         {"patches: [{target: {kind: Secret}, patch: '- {op: test, path: /stringData/password, value: other}'}]", "gitops.yaml:20: a JSON patch tests /stringData/password, and the value is another one"},
		"an error that dumps the Secret":    {"patches: [{patch: '{apiVersion: v1, kind: Secret, metadata: {name: db}, stringData: [1]}'}]", "gitops.yaml:20: "},
	} {
		for _, kustomized := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/%v", name, kustomized), func(t *testing.T) {
				dir := t.TempDir()
				for file, text := range files {
					writeFile(t, dir, file, text)
				}
				if kustomized {
					writeFile(t, dir, "app/kustomization.yaml", "resources: [s.yaml, c.yaml]\n")
				}
				var warned []string
				objects, err := Dir(t.Context(), openRoot(t, dir), "app", Options{AgeKeys: sealedKey, Overlay: overlayOf(t, test.overlay), warning: func(text string) { warned = append(warned, text) }})
				if exposes(fmt.Sprint(err, hint.Of(err), warned)) {
					t.Errorf("%v %v", err, warned)
				}
				if test.want != "" {
					if err == nil || !strings.Contains(err.Error(), test.want) {
						t.Errorf("got %v", err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				applied := false
				for _, o := range objects {
					masked, err := json.Marshal(Masked(o))
					if err != nil || exposes(string(masked)) {
						t.Errorf("%s, %v", masked, err)
					}
					applied = applied || exposes(fmt.Sprint(o.Object))
				}
				if !applied {
					t.Error("what is applied lacks the value")
				}
			})
		}
	}
}

// An object that is encrypted keeps its values, whatever its kind, and no other object gets them.
func TestAttackOverlayOfASealedConfigMap(t *testing.T) {
	for overlay, refused := range map[string]bool{
		"namePrefix: x-\nlabels: {a: b}\nimages: [{name: a, newTag: '1'}]":                                                false,
		"patches: [{target: {kind: ConfigMap}, patch: '- {op: copy, from: /data/a, path: /data/b}'}]":                     false,
		"patches: [{target: {kind: ConfigMap}, patch: '- {op: replace, path: /kind, value: Widget}'}]":                    true,
		"patches: [{target: {kind: ConfigMap}, patch: '- {op: add, path: /metadata/labels, value: {a: unter2-canary}}'}]": false,
		"components: [copies]": true,
	} {
		for _, kustomized := range []bool{false, true} {
			dir := t.TempDir()
			writeFile(t, dir, "app/c.yaml", sealYAML(t, "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\ndata:\n  a: "+sealedValue+"\n", "^data$"))
			writeFile(t, dir, "app/d.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: d, labels: {a: b}}\n")
			writeFile(t, dir, "copies/kustomization.yaml", "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nreplacements:\n- source: {kind: ConfigMap, name: c, fieldPath: data.a}\n  targets:\n  - {select: {kind: Service}, fieldPaths: [metadata.labels.a]}\n")
			if kustomized {
				writeFile(t, dir, "app/kustomization.yaml", "resources: [c.yaml, d.yaml]\n")
			}
			objects, err := Dir(t.Context(), openRoot(t, dir), "app", Options{AgeKeys: sealedKey, Overlay: overlayOf(t, overlay)})
			if (err != nil) != refused || exposes(fmt.Sprint(err)) {
				t.Errorf("%s (%v): %v", overlay, kustomized, err)
			}
			for _, o := range objects {
				if masked, err := json.Marshal(Masked(o)); err != nil || strings.Contains(string(masked), sealedValue) {
					t.Errorf("%s (%v): %s", overlay, kustomized, masked)
				}
			}
		}
	}
}

// Variables are replaced after the overlay, so an overlay may contain them, as with Flux.
func TestOverlayBeforeSubstitution(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "app/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: \"${A}\"}\n")
	objects, err := Dir(t.Context(), openRoot(t, dir), "app", Options{Substitute: &Substitute{Vars: map[string]any{"A": "one", "TEAM": "blue"}},
		Overlay: overlayOf(t, "labels: {team: '${TEAM}'}\nnamePrefix: '${TEAM}-'\npatches: [{patch: '{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {b: \"${A}\"}}'}]")})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"apiVersion: v1\ndata:\n  a: one\n  b: one\nkind: ConfigMap\nmetadata:\n  labels:\n    team: blue\n  name: blue-c\n"}, asTexts(t, objects)); diff != "" {
		t.Error(diff)
	}
}

// Hooks of a chart may have one name, because a cluster has one of them at a time: each gets the overlay.
func TestOverlayOfHooksOfOneName(t *testing.T) {
	dir := t.TempDir()
	job := func(hook, name string) string {
		return "---\napiVersion: batch/v1\nkind: Job\nmetadata: {name: " + name + ", annotations: {helm.sh/hook: " + hook + "}}\nspec: {template: {spec: {restartPolicy: Never, containers: [{name: m, image: \"nginx:1.27\"}]}}}\n"
	}
	writeFile(t, dir, "app/Chart.yaml", shopChart)
	writeFile(t, dir, "app/templates/a.yaml", job("pre-install", "one")+job("post-install", "one")+job("post-delete", "one")+job("post-upgrade", "two")+
		"---\napiVersion: batch/v1\nkind: Job\nmetadata: {name: three}\nspec: {template: {spec: {restartPolicy: Never, containers: [{name: m, image: busybox}]}}}\n"+job("pre-upgrade", "three"))
	want, err := Dir(t.Context(), openRoot(t, dir), "app", Options{})
	if err != nil {
		t.Fatal(err)
	}
	var warned []string
	_, err = Dir(t.Context(), openRoot(t, dir), "app", Options{warning: func(text string) { warned = append(warned, text) },
		Overlay: overlayOf(t, "nameSuffix: -x\nimages: [{name: nginx, newTag: '2'}]\ncomponents: [parts/more]\nlabels: {a: b}")})
	if err == nil {
		t.Error("a component is missing, and there is no error")
	}
	writeFile(t, dir, "parts/more/kustomization.yaml", "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [a.yaml]\n")
	writeFile(t, dir, "parts/more/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: added}\n")
	got, err := Dir(t.Context(), openRoot(t, dir), "app", Options{warning: func(text string) { warned = append(warned, text) },
		Overlay: overlayOf(t, "nameSuffix: -x\nimages: [{name: nginx, newTag: '2'}]\ncomponents: [parts/more]\nlabels: {a: b}\n"+
			"patches: [{target: {kind: Job, name: one}, patch: '- {op: replace, path: /metadata/annotations, value: {a: b}}'}]")})
	if err != nil || len(warned) > 0 {
		t.Fatal(err, warned)
	}
	if len(got) != len(want)+1 || got[len(want)].GetName() != "added-x" {
		t.Fatalf("%d objects, before %d", len(got), len(want))
	}
	for i, o := range want {
		text, err := json.Marshal(got[i].Object)
		if err != nil {
			t.Fatal(err)
		}
		if got[i].GetName() != o.GetName()+"-x" || got[i].Origin != o.Origin || !cmp.Equal(got[i].Hook, o.Hook) || strings.Contains(string(text), "nginx:1") || got[i].GetLabels()["a"] != "b" {
			t.Errorf("%s: %s %v", o.ID(), text, got[i].Hook)
		}
	}
}

// A chart that the app names gets the overlay in the child, with the archive that the parent fetched; warnings name gitops.yaml.
func TestOverlayOfANamedChart(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "parts/more/kustomization.yaml", "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnameSuffix: -more\n")
	r := &repository{t: t, newest: "1.9.0"}
	w := worker(t, "render")
	var warned, inputs []string
	w.Fetch, w.Warn = r.fetch, func(text string) { warned = append(warned, text) }
	objects, err := w.Dir(t.Context(), openRoot(t, dir), "", Options{Helm: &Helm{Release: "front"}, Listeners: Listeners{Inputs: func(paths []string) { inputs = paths }},
		Charts:  Charts{Chart: &NamedChart{Need: chart.Need{Name: "shop", Version: "1.3.0", Repository: "https://charts.example.com"}}},
		Overlay: overlayOf(t, "components: [parts/more]\npatches: [{target: {kind: Secret}, patch: '- {op: remove, path: /data}'}]")})
	if err != nil {
		t.Fatal(err)
	}
	if o := objects[0]; o.GetName() != "front-more" || o.Origin.File != "shop-1.3.0.tgz/templates/c.yaml" {
		t.Errorf("%s from %s", o.GetName(), o.Origin)
	}
	if diff := cmp.Diff([]string{"gitops.yaml:20: the patch for kind Secret matches no object"}, warned); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"parts/more"}, inputs); diff != "" {
		t.Error(diff)
	}
}

// Values that a chart makes up anew are known where the overlay puts them: moved in a list, copied, or replaced by a fixed value.
func TestOverlayOfGeneratedValues(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "app/Chart.yaml", shopChart)
	writeFile(t, dir, "app/templates/s.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: key}\nstringData: {password: \"{{ randAlphaNum 20 }}\", other: \"{{ randAlphaNum 20 }}\"}\n")
	writeFile(t, dir, "app/templates/d.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{image: a, args: [\"{{ randAlphaNum 20 }}\"]}]}\n")
	writeFile(t, dir, "copies/kustomization.yaml", "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [c.yaml]\nreplacements:\n- source: {kind: Secret, name: key, fieldPath: stringData.password}\n  targets:\n  - {select: {kind: Widget}, fieldPaths: [spec.copy]}\n")
	writeFile(t, dir, "copies/c.yaml", "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: c}\nspec: {copy: x}\n")
	for name, test := range map[string]struct{ overlay, want, fails string }{
		"nothing":            {"images: [{name: a, newTag: '1'}]", "Secret key [/data/other /data/password], Pod web [/spec/containers/0/args/0]", ""},
		"names and labels":   {"namePrefix: x-\nlabels: {a: b}", "Secret x-key [/data/other /data/password], Pod x-web [/spec/containers/0/args/0]", ""},
		"labels alone":       {"labels: {a: b}", "Secret key [/data/other /data/password], Pod web [/spec/containers/0/args/0]", ""},
		"an item before":     {"patches: [{target: {kind: Pod}, patch: '- {op: add, path: /spec/containers/0, value: {image: b}}'}]", "Secret key [/data/other /data/password], Pod web [/spec/containers/1/args/0]", ""},
		"a fixed value":      {"patches: [{target: {kind: Pod}, patch: '- {op: replace, path: /spec/containers/0/args, value: [b]}'}]", "Secret key [/data/other /data/password], Pod web []", ""},
		"a copy in a Widget": {"components: [copies]", "Secret key [/data/other /data/password], Pod web [/spec/containers/0/args/0], Widget c [/spec/copy]", ""},
		"a readable value":   {"patches: [{target: {kind: Secret}, patch: '- {op: replace, path: /stringData/other, value: text}'}]", "", "a Secret with plain data does not belong in Git"},
		"a name made of it":  {"components: [names]", "", "gitops.yaml:9: v1/Secret/"},
	} {
		t.Run(name, func(t *testing.T) {
			writeFile(t, dir, "names/kustomization.yaml", "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nreplacements:\n- source: {kind: Secret, name: key, fieldPath: stringData.password}\n  targets:\n  - {select: {kind: Secret}, fieldPaths: [metadata.name]}\n")
			objects, err := Dir(t.Context(), openRoot(t, dir), "app", Options{Helm: &Helm{Release: "shop", Generated: GeneratedKeep}, Overlay: overlayOf(t, test.overlay)})
			if test.fails != "" {
				if err == nil || !strings.Contains(err.Error(), test.fails) {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, o := range objects {
				got = append(got, fmt.Sprintf("%s %s %v", o.GetKind(), o.GetName(), o.Generated))
			}
			if diff := cmp.Diff(test.want, strings.Join(got, ", ")); diff != "" {
				t.Error(diff)
			}
		})
	}
}
