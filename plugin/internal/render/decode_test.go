package render

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/safeyaml"
)

func limitsOf(l Limits) Limits { return l.withDefaults() }

func TestYAMLErrorsNameTheLineOfTheFile(t *testing.T) {
	const before = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n---\n# comment\n" // five lines
	tests := map[string]string{
		"a: b: c\n":                "6: a second colon in a line, or a key below a value",
		"a: 1\n\tb: 2\n":           "7: a tab where YAML wants spaces",
		"a: [1, 2\nb: c\n":         "7: a list that begins with [ is not closed",
		"a:\n  - b\n c: d\n":       "8: the line does not fit the ones above it",
		"a: 1\na: 2\nb: 1\nb: 2\n": "7: duplicate key \"a\"|9: duplicate key \"b\"",
		"x:\n  a: 1\n  a: 2\n":     "8: duplicate key \"a\"",
		"a: *nowhere\n":            "6: an alias (*name) names no anchor",
		"a: 'x\nb: c\n":            "7: a quote is opened and not closed",
		"{\"a\": 1, \"a\": 2}\n":   "6: duplicate key \"a\"",
		"a: .nan\n":                "6: json: unsupported value: NaN",
		"- a\n":                    "6: not a Kubernetes object",
		"? {a: hunter2}\n: b\n":    "6: a key of a mapping is null, a mapping or a list",
		"a: !!int hunter2\n":       "6: cannot decode !!str `***` as a !!int",
		"~: hunter2\n":             "6: a key of a mapping is null, a mapping or a list",
		"b: &b {x: 1}\nc: {<<: *b, x: 2, y: 1, y: 2}\n": "7: duplicate key \"y\"",
		"? [a]\n: hunter2\n":                            "6: a key of a mapping is null, a mapping or a list",
	}
	for text, want := range tests {
		_, problems := decodeFile("f.yaml", []byte(before+text), limitsOf(Limits{}))
		var got []string
		for _, p := range problems {
			got = append(got, strings.TrimPrefix(p.Error(), "f.yaml:"))
		}
		if got := strings.Join(got, "|"); got != want {
			t.Errorf("%q\n got %s\nwant %s", text, got, want)
		}
	}
}

// Whatever kubectl makes of a manifest, we make of it too.
func TestDecodesAsKubectl(t *testing.T) {
	manifests := []string{
		"apiVersion: v1\nkind: A\nx: {1: a, true: b, 1.5: c, 0x10: e}\n",
		"apiVersion: v1\nkind: A\nx: [yes, on, 0777, 0o777, 1_000, 1e3, 1.0, .inf1, ~, null, 2026-01-01, 12:30:45, '1', 9223372036854775807]\n",
		"apiVersion: v1\nkind: A\nx: [9223372036854775808, -1, 1e400x, 0.1, 1e21, 100000000000000000000000]\n",
		"apiVersion: v1\nkind: A\nbase: &b {a: 1, b: 2}\nx: {<<: *b, b: 3}\ny: *b\n",
		"apiVersion: v1\nkind: A\nx: |\n  keep\n   this\ny: >-\n  fold\n  this\n",
		"apiVersion: v1\nkind: A\nx: \"\\u00e9\\x41\\n\"\ny: é\n",
		"{\"apiVersion\": \"v1\", \"kind\": \"A\", \"x\": [1, 1.0, 1e3, 9223372036854775808, \"\\ud83d\\ude00\", \"a\\/b\"]}",
		"{apiVersion: v1, kind: A, x: {}, y: 1.0}\n",
		"---\n{\"apiVersion\": \"v1\", \"kind\": \"A\", \"x\": 1.0}\n",
		"apiVersion: v1\r\nkind: A\r\nx: |\r\n  a\r\n  b\r\n",
		"apiVersion: v1\nkind: A\nx: !!str 1\ny: !!binary aGVsbG8=\n",
	}
	for _, manifest := range manifests {
		decoder := utilyaml.NewYAMLOrJSONDecoder(strings.NewReader(manifest), 4096)
		var raw json.RawMessage
		if err := decoder.Decode(&raw); err != nil {
			t.Fatalf("%s: kubectl: %v", manifest, err)
		}
		want := &unstructured.Unstructured{}
		if err := want.UnmarshalJSON(raw); err != nil {
			t.Fatalf("%s: kubectl: %v", manifest, err)
		}
		objects, problems := decodeFile("f.yaml", []byte(manifest), limitsOf(Limits{}))
		if len(problems) > 0 || len(objects) != 1 {
			t.Errorf("%s: %v", manifest, problems)
			continue
		}
		if diff := cmp.Diff(want.Object, objects[0].Object); diff != "" {
			t.Errorf("%s\n-kubectl +ours:\n%s", manifest, diff)
		}
	}
}

// Each bomb is refused, in bounded memory and time, with a message that says why.
func TestBombs(t *testing.T) {
	head := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"
	laughs := "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c <= 'j'; c++ {
		laughs += strings.NewReplacer("NEW", string(c), "OLD", string(c-1)).Replace("NEW: &NEW [*OLD, *OLD, *OLD, *OLD, *OLD, *OLD, *OLD, *OLD, *OLD, *OLD]\n")
	}
	tests := []struct {
		name, file string
		limits     Limits
		want       string
	}{
		{"alias bomb", head + laughs, Limits{}, errExpands.Error()},
		{"long text behind many aliases", head + "a: &a " + strings.Repeat("x", 1<<20) + "\nb: [" + strings.Repeat("*a, ", 5000) + "]\n", Limits{}, errExpands.Error()},
		{"deep flow mappings", head + "a: " + strings.Repeat("{a: ", 2000) + strings.Repeat("}", 2000) + "\n", Limits{}, "nested more than 256 levels"},
		{"very deep lists", head + "a: " + strings.Repeat("[", 100_000), Limits{}, "values are nested too deep"},
		{"deep JSON", `{"apiVersion":"v1","kind":"A","x":` + strings.Repeat("[", 300) + strings.Repeat("]", 300) + "}", Limits{}, "nested more than 256 levels"},
		{"very deep JSON", `{"x":` + strings.Repeat(`{"x":`, 100_000), Limits{}, "values are nested too deep"},
		{"a million documents", strings.Repeat("a\n---\n", 1_000_000), Limits{}, "more than 100000 documents"},
		{"many objects", strings.Repeat(head+"---\n", 50), Limits{Objects: 10}, "more than 10 objects"},
		{"a large file", strings.Repeat("x", 1000), Limits{FileBytes: 999}, "larger than 999 bytes"},
		{"large files", strings.Repeat("# x\n", 1000), Limits{TotalBytes: 999}, "larger than 999 bytes together"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			writeFile(t, dir, "f.yaml", test.file)
			_, err := Dir(t.Context(), openRoot(t, dir), ".", Options{Limits: test.limits})
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "f.yaml") && !strings.Contains(err.Error(), "directory") {
				t.Errorf("got %.200v, want ...%s", err, test.want)
			}
		})
	}
}

func TestLargeScalarIsRefusedByItsSizeAlone(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "f.yaml", "")
	// A sparse file: nothing is written, and nothing must be read.
	if err := os.Truncate(dir+"/f.yaml", 100<<30); err != nil {
		t.Skip("no sparse files here:", err)
	}
	_, err := Dir(t.Context(), openRoot(t, dir), ".", Options{})
	if err == nil || !strings.Contains(err.Error(), "f.yaml: the file is larger than 16 MiB") {
		t.Error(err)
	}
}

// What is read without the way through JSON is what that way gives.
func FuzzValueAsThroughJSON(f *testing.F) {
	for _, seed := range []string{"a: 1\nb: [x, ~, true, -3]\n", "1: a\n", "a: 1.0\n", "a: 9223372036854775808\n", "a: \"\\xff\"\n", "a: {}\nb: []\nc:\n",
		"a: &a {x: 1}\nb: {<<: *a, x: 2}\n", "a: 2026-01-01\nb: !!binary aGVsbG8=\n", "- \"\\u2028<>&\"\n", "? !!binary /w==\n: a\n", "a: !!binary /w==\n", "{}\n", "a: 0x10\nb: 0o17\nc: 1_000\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if _, changed := safeyaml.Tame(text); changed || !utf8.Valid(text) { // control characters, which the way through JSON refuses
			return
		}
		got, err := toValue(text, false)
		if err != nil {
			return
		}
		want, err := throughJSON(text)
		if err != nil {
			t.Fatalf("%q: only the short way reads it: %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q\n-through JSON +read:\n%s", text, diff)
		}
	})
}
