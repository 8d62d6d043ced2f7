package fields_test

import (
	"encoding/json"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/fields"
)

const workload = `{"spec":{"replicas":3,"args":["a","b"],"containers":[
	{"name":"web","image":"web:1","ports":[{"containerPort":80,"protocol":"TCP","name":"http"}],"resources":{"limits":{"cpu":"1"}}},
	{"name":"side","image":"side:1"}]},"data":{"a/b":"1","c":"2"}}`

const workloadFields = `{"f:spec":{"f:replicas":{},"f:args":{},"f:containers":{
	"k:{\"name\":\"web\"}":{".":{},"f:name":{},"f:image":{},"f:ports":{"k:{\"containerPort\":80,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{},"f:name":{}}},"f:resources":{"f:limits":{"f:cpu":{}}}},
	"k:{\"name\":\"side\"}":{".":{},"f:name":{},"f:image":{}}}},"f:data":{"f:a~1b":{},"f:a/b":{},"f:c":{}}}`

func text(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestWhatPointersSelectIsExtractedAndRemoved(t *testing.T) {
	tests := []struct {
		pointers        []string
		extracted, left string
	}{
		{[]string{"/spec/replicas"}, `{"spec":{"replicas":3}}`, ""},
		{[]string{"/spec/containers/*/image"},
			`{"spec":{"containers":[{"image":"side:1","name":"side"},{"image":"web:1","name":"web"}]}}`,
			`{"data":{"a/b":"1","c":"2"},"spec":{"args":["a","b"],"containers":[{"name":"web","ports":[{"containerPort":80,"name":"http"}],"resources":{"limits":{"cpu":"1"}}},{"name":"side"}],"replicas":3}}`},
		{[]string{"/spec/containers/0/resources"}, `{"spec":{"containers":[{"name":"web","resources":{"limits":{"cpu":"1"}}}]}}`, ""},
		{[]string{"/spec/containers/web/ports/*/name"}, `{"spec":{"containers":[{"name":"web","ports":[{"containerPort":80,"name":"http","protocol":"TCP"}]}]}}`, ""},
		{[]string{"/data/a~1b", "/data/none"}, `{"data":{"a/b":"1"}}`, ""},
		{[]string{"/spec/args/0"}, `{"spec":{"args":["a","b"]}}`, ""},
		{[]string{"/data"}, `{"data":{"a/b":"1","c":"2"}}`, ""},
		{[]string{"/nothing/here"}, `null`, ""},
	}
	for _, test := range tests {
		u := object(t, workload)
		set := fields.Select(u, fieldSet(t, workloadFields), test.pointers)
		if got := text(t, fields.Extract(u, set)); got != test.extracted {
			t.Errorf("%v: extracted %s, want %s", test.pointers, got, test.extracted)
		}
		if test.left == "" {
			continue
		}
		manifest := object(t, `{"spec":{"replicas":3,"args":["a","b"],"containers":[{"name":"web","image":"web:1","ports":[{"containerPort":80,"name":"http"}],"resources":{"limits":{"cpu":"1"}}},{"name":"side","image":"side:1"}]},"data":{"a/b":"1","c":"2"}}`)
		fields.Remove(manifest.Object, set)
		if got := text(t, manifest.Object); got != test.left {
			t.Errorf("%v: left %s, want %s", test.pointers, got, test.left)
		}
	}
}

func TestWhatOthersAddedIsStripped(t *testing.T) {
	const ours = `{"manager":"ours","operation":"Apply","fieldsType":"FieldsV1","fieldsV1":` +
		`{"f:spec":{"f:containers":{"k:{\"name\":\"web\"}":{".":{},"f:name":{},"f:image":{}}}}}}`
	entry := func(manager, owned string) string {
		return `,{"manager":"` + manager + `","operation":"Update","fieldsType":"FieldsV1","fieldsV1":` + owned + `}`
	}
	u := object(t, `{"metadata":{"annotations":{"kubectl.kubernetes.io/restartedAt":"now"},"managedFields":[`+ours+
		entry("kubectl-edit", `{"f:metadata":{"f:annotations":{"f:kubectl.kubernetes.io/restartedAt":{}}},"f:spec":{"f:containers":{
			"k:{\"name\":\"web\"}":{"f:tty":{}},"k:{\"name\":\"x\"}":{".":{},"f:name":{},"f:image":{}},"k:{\"name\":\"y\"}":{".":{},"f:name":{}}},"f:volumes":{".":{},"k:{\"name\":\"v\"}":{".":{},"f:name":{}}}}}`)+
		entry("web-controller", `{"f:spec":{"f:containers":{"k:{\"name\":\"y\"}":{"f:image":{}}}}}`)+
		`]},"spec":{"containers":[{"name":"x","image":"x"},{"name":"web","image":"web","tty":true},{"name":"y","image":"y"}],"volumes":[{"name":"v"}]}}`)
	patch, gone := fields.Strip(u, "ours")
	const want = `[{"op":"remove","path":"/spec/volumes"},{"op":"remove","path":"/spec/containers/2/name"},{"op":"remove","path":"/spec/containers/1/tty"},{"op":"remove","path":"/spec/containers/0"}]`
	if got := text(t, patch); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	fields.Drop(u, gone[:1])
	if got := text(t, u.Object["spec"]); got == "" || len(gone) != 4 {
		t.Errorf("%d fields gone, left %s", len(gone), got)
	}
}
