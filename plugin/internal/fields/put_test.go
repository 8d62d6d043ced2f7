package fields

import (
	"bytes"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/yaml"
)

func TestFieldPut(t *testing.T) {
	for _, test := range []struct{ name, object, live, set, want string }{
		{"P5 a field", "spec: {a: 1}", "spec: {replicas: 5, b: 2}", `{"f:spec":{"f:replicas":{}}}`, "spec: {a: 1, replicas: 5}"},
		{"P5 a whole list", "{}", "rules: [{verbs: [get]}]", `{"f:rules":{}}`, "rules: [{verbs: [get]}]"},
		{"P5 a field that is gone", "spec: {a: 1}", "spec: {b: 2}", `{"f:spec":{"f:replicas":{}}}`, "spec: {a: 1}"},
		{"P5 in a list item that is there", "l: [{name: a, x: 1}, {name: b}]", "l: [{name: b, u: 2}]", `{"f:l":{"k:{\"name\":\"b\"}":{"f:u":{}}}}`, "l: [{name: a, x: 1}, {name: b, u: 2}]"},
		{"P5 in a list item that is not", "l: [{name: a}]", "l: [{name: b, u: 2, z: 3}]", `{"f:l":{"k:{\"name\":\"b\"}":{"f:u":{}}}}`, "l: [{name: a}, {name: b, u: 2}]"},
		{"P5 in a map that is not", "{}", "m: {q: {o: 1, p: 2}}", `{"f:m":{"f:q":{"f:o":{}}}}`, "m: {q: {o: 1}}"},
		{"P5 an element of a set", "s: [a]", "s: [a, b]", `{"f:s":{"v:\"b\"":{}}}`, "s: [a, b]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var object, want map[string]any
			live := &unstructured.Unstructured{}
			for _, read := range []struct {
				text string
				to   any
			}{{test.object, &object}, {test.live, &live.Object}, {test.want, &want}} {
				if err := yaml.Unmarshal([]byte(read.text), read.to); err != nil {
					t.Fatal(err)
				}
			}
			set := fieldpath.NewSet()
			if err := set.FromJSON(bytes.NewReader([]byte(test.set))); err != nil {
				t.Fatal(err)
			}
			Put(object, live, set)
			if !equal(object, want) {
				t.Errorf("got %v, want %v", object, want)
			}
		})
	}
}
