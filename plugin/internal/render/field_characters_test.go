package render

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// oddCharacters are those that YAML wants escaped, or that look like a line break or the start of a file, and neighbours.
var oddCharacters = "\x01\x1b\x7e\x7f\u0080\u0084\u0085\u0086\u009f\u00a0\u00ad\u2028\u2029\ufeff\ufffd\ufffe\uffff\U0001f600"

// escaped writes text as a double-quoted scalar of YAML in which every character that is no ASCII letter is an escape.
func escaped(text string) string {
	var out strings.Builder
	for _, r := range text {
		if r > 0x20 && r < 0x7f && r != '"' && r != '\\' {
			out.WriteRune(r)
		} else {
			fmt.Fprintf(&out, `\U%08x`, r)
		}
	}
	return `"` + out.String() + `"`
}

// asJSON writes text as a string of JSON: what JSON takes as it is stays.
func asJSON(text string) string {
	out, _ := json.Marshal(text)
	return strings.NewReplacer("\\u2028", "\u2028", "\\u2029", "\u2029").Replace(string(out))
}

func asJSONEscapes(text string) string {
	var out strings.Builder
	for _, r := range text {
		if r < 0x10000 {
			fmt.Fprintf(&out, `\u%04x`, r)
		} else {
			fmt.Fprintf(&out, `\u%04x\u%04x`, 0xd7c0+r>>10, 0xdc00+r&0x3ff)
		}
	}
	return `"` + out.String() + `"`
}

// Whatever way a value comes from, it is the one that was written, and what is printed reads back as the same value.
func TestFieldOddCharacters(t *testing.T) {
	value := "a" + oddCharacters + "z"
	configMap := func(quoted string) string {
		return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {v: " + quoted + "}\n"
	}
	chart := map[string]string{"Chart.yaml": "apiVersion: v2\nname: x\nversion: 1.0.0\n", "values.yaml": "v: " + escaped(value) + "\n", "v.txt": value}
	inChart := func(template string) map[string]string {
		files := map[string]string{"templates/c.yaml": configMap(template)}
		for name, text := range chart {
			files[name] = text
		}
		return files
	}
	tests := map[string]map[string]string{
		"plain YAML":           {"c.yaml": configMap(escaped(value))},
		"plain JSON":           {"c.json": `{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"v": ` + asJSON(value) + `}}`},
		"plain JSON, escapes":  {"c.json": `{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"v": ` + asJSONEscapes(value) + `}}`},
		"JSON in YAML":         {"c.yaml": `{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"v": ` + asJSON(value) + `}}`},
		"Kustomize":            {"kustomization.yaml": "resources: [c.yaml]\n", "c.yaml": configMap(escaped(value))},
		"Kustomize, JSON":      {"kustomization.yaml": "resources: [c.json]\nnamePrefix: a\n", "c.json": `{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"v": ` + asJSON(value) + `}}`},
		"Kustomize, escapes":   {"kustomization.yaml": "resources: [c.json]\n", "c.json": `{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"v": ` + asJSONEscapes(value) + `}}`},
		"Kustomize, literal":   {"kustomization.yaml": "configMapGenerator: [{name: x, literals: [" + escaped("v="+value) + "]}]\n"},
		"Kustomize, file":      {"kustomization.yaml": "configMapGenerator: [{name: x, files: [v]}]\n", "v": value},
		"Kustomize, two lines": {"kustomization.yaml": "configMapGenerator: [{name: x, files: [v]}]\n", "v": value + "\n" + value + "\n"},
		"Kustomize, env":       {"kustomization.yaml": "configMapGenerator: [{name: x, envs: [e]}]\n", "e": "v=" + strings.ReplaceAll(value, "\ufeff", "") + "\n"},
		"Kustomize, patch": {"kustomization.yaml": "resources: [c.yaml]\npatches:\n- path: p.yaml\n", "c.yaml": configMap("y"),
			"p.yaml": configMap(escaped(value))},
		"Kustomize, JSON patch": {"kustomization.yaml": "resources: [c.yaml]\npatches:\n- target: {kind: ConfigMap}\n  path: p.json\n", "c.yaml": configMap("y"),
			"p.json": `[{"op": "replace", "path": "/data/v", "value": ` + asJSON(value) + `}]`},
		"Kustomize, charts": {"kustomization.yaml": "helmCharts: [{name: x, releaseName: x, valuesInline: {v: " + escaped(value) + "}}]\n",
			"charts/x/Chart.yaml": chart["Chart.yaml"], "charts/x/templates/c.yaml": configMap(`{{ .Values.v | quote }}`)},
		"Helm, quote":          inChart(`{{ .Values.v | quote }}`),
		"Helm, file, quote":    inChart(`{{ .Files.Get "v.txt" | quote }}`),
		"Helm, toJson":         inChart(`{{ .Values.v | toJson }}`),
		"Helm, toYaml":         inChart(`{{ .Values.v | toYaml }}`),
		"Helm, toPrettyJson":   inChart(`{{ .Values.v | toPrettyJson }}`),
		"Helm, file, as it is": inChart(`'{{ .Files.Get "v.txt" }}'`),
		"Helm, file, toJson":   inChart("!!str {{ .Files.Get \"v.txt\" | toJson }}"),
		"plain YAML, as it is": {"c.yaml": configMap("'" + value + "'")},
		"Kustomize, as it is":  {"kustomization.yaml": "resources: [c.yaml]\n", "c.yaml": configMap("'"+value+"'") + "---\napiVersion: v1\nkind: Service\nmetadata: {name: x}\n"},
	}
	for name, files := range tests {
		t.Run("P12 "+name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range files {
				writeFile(t, dir, file, text)
			}
			objects, err := Dir(t.Context(), openRoot(t, dir), ".", Options{})
			if err != nil {
				t.Fatal(describe(t, err))
			}
			want := value
			switch {
			case strings.HasSuffix(name, "two lines"):
				want = files["v"]
			case strings.HasSuffix(name, "env"):
				want = strings.ReplaceAll(value, "\ufeff", "")
			case strings.Contains(name, "Json"), strings.Contains(name, "as it is"): // a line break of YAML 1.1: as for Helm and kubectl
				want = strings.ReplaceAll(value, "\u0085", " ")
			}
			data, _ := objects[0].Object["data"].(map[string]any)
			if data["v"] != want {
				t.Errorf("got  %+q\nwant %+q", data["v"], want)
			}
			text, err := YAML(objects)
			if err != nil {
				t.Fatal(err)
			}
			var again struct{ Data map[string]string }
			if err := yaml.Unmarshal(text, &again); err != nil || again.Data["v"] != want {
				t.Errorf("printed as\n%s%v", text, err)
			}
		})
	}
}
