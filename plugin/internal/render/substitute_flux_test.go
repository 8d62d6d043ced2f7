package render

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What is odd about a substitution of the flux dialect is told, with the line, and shows no value of a Secret.
func TestFluxSubstitutionWarns(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "a.yaml", `apiVersion: example.com/v1
kind: Site
metadata: {name: "web-${DOMAIN/./-}"}
spec:
  replicas: ${n}
  port: "${n}"
  list:
  - {a: '${nothing}'}
  host: "${DOMAIN}"
  text: "x${n}"
  ${n}: "${n}"
`)
	var told []string
	_, err := Dir(t.Context(), openRoot(t, dir), ".", Options{Substitute: &Substitute{Dialect: DialectFlux, Vars: map[string]any{"n": "3", "DOMAIN": "hunter2.example"},
		Secret: map[string]string{"DOMAIN": "s"}}, warning: func(text string) { told = append(told, text) }})
	if err != nil {
		t.Fatal(err)
	}
	const quotes = ": as in Flux, the quotes around ${...} do not count; a value with quotes of its own, '\"8080\"', stays a string"
	object := "example.com/Site/web-${DOMAIN/./-}: "
	want := []string{
		"a.yaml:1: " + object + "metadata.name is made of a value of a Secret: DOMAIN; anyone who may list such objects reads it; if it is no secret, say so in substitute.from: `plain: [DOMAIN]`",
		"a.yaml:8: " + object + "spec.list[0].a becomes null" + quotes,
		"a.yaml:6: " + object + "spec.port becomes a number" + quotes,
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// Variables that only a cluster knows stay, and are named.
func TestFluxSubstitutionNamesWhatItDoesNotKnow(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {a: \"${b} ${a} ${c:=d}\"}\n")
	var told []string
	objects, err := Dir(t.Context(), openRoot(t, dir), ".", Options{Substitute: &Substitute{Dialect: DialectFlux, Unread: true}, warning: func(text string) { told = append(told, text) }})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"the objects of substitute.from are not read here, so these variables stay as they are written: a, b, c"}; !slices.Equal(told, want) {
		t.Errorf("%q", told)
	}
	if text, _ := YAML(objects); !strings.Contains(string(text), "a: ${b} ${a} ${c:=d}") {
		t.Errorf("%s", text)
	}
}

// With the flux dialect a value of a Secret may stand anywhere. Whatever operators, quotes and YAML make of it is applied as it is, and
// masked.
func TestAttackFluxDialectShowsNoValue(t *testing.T) {
	for name, test := range map[string]struct{ value, field, shown string }{
		"the value":                  {"hunter2-canary", `"${PW}"`, "hunter2-canary"},
		"a line break at the end":    {"hunter2-canary\n", `"${PW}"`, "hunter2-canary"},
		"two lines":                  {"hunter2\n-canary", `"x ${PW}"`, "x hunter2-canary"},
		"inside":                     {"hunter2-canary", `"https://u:${PW}@h"`, "https://u:hunter2-canary@h"},
		"a default":                  {"hunter2-canary", `"${unset:=${PW}}"`, "hunter2-canary"},
		"upper case":                 {"hunter2-canary", `"${PW^^}"`, "HUNTER2-CANARY"},
		"a part":                     {"hunter2-canary", `"${PW:0:12}"`, "hunter2-cana"},
		"a short part, alone":        {"hunter2-canary", `"${PW#hunter2-}"`, "canary"},
		"a replacement":              {"hunter2-canary", `"${PW//-/_}"`, "hunter2_canary"},
		"a part with text around it": {"hunter2-canary", `"a ${PW%-*} b ${PW##*-} c ${PW}"`, "a hunter2 b canary c hunter2-canary"},
		"quotes in the value":        {`"hunter2-canary"`, `"${PW}"`, "hunter2-canary"},
		"escapes in the value":       {`"hunter2\x2Dcanary"`, `"${PW}"`, "hunter2-canary"},
		"apostrophes in the value":   {`'hunter2''canary'`, `"${PW}"`, "hunter2'canary"},
		"a comment in the value":     {`hunter2-canary # x`, `"${PW}"`, "hunter2-canary"},
		"a tag in the value":         {`!!str hunter2-canary`, `"${PW}"`, "hunter2-canary"},
		"binary":                     {`!!binary aHVudGVyMi1jYW5hcnk=`, `"${PW}"`, "hunter2-canary"},
		"an anchor":                  {`&x hunter2-canary`, `"${PW}"`, "hunter2-canary"},
		"a number":                   {"8675309123", `"${PW}"`, "8675309123"},
		"a hexadecimal number":       {"0x1F4A3B2C", `"${PW}"`, "524958508"},
		"a number with underscores":  {"8_675_309", `"${PW}"`, "8675309"},
		"a number with an exponent":  {"8.675309e6", `"${PW}"`, "8675309"},
		"a fraction":                 {"867530.912", `"${PW}"`, "867530.912"},
		"a list":                     {"[hunter2-canary, x]", `"${PW}"`, "hunter2-canary"},
		"a mapping":                  {"{hunter2-canary: hunter3-canary}", `"${PW}"`, "hunter2-canary"},
		"a mapping in a list":        {"[{a: hunter2-canary}]", `"${PW}"`, "hunter2-canary"},
		"in a block of text":         {"hunter2-canary", "|\n    one\n    two ${PW}\n    three\n", "two hunter2-canary"},
		"two, one after the other":   {"hunter2-canary", `"x${PW:0:8}${PW:8:6}y"`, "xhunter2-canaryy"},
		"another line":               {"a\r  b: hunter2-canary", `"${PW}"`, "hunter2-canary"},
		"a carriage return in text":  {"hunter2-canary\r", `"x ${PW}"`, "hunter2-canary"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			writeFile(t, dir, "a.yaml", "apiVersion: example.com/v1\nkind: Site\nmetadata: {name: x}\nspec:\n  a: "+test.field+"\n")
			objects, err := Dir(t.Context(), openRoot(t, dir), ".", Options{Substitute: &Substitute{Dialect: DialectFlux, Vars: map[string]any{"PW": test.value}, Secret: map[string]string{"PW": "s"}}})
			if err != nil {
				t.Fatal(err)
			}
			applied, err := json.Marshal(objects[0].Object)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(applied), test.shown) {
				t.Fatalf("it is not applied: %s", applied)
			}
			shown, err := YAML(objects)
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range []string{test.shown, "hunter2", "unter3-canar", "canary", "HUNTER2", "86753", "8_675", "524958508", "e+06"} {
				if strings.Contains(string(shown), part) {
					t.Errorf("it is shown:\n%s", shown)
				}
			}
		})
	}
}

// Flux replaces expressions in values that SOPS decrypted. What becomes of them may stand in Secrets only, as before.
func TestAttackFluxDialectChangesSealedValues(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "db.yaml", sealYAML(t, "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n  password: hunter2$$$${x:=-}canary\n", "^stringData$"))
	writeFile(t, dir, "c.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: b}\n")
	writeFile(t, dir, "kustomization.yaml", "resources: [db.yaml, c.yaml]\nreplacements:\n- source: {kind: Secret, name: db, fieldPath: stringData.password}\n  targets:\n  - {select: {kind: ConfigMap}, fieldPaths: [data.a]}\n")
	_, err := Dir(t.Context(), openRoot(t, dir), ".", Options{AgeKeys: sealedKey, Substitute: &Substitute{Dialect: DialectFlux, Always: true}})
	if err == nil || !strings.Contains(err.Error(), "data.a holds a value that is encrypted in Git") {
		t.Errorf("%v", err)
	}
}

// Neither large values nor many expressions take all memory or time.
func TestFluxSubstitutionIsBounded(t *testing.T) {
	for value, test := range map[string]struct {
		times int
		want  string
	}{
		strings.Repeat("x", 1<<16):                                                {1000, "a.yaml:4: example.com/Site/x: variable L: the variables make the text too large"},
		strings.Repeat("[", 300) + strings.Repeat("]", 300):                       {1, "a.yaml:1: example.com/Site/x: with its variables replaced, values are nested more than 256 levels deep"},
		"[&a [" + strings.Repeat("x,", 9) + "]," + strings.Repeat("*a,", 9) + "]": {1, ""},
	} {
		dir := t.TempDir()
		writeFile(t, dir, "a.yaml", "apiVersion: example.com/v1\nkind: Site\nmetadata: {name: x}\nspec: {a: \""+strings.Repeat("${L}", test.times)+"\"}\n")
		_, err := Dir(t.Context(), openRoot(t, dir), ".", Options{Limits: Limits{TotalBytes: 1 << 20}, Substitute: &Substitute{Dialect: DialectFlux, Vars: map[string]any{"L": value}}})
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%.20s: %q", value, got)
		}
	}
}
