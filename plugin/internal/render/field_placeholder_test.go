package render

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"maps"
	"strings"
	"testing"
)

const lfsPointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"

// Wherever a render reads a file, one that does not hold its content is refused by its name.
func TestFieldPlaceholders(t *testing.T) {
	const service = "apiVersion: v1\nkind: Service\nmetadata: {name: x}\n"
	const chartYAML = "apiVersion: v2\nname: x\nversion: 1.0.0\n"
	chart := func(template string) map[string]string {
		return map[string]string{"Chart.yaml": chartYAML, "templates/c.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {v: " + template + "}\n"}
	}
	kustomization := func(text string) map[string]string {
		return map[string]string{"kustomization.yaml": "resources: [s.yaml]\n" + text, "s.yaml": service}
	}
	tests := []struct {
		name  string
		files map[string]string // PLACEHOLDER is put at "at"
		at    string
		helm  *Helm
	}{
		{"plain", map[string]string{"s.yaml": service}, "a.yaml", nil},
		{"plain JSON", map[string]string{"s.yaml": service}, "a.json", nil},
		{".gitopsignore", map[string]string{"s.yaml": service}, ".gitopsignore", nil},
		{"kustomization", nil, "kustomization.yaml", nil},
		{"resource", kustomization(""), "s.yaml", nil},
		{"base", map[string]string{"kustomization.yaml": "resources: [b]\n", "b/kustomization.yaml": "resources: [s.yaml]\n"}, "b/s.yaml", nil},
		{"component", map[string]string{"kustomization.yaml": "resources: [s.yaml]\ncomponents: [b]\n", "s.yaml": service}, "b/kustomization.yaml", nil},
		{"configMapGenerator", kustomization("configMapGenerator: [{name: c, files: [a.bin]}]\n"), "a.bin", nil},
		{"configMapGenerator with a key", kustomization("configMapGenerator: [{name: c, files: [k=d/a.bin]}]\n"), "d/a.bin", nil},
		{"configMapGenerator envs", kustomization("configMapGenerator: [{name: c, envs: [a.env]}]\n"), "a.env", nil},
		{"secretGenerator", kustomization("secretGenerator: [{name: c, files: [tls.key]}]\n"), "tls.key", nil},
		{"generator of its own", kustomization("generators: [g.yaml]\n"), "g.yaml", nil},
		{"generator's file", map[string]string{"kustomization.yaml": "generators: [g.yaml]\n",
			"g.yaml": "apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: c}\nfiles: [a.bin]\n"}, "a.bin", nil},
		{"patch", kustomization("patches: [{path: p.yaml}]\n"), "p.yaml", nil},
		{"patchesStrategicMerge", kustomization("patchesStrategicMerge: [p.yaml]\n"), "p.yaml", nil},
		{"patchesJson6902", kustomization("patchesJson6902: [{target: {kind: Service, version: v1, name: x}, path: p.yaml}]\n"), "p.yaml", nil},
		{"replacement", kustomization("replacements: [{path: r.yaml}]\n"), "r.yaml", nil},
		{"configuration", kustomization("configurations: [r.yaml]\n"), "r.yaml", nil},
		{"crds", kustomization("crds: [r.json]\n"), "r.json", nil},
		{"openapi", kustomization("openapi: {path: r.json}\n"), "r.json", nil},
		{"transformer", kustomization("transformers: [r.yaml]\n"), "r.yaml", nil},
		{"helmCharts values", map[string]string{"kustomization.yaml": "helmCharts: [{name: x, releaseName: x, valuesFile: v.yaml}]\n",
			"charts/x/Chart.yaml": chartYAML, "charts/x/templates/s.yaml": service}, "v.yaml", nil},
		{"helmCharts more values", map[string]string{"kustomization.yaml": "helmCharts: [{name: x, releaseName: x, additionalValuesFiles: [v.yaml]}]\n",
			"charts/x/Chart.yaml": chartYAML, "charts/x/templates/s.yaml": service}, "v.yaml", nil},
		{"helmCharts file", map[string]string{"kustomization.yaml": "helmCharts: [{name: x, releaseName: x}]\n", "charts/x/Chart.yaml": chartYAML,
			"charts/x/templates/s.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {v: {{ .Files.Get \"a.bin\" | b64enc }}}\n"}, "charts/x/a.bin", nil},
		{"Chart.yaml", map[string]string{"templates/s.yaml": service}, "Chart.yaml", nil},
		{"values.yaml", chart("x"), "values.yaml", nil},
		{"values file", chart("x"), "prod.yaml", &Helm{Values: []string{"prod.yaml"}}},
		{"schema", chart("x"), "values.schema.json", nil},
		{"template", chart("x"), "templates/a.yaml", nil},
		{"helper", chart("x"), "templates/_a.tpl", nil},
		{"CRD", chart("x"), "crds/a.yaml", nil},
		{"archive", chart("x"), "charts/a-1.0.0.tgz", nil},
		{"Files.Get", chart(`{{ .Files.Get "a.bin" | quote }}`), "a.bin", nil},
		{"Files.Get, encoded", chart(`{{ .Files.Get "d/a.bin" | b64enc }}`), "d/a.bin", nil},
		{"Files.Get, hashed", chart(`{{ .Files.Get "d/a.bin" | sha256sum }}`), "d/a.bin", nil},
		{"Files.Lines", chart(`{{ .Files.Lines "a.bin" | len | quote }}`), "a.bin", nil},
		{"Files.Glob", chart(`{x: {{ (.Files.Glob "*.bin").AsSecrets | quote }}}`), "a.bin", nil},
		{"Files, parsed", chart(`{{ (.Files.Get "a.json" | fromJson).Error | quote }}`), "a.json", nil},
		{"Files, required", chart(`{{ regexFind "^[{].*" (.Files.Get "a.json") | required "no JSON" }}`), "a.json", nil},
		{"Files of a subchart", map[string]string{"Chart.yaml": chartYAML, "charts/y/Chart.yaml": "apiVersion: v2\nname: y\nversion: 1.0.0\n",
			"charts/y/templates/c.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {v: {{ .Files.Get \"a.bin\" | b64enc }}}\n"}, "charts/y/a.bin", nil},
	}
	placeholders := []struct{ name, text, says string }{
		{"LFS", lfsPointer, "Git LFS"},
		{"git-crypt", "\x00GITCRYPT\x00" + strings.Repeat("\x8f\x01x", 20), "git-crypt"},
	}
	for _, tt := range tests {
		for _, p := range placeholders {
			t.Run("P14 "+tt.name+", "+p.name, func(t *testing.T) {
				dir := t.TempDir()
				files := maps.Clone(tt.files)
				if files == nil {
					files = map[string]string{}
				}
				files[tt.at] = p.text
				for file, text := range files {
					writeFile(t, dir, file, text)
				}
				objects, err := Dir(t.Context(), openRoot(t, dir), ".", Options{Helm: tt.helm, AllowPlainSecrets: true})
				if err == nil {
					t.Fatalf("rendered %v", objects[0])
				}
				if text := describe(t, err); !strings.Contains(text, tt.at+": the file is ") || !strings.Contains(text, p.says) {
					t.Errorf("%s", text)
				}
			})
		}
	}
}

// A chart may hold files that no template reads.
func TestFieldPlaceholdersThatNobodyReads(t *testing.T) {
	files := map[string]string{"Chart.yaml": "apiVersion: v2\nname: x\nversion: 1.0.0\n", "docs/logo.png": lfsPointer, "secret.key": "\x00GITCRYPT\x00abc",
		"templates/c.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {v: {{ .Files.Get \"a.txt\" | quote }}}\n", "a.txt": "text"}
	dir := t.TempDir()
	for file, text := range files {
		writeFile(t, dir, file, text)
	}
	if _, err := Dir(t.Context(), openRoot(t, dir), ".", Options{}); err != nil {
		t.Error(err)
	}
	// Nor does a chart become one that differs each time, or the other way round.
	writeFile(t, dir, "templates/c.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {v: {{ randAlphaNum 5 }}}\n")
	if _, err := Dir(t.Context(), openRoot(t, dir), ".", Options{}); err == nil || !strings.Contains(err.Error(), "calls randAlphaNum") {
		t.Error(err)
	}
}

// tgz packs a chart as `helm package` does.
func tgz(t testing.TB, name string, files map[string]string) string {
	t.Helper()
	var packed bytes.Buffer
	compressed := gzip.NewWriter(&packed)
	archive := tar.NewWriter(compressed)
	for file, text := range files {
		if err := archive.WriteHeader(&tar.Header{Name: name + "/" + file, Mode: 0o644, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := compressed.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.String()
}
