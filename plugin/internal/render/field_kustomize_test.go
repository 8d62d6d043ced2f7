package render

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// library renders with the Kustomize library alone, as `kustomize build` does.
func library(dir string) (string, error) {
	options := krusty.MakeDefaultOptions()
	options.Reorder = krusty.ReorderOptionUnspecified
	options.LoadRestrictions = types.LoadRestrictionsNone
	resources, err := krusty.MakeKustomizer(options).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		return "", err
	}
	text, err := resources.AsYaml()
	return string(text), err
}

// How we find out where objects come from changes nothing of what the library gives: no name, no field, no error.
func TestFieldTraceChangesNothing(t *testing.T) {
	const hashed = "annotations: {internal.config.kubernetes.io/needsHashSuffix: enabled, a: b}"
	object := func(apiVersion, kind, rest string) string {
		return fmt.Sprintf("apiVersion: %s\nkind: %s\nmetadata:\n  name: x\n  %s\n%s", apiVersion, kind, hashed, rest)
	}
	resource := func(text string) map[string]string {
		return map[string]string{"kustomization.yaml": "resources: [o.yaml]\n", "o.yaml": text}
	}
	overlay := func(text string) map[string]string {
		return map[string]string{"kustomization.yaml": "resources: [b]\nnamePrefix: p-\nnamespace: n\n", "b/kustomization.yaml": "resources: [o.yaml]\n", "b/o.yaml": text}
	}
	const plain = "apiVersion: v1\nkind: Service\nmetadata: {name: x}\n"
	tests := map[string]map[string]string{
		"ConfigMap":                resource(object("v1", "ConfigMap", "data: {a: b}\n")),
		"Secret":                   resource(object("v1", "Secret", "data: {a: Yg==}\n")),
		"Service":                  resource(object("v1", "Service", "")),
		"Deployment":               resource("# a comment\n" + object("apps/v1", "Deployment", "spec: {replicas: 1}\n")),
		"Namespace":                resource(object("v1", "Namespace", "")),
		"custom resource":          resource(object("example.com/v1", "Widget", "spec: {a: b}\n")),
		"ConfigMap of a group":     resource(object("example.com/v1", "ConfigMap", "data: {a: b}\n")),
		"second document":          resource(plain + "---\n" + object("batch/v1", "CronJob", "")),
		"JSON":                     {"kustomization.yaml": "resources: [o.json]\n", "o.json": `{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x", "annotations": {"internal.config.kubernetes.io/needsHashSuffix": "enabled"}}}`},
		"two of one name":          resource(object("v1", "Service", "") + "---\n" + strings.Replace(object("v1", "Service", ""), "name: x", "name: x\n  namespace: y", 1)),
		"overlay":                  overlay(object("apps/v1", "StatefulSet", "")),
		"overlay of two":           overlay(object("v1", "Service", "") + "---\n" + strings.Replace(object("v1", "Service", ""), "name: x", "name: x-a", 1)),
		"commonAnnotations":        {"kustomization.yaml": "resources: [o.yaml]\ncommonAnnotations: {internal.config.kubernetes.io/needsHashSuffix: enabled}\n", "o.yaml": plain},
		"patch":                    {"kustomization.yaml": "resources: [o.yaml]\npatches:\n- patch: |\n    apiVersion: v1\n    kind: Service\n    metadata: {name: x, " + hashed + "}\n", "o.yaml": plain},
		"generator, kind changed":  {"kustomization.yaml": "configMapGenerator: [{name: x, literals: [a=b]}]\npatches:\n- target: {kind: ConfigMap}\n  patch: '[{op: replace, path: /kind, value: Widget}]'\n"},
		"generator, kind patched":  {"kustomization.yaml": "configMapGenerator: [{name: x, literals: [a=b]}]\npatches:\n- target: {kind: ConfigMap}\n  options: {allowKindChange: true}\n  patch: '{apiVersion: v1, kind: Widget, metadata: {name: x}}'\n"},
		"reference to a hash":      resource(object("v1", "PersistentVolumeClaim", "") + "---\napiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {volumes: [{name: v, persistentVolumeClaim: {claimName: x}}]}\n"),
		"annotation added":         {"kustomization.yaml": "resources: [o.yaml]\npatches:\n- target: {kind: Service}\n  patch: '[{op: add, path: /metadata/annotations/a, value: b}]'\n", "o.yaml": plain},
		"annotations tested":       {"kustomization.yaml": "resources: [o.yaml]\npatches:\n- target: {kind: Service}\n  patch: '[{op: test, path: /metadata/annotations, value: {a: b}}, {op: add, path: /spec, value: {}}]'\n", "o.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: x, annotations: {a: b}}\n"},
		"annotations copied":       {"kustomization.yaml": "resources: [o.yaml]\nreplacements: [{source: {kind: Service, fieldPath: metadata.annotations}, targets: [{select: {kind: Service}, fieldPaths: [spec.copy], options: {create: true}}]}]\n", "o.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: x, annotations: {a: b}}\nspec: {}\n"},
		"annotation selected":      {"kustomization.yaml": "resources: [o.yaml]\npatches:\n- target: {annotationSelector: '!config.kubernetes.io/origin'}\n  patch: '[{op: add, path: /spec, value: {a: b}}]'\n", "o.yaml": plain},
		"annotations wanted":       {"kustomization.yaml": "buildMetadata: [originAnnotations]\nresources: [o.yaml]\n", "o.yaml": object("v1", "Service", "")},
		"generator of its own":     {"kustomization.yaml": "generators: [g.yaml]\nnamePrefix: a-\n", "g.yaml": "apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: c}\nliterals: [a=b]\n"},
		"fifo order":               {"kustomization.yaml": "resources: [o.yaml]\nsortOptions: {order: fifo}\n", "o.yaml": object("v1", "Service", "") + "---\n" + strings.Replace(object("v1", "Service", ""), "name: x", "name: a", 1)},
		"name that looks hashed":   resource("apiVersion: v1\nkind: Service\nmetadata: {name: x-4h2mbtbbt6}\n"),
		"generated and referenced": {"kustomization.yaml": "resources: [o.yaml]\nconfigMapGenerator: [{name: c, literals: [a=b]}]\n", "o.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: p, " + hashed + "}\nspec: {volumes: [{name: v, configMap: {name: c}}]}\n"},
	}
	for name, files := range tests {
		t.Run("P15 "+name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range files {
				writeFile(t, dir, file, text)
			}
			want, wantErr := library(dir)
			objects, err := Dir(t.Context(), openRoot(t, dir), ".", Options{AllowPlainSecrets: true})
			if (err == nil) != (wantErr == nil) {
				t.Fatalf("got %v, the library %v", err, wantErr)
			}
			var texts []string
			for _, o := range objects {
				text, err := yaml.Marshal(o.Object)
				if err != nil {
					t.Fatal(err)
				}
				texts = append(texts, string(text))
				if file := filepath.Base(o.Origin.File); !strings.HasPrefix(file, "o.") && !strings.HasPrefix(name, "gener") {
					t.Errorf("%s comes from %s", o.ID(), o.Origin)
				}
			}
			if diff := cmp.Diff(want, strings.Join(texts, "---\n")); diff != "" {
				t.Errorf("-library +ours:\n%s", diff)
			}
		})
	}
}
