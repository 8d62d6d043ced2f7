package reconcile

import (
	"encoding/json"
	"testing"
)

func TestIgnoredFieldsAreCutOut(t *testing.T) {
	const manifest = `{"metadata":{"name":"web","labels":{"tier":"front"}},"spec":{"replicas":3,"list":[{"name":"a","image":"1"},{"name":"b","image":"2"}]}}`
	tests := []struct {
		rule Ignore
		want string // of spec; empty when the rule is not about the object
	}{
		{Ignore{Kind: "Deployment", Name: "web", Paths: []string{"/spec/replicas"}}, `{"list":[{"image":"1","name":"a"},{"image":"2","name":"b"}]}`},
		{Ignore{Kind: "StatefulSet", Paths: []string{"/spec/replicas"}}, ""},
		{Ignore{Group: "apps", Namespace: "sh*", Labels: map[string]string{"tier": "front"}, Paths: []string{"/spec/list/*/image"}}, `{"list":[{"name":"a"},{"name":"b"}],"replicas":3}`},
		{Ignore{Labels: map[string]string{"tier": "back"}, Paths: []string{"/spec/replicas"}}, ""},
		{Ignore{Name: "w?b", Paths: []string{"/spec/list/1", "/spec/none/x"}}, `{"list":[{"image":"1","name":"a"}],"replicas":3}`},
		{Ignore{Paths: []string{"/spec/list/b/image", "/spec/replicas/deeper"}}, `{"list":[{"image":"1","name":"a"},{"name":"b"}],"replicas":3}`},
		{Ignore{Managers: []string{"scaler"}}, `{"list":[{"image":"1","name":"a"},{"image":"2","name":"b"}],"replicas":3}`},
	}
	for _, test := range tests {
		o := wanted("Deployment", "web")
		if err := json.Unmarshal([]byte(manifest), &o.manifest.Object); err != nil {
			t.Fatal(err)
		}
		if err := ignoreFields([]Ignore{test.rule}, []*object{o}); err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(o.manifest.Object["spec"])
		if err != nil || (o.first == nil) != (test.want == "") || test.want != "" && string(got) != test.want {
			t.Errorf("%+v: got %s (%v), want %s", test.rule, got, err, test.want)
		}
	}
}

func TestSpellingsOfTheServerAreNoRewriting(t *testing.T) {
	for _, pair := range [][2]string{{`"1000m"`, `"1"`}, {`"1"`, `1`}, {`"1h"`, `"60m"`}, {`{"a":"1"}`, `{"a":"1","b":2}`}, {`["1Gi"]`, `["1024Mi"]`}, {`"YQ=="`, `"YQ=="`}} {
		var a, b any
		if json.Unmarshal([]byte(pair[0]), &a) != nil || json.Unmarshal([]byte(pair[1]), &b) != nil || !means(a, b) {
			t.Errorf("%s and %s mean the same", pair[0], pair[1])
		}
	}
	for _, pair := range [][2]string{{`"us"`, `"eu"`}, {`3`, `4`}, {`["a"]`, `["a","b"]`}, {`{"a":"1"}`, `{"a":"2"}`}, {`true`, `false`}} {
		var a, b any
		if json.Unmarshal([]byte(pair[0]), &a) != nil || json.Unmarshal([]byte(pair[1]), &b) != nil || means(a, b) {
			t.Errorf("%s and %s differ", pair[0], pair[1])
		}
	}
}
