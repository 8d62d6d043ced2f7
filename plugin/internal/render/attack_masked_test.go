package render

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestAttackMaskedSecrets: render shows no value of a Secret, however it is misspelt, and wherever it lies.
func TestAttackMaskedSecrets(t *testing.T) {
	const meta = "metadata: {name: db}\n"
	for name, c := range map[string]struct {
		file  string
		shown string // is in the output
	}{
		"X16 a kind in small letters":            {"apiVersion: v1\nkind: secret\n" + meta + "stringData: {p: hunter2}\n", "p: '***'"},
		"X16 a kind in capitals":                 {"apiVersion: v1\nkind: SECRET\n" + meta + "data: {p: aHVudGVyMg==}\n", "p: '***'"},
		"X16 the plural":                         {"apiVersion: v1\nkind: Secrets\n" + meta + "data: {p: aHVudGVyMg==}\n", "p: '***'"},
		"X16 a group that is none":               {"apiVersion: core/v1\nkind: Secret\n" + meta + "data: {p: aHVudGVyMg==}\n", "p: '***'"},
		"X16 another group":                      {"apiVersion: core.k8s.io/v1\nkind: Secret\n" + meta + "stringData: {p: hunter2}\n", "p: '***'"},
		"X16 a field in other letters":           {"apiVersion: v1\nkind: Secret\n" + meta + "stringdata: {p: hunter2}\n", "p: '***'"},
		"X16 a field of another kind":            {"apiVersion: v1\nkind: Secret\n" + meta + "spec: {stringData: {p: [hunter2]}}\n", "spec:"},
		"X16 a value at the top":                 {"apiVersion: v1\nkind: Secret\n" + meta + "password: hunter2\n", "password: '***'"},
		"X16 data in metadata":                   {"apiVersion: v1\nkind: Secret\nmetadata: {name: db, data: {p: hunter2}}\n", "p: '***'"},
		"X16 an annotation of kapp":              {"apiVersion: v1\nkind: Secret\nmetadata: {name: db, annotations: {kapp.k14s.io/original: '{\"data\":{\"p\":\"aHVudGVyMg==\"}}'}}\n", "original: '***'"},
		"X16 in an object of another kind":       {"apiVersion: acme.example/v1\nkind: Template\n" + meta + "objects:\n- {apiVersion: v1, kind: Secret, metadata: {name: db}, stringData: {p: hunter2}}\n", "p: '***'"},
		"X16 in the manifest of another object":  {"apiVersion: acme.example/v1\nkind: Object\n" + meta + "spec: {manifest: {apiVersion: v1, kind: Secret, data: {p: aHVudGVyMg==}}}\n", "p: '***'"},
		"X16 beside it: a ConfigMap":             {"apiVersion: v1\nkind: ConfigMap\n" + meta + "data: {p: color}\n", "p: color"},
		"X16 beside it: a SealedSecret":          {"apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\n" + meta + "spec: {encryptedData: {p: AgBy}}\n", "p: AgBy"},
		"X16 beside it: an ExternalSecret":       {"apiVersion: external-secrets.io/v1\nkind: ExternalSecret\n" + meta + "spec: {secretStoreRef: {kind: SecretStore, name: vault}}\n", "name: vault"},
		"X16 beside it: what points to a Secret": {"apiVersion: acme.example/v1\nkind: Widget\n" + meta + "spec: {ref: {kind: Secret, name: other}}\n", "name: other"},
		"X16 beside it: labels and type":         {"apiVersion: v1\nkind: Secret\nmetadata: {name: db, labels: {app: shop}, annotations: {a: '{\"b\": 1}'}}\ntype: Opaque\n", "app: shop"},
	} {
		t.Run(name, func(t *testing.T) {
			objects, problems := decodeFile("x.yaml", []byte(c.file), limitsOf(Limits{}))
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			text, err := YAML(objects)
			if err != nil {
				t.Fatal(err)
			}
			asJSON, err := json.Marshal(Masked(objects[0]))
			if err != nil {
				t.Fatal(err)
			}
			for _, value := range []string{"hunter2", "aHVudGVyMg"} {
				if strings.Contains(string(text)+string(asJSON), value) {
					t.Errorf("the value is shown:\n%s", text)
				}
			}
			if !strings.Contains(string(text), c.shown) {
				t.Errorf("%q is not shown:\n%s", c.shown, text)
			}
			if before, _ := json.Marshal(objects[0].Object); strings.Contains(string(before), masked) {
				t.Error("the object itself is changed")
			}
		})
	}
}
