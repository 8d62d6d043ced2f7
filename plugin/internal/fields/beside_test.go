package fields_test

import (
	"reflect"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/fields"
)

func TestBesideOurFields(t *testing.T) {
	const ours = `{"manager":"ours","operation":"Apply","fieldsType":"FieldsV1","fieldsV1":{"f:data":{"f:a":{}},"f:list":{}}}`
	entry := func(manager, operation, owned string) string {
		return `,{"manager":"` + manager + `","operation":"` + operation + `","fieldsType":"FieldsV1","fieldsV1":` + owned + `}`
	}
	tests := []struct {
		name, entries, data string
		want                []fields.Extra
	}{
		{"ours alone", ours, `{"a":"1"}`, nil},
		{"a key that somebody set", ours + entry("kubectl-patch", "Update", `{"f:data":{"f:b":{}}}`), `{"a":"1","b":"2"}`,
			[]fields.Extra{{Path: "data.b", Manager: "kubectl-patch"}}},
		{"a key that both set", ours + entry("kubectl-patch", "Update", `{"f:data":{"f:a":{}}}`), `{"a":"1"}`, nil},
		{"below an atomic list of ours", ours + entry("kubectl-patch", "Update", `{"f:list":{"i:0":{}}}`), `{"a":"1"}`, nil},
		{"a controller's", ours + entry("web-controller", "Update", `{"f:data":{"f:b":{}}}`), `{"a":"1","b":"2"}`, nil},
		{"a key that nobody owns", ours, `{"a":"1","b":"2"}`, []fields.Extra{{Path: "data.b"}}},
		{"no entry of ours", `{"manager":"x","operation":"Update","fieldsType":"FieldsV1","fieldsV1":{}}`, `{"a":"1"}`, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			u := object(t, `{"metadata":{"managedFields":[`+test.entries+`]},"data":`+test.data+`,"list":[1]}`)
			if got := fields.Beside(u, "ours"); !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

// TestNotesOfTheServer: the server labels every Namespace and annotates every DaemonSet, and nobody owns that.
func TestNotesOfTheServer(t *testing.T) {
	u := object(t, `{"metadata":{"labels":{"kubernetes.io/metadata.name":"shop"},"annotations":{"deprecated.daemonset.template.generation":"1","else":"x"},
		"managedFields":[{"manager":"ours","operation":"Apply","fieldsType":"FieldsV1","fieldsV1":{"f:data":{}}}]}}`)
	want := []fields.Extra{{Path: "metadata.annotations.else"}}
	if got := fields.Beside(u, "ours"); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
