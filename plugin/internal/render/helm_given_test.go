package render

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

// What ConfigMaps and Secrets give goes over the values files and under inline; a single value goes over inline, and set over
// all. What is wrong in them is told without a value.
func TestGivenValues(t *testing.T) {
	at := Origin{File: "gitops.yaml", Line: 7}
	const values = "a: chart\nb: chart\nc: chart\nd: chart\ne: chart\nf: chart\n"
	for name, tt := range map[string]struct {
		given []GivenValues
		want  string
	}{
		"in order": {[]GivenValues{
			{From: "ConfigMap/x", Text: "b: map\nc: map\nd: map\n"},
			{From: "Secret/y", Text: "c: secret\nd: secret\n", Secret: true},
			{From: "ConfigMap/z", Text: "single\n", TargetPath: "e"},
		}, "a=chart b=map c=secret d=inline e=single f=set"},
		"numbers and texts": {[]GivenValues{
			{From: "ConfigMap/x", Text: "12", TargetPath: "a"},
			{From: "ConfigMap/x", Text: `"12"`, TargetPath: "b"},
			{From: "ConfigMap/x", Text: "1,2={x}", TargetPath: "c"},
			{From: "ConfigMap/x", Text: "two\nlines", TargetPath: "e"},
		}, "a=12 b=12 c=1,2={x} d=inline e=two\nlines f=set"},
		"no mapping":           {[]GivenValues{{From: "ConfigMap/x", Text: "- a", Origin: at}}, "gitops.yaml:7: the values of ConfigMap/x are not a mapping"},
		"no YAML":              {[]GivenValues{{From: "ConfigMap/x", Text: "a: [\nb", Origin: at}}, "gitops.yaml:7: the values of ConfigMap/x"},
		"no YAML, in a Secret": {[]GivenValues{{From: "Secret/x", Text: "a: hunter2: b", Secret: true, Origin: at}}, "gitops.yaml:7: the values of Secret/x, line 1: not readable as YAML"},
		"no path":              {[]GivenValues{{From: "ConfigMap/x", Text: "1", TargetPath: "a=b", Origin: at}}, "gitops.yaml:7: targetPath a=b cannot be set"},
	} {
		t.Run(name, func(t *testing.T) {
			root := openRoot(t, written(t, map[string]string{
				"c/Chart.yaml":  "apiVersion: v2\nname: c\nversion: 1.0.0\n",
				"c/values.yaml": values,
				"c/templates/s.yaml": `apiVersion: v1
kind: Secret
metadata: {name: x}
stringData: {got: {{ printf "a=%v b=%v c=%v d=%v e=%v f=%v" .Values.a .Values.b .Values.c .Values.d .Values.e .Values.f | quote }}}
`}))
			objects, err := Dir(t.Context(), root, "c", Options{AllowPlainSecrets: true, Charts: Charts{Values: tt.given},
				Helm: &Helm{Inline: &Inline{YAML: "d: inline\ne: inline\n"}, Set: map[string]any{"f": "set"}}})
			got := ""
			if err != nil {
				got = err.Error()
			} else {
				text, err := base64.StdEncoding.DecodeString(fmt.Sprint(objects[0].Object["data"].(map[string]any)["got"]))
				if err != nil {
					t.Fatal(err)
				}
				got = string(text)
			}
			if !strings.HasPrefix(got, tt.want) || strings.Contains(got, "hunter2") {
				t.Errorf("got %q", got)
			}
		})
	}
}

// A value from a Secret belongs into Secrets, and is masked in them.
func TestGivenValuesOfSecretsAreHidden(t *testing.T) {
	files := func(kind, field string) map[string]string {
		return map[string]string{"c/Chart.yaml": "apiVersion: v2\nname: c\nversion: 1.0.0\n",
			"c/templates/s.yaml": fmt.Sprintf("apiVersion: v1\nkind: %s\nmetadata: {name: x}\n%s: {url: 'postgres://{{ .Values.db.password }}@db'}\n", kind, field)}
	}
	given := Options{Charts: Charts{Values: []GivenValues{{From: "Secret/y", Text: "db: {password: correct-horse, port: 5432}", Secret: true}}}}
	_, err := Dir(t.Context(), openRoot(t, written(t, files("ConfigMap", "data"))), "c", given)
	if err == nil || !strings.Contains(err.Error(), "data.url holds a value of a Secret: db.password of Secret/y") || strings.Contains(err.Error(), "correct-horse") {
		t.Errorf("got %v", err)
	}
	objects, err := Dir(t.Context(), openRoot(t, written(t, files("Secret", "stringData"))), "c", given)
	if err != nil {
		t.Fatal(err)
	}
	if text := objects[0].Hidden.Mask("it was postgres://correct-horse@db"); strings.Contains(text, "correct-horse") {
		t.Error(text)
	}
}

func written(t *testing.T, files map[string]string) string {
	dir := t.TempDir()
	for name, text := range files {
		writeFile(t, dir, name, text)
	}
	return dir
}
