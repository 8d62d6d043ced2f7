package fields

import (
	"encoding/json"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// managed is an object whose managedFields are lines of manager, operation, version, subresource and fields.
func managed(t *testing.T, lines ...string) *unstructured.Unstructured {
	t.Helper()
	var entries []any
	for i, line := range lines {
		f := strings.SplitN(line, " ", 5)
		var owned map[string]any
		if err := json.Unmarshal([]byte(f[4]), &owned); err != nil {
			t.Fatal(err)
		}
		e := map[string]any{"manager": f[0], "operation": f[1], "apiVersion": f[2], "fieldsType": "FieldsV1", "fieldsV1": owned,
			"time": "2026-11-20T10:00:0" + string(rune('0'+i)) + "Z"}
		if f[3] != "-" {
			e["subresource"] = f[3]
		}
		entries = append(entries, e)
	}
	return &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": map[string]any{"name": "x", "managedFields": entries}}}
}

func TestFieldEarlierNames(t *testing.T) {
	const a, b, ab = `{"f:data":{"f:a":{}}}`, `{"f:data":{"f:b":{}}}`, `{"f:data":{"f:a":{},"f:b":{}}}`
	for _, test := range []struct {
		name       string
		have, want []string // want nil: nothing to rename
	}{
		{"R6 today's name", []string{"gitops Apply v1 - " + a, "helm Update v1 - " + b}, nil},
		{"R6 the earlier name", []string{"kubectl-gitops Apply v1 - " + a}, []string{"gitops Apply v1 - " + a}},
		{"R6 the keeper and an update", []string{"kubectl-gitops-keeper Apply v1 - " + a, "kubectl-gitops Update v1 - " + b},
			[]string{"gitops-keeper Apply v1 - " + a, "gitops Update v1 - " + b}},
		{"R6 install", []string{"kubectl-gitops-install Apply v1 - " + a}, []string{"gitops-install Apply v1 - " + a}},
		{"R6 both names", []string{"gitops Apply v1 - " + a, "kubectl-gitops Apply v1 - " + b}, []string{"gitops Apply v1 - " + ab}},
		{"R6 both names, the earlier one first", []string{"kubectl-gitops Apply v1 - " + b, "gitops Apply v1 - " + a}, []string{"gitops Apply v1 - " + ab}},
		{"R6 both names, at versions of their own", []string{"gitops Apply v1beta1 - " + a, "kubectl-gitops Apply v1 - " + b}, []string{"gitops Apply v1 - " + ab}},
		{"R6 updates at two versions", []string{"gitops Update v1beta1 - " + a, "kubectl-gitops Update v1 - " + b},
			[]string{"gitops Update v1beta1 - " + a, "gitops Update v1 - " + b}},
		{"R6 a subresource is somebody else's", []string{"kubectl-gitops Update v1 scale " + a}, nil},
		{"R6 another plugin of kubectl", []string{"kubectl-gitops-extra Update v1 - " + a, "kubectl-edit Update v1 - " + b}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			u := managed(t, test.have...)
			entries, err := Renamed(u)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, e := range entries {
				sub := e.Subresource
				if sub == "" {
					sub = "-"
				}
				got = append(got, strings.Join([]string{e.Manager, string(e.Operation), e.APIVersion, sub, string(e.FieldsV1.GetRawBytes())}, " "))
			}
			if strings.Join(got, "\n") != strings.Join(test.want, "\n") {
				t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
			if HasEarlierName(u) != (test.want != nil) {
				t.Error("HasEarlierName says otherwise")
			}
		})
	}
}

// An entry under the earlier name is ours in everything that is told about an object.
func TestFieldEarlierNameIsOurs(t *testing.T) {
	u := managed(t, `kubectl-gitops Apply v1 - {"f:data":{"f:a":{}}}`, `gitops Apply v1 - {"f:data":{"f:b":{}}}`, `kubectl-gitops Update v1 - {"f:data":{"f:c":{}}}`)
	u.Object["data"] = map[string]any{"a": "1", "b": "2", "c": "3"}
	set, ok, err := Applied(u, "gitops")
	if !ok || err != nil || !Holds(set, "data", "a") || !Holds(set, "data", "b") || Holds(set, "data", "c") {
		t.Errorf("R6 applied: %v %v %v", set, ok, err)
	}
	if by := Newest(u, "gitops"); by != nil {
		t.Errorf("R6 newest: %v", by)
	}
	if extras := Beside(u, "gitops"); len(extras) != 0 {
		t.Errorf("R6 beside: %v", extras)
	}
	if AppliedAs(u, "gitops") != "kubectl-gitops" {
		t.Error("R6 applied as", AppliedAs(u, "gitops"))
	}
	left, err := WithoutTwin(u, "gitops")
	if err != nil {
		t.Fatal(err)
	}
	if data, _, _ := unstructured.NestedMap(left.Object, "data"); len(data) != 2 || data["b"] != nil {
		t.Errorf("R6 without twin: %v", data)
	}
}
