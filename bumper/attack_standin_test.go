package bumper

import (
	"strconv"
	"strings"
	"testing"
)

// TestAttackStandIns: what only looks like a placeholder is a value.
func TestAttackStandIns(t *testing.T) {
	part := func(from, to string) string { return strings.Replace(sopsValue, from, to, 1) }
	for name, c := range map[string]struct {
		value string
		plain bool
	}{
		"X16 a value in angle brackets":               {"<hunter2>", true},
		"X16 a value in ENC":                          {"ENC[hunter2]", true},
		"X16 ENC with the words of SOPS":              {"ENC[AES256_GCM,data:hunter2]", true},
		"X16 ENC without an initialization vector":    {part("iv:", "iv:,x:"), true},
		"X16 ENC with a short tag":                    {"ENC[AES256_GCM,data:aHVudGVyMg==,iv:aHVudGVyMg==,tag:aHVudGVyMg==,type:str]", true},
		"X16 ENC with a type that is none":            {part("type:str", "type:hunter2"), true},
		"X16 ENC and more":                            {sopsValue + "hunter2", true},
		"X16 ENC on the second line":                  {"hunter2\n" + sopsValue, true},
		"X16 ENC of another cipher":                   {part("AES256_GCM", "ROT13"), true},
		"X16 a default of a variable":                 {"${PASSWORD:-hunter2}", true},
		"X16 a default that is assigned":              {"${PASSWORD:=hunter2}", true},
		"X16 a value in braces":                       {"${hunter2!}", true},
		"X16 a value in parentheses":                  {"$(hunter2!)", true},
		"X16 a template of a text":                    {`{{ "hunter2" }}`, true},
		"X16 a template of a text in backquotes":      {"{{ `hunter2` }}", true},
		"X16 a template with a default":               {`{{ .Values.password | default "hunter2" }}`, true},
		"X16 a value between templates":               {"{{ .Values.a }}hunter2{{ .Values.b }}", true},
		"X16 a template that refers to nothing":       {"{{ hunter2 }}", true},
		"X16 a text that passes for a name":           {`{{ include "a" . }}{{ "hunter2" }}`, true},
		"X16 a path of a vault that is none":          {"<path:hunter2>", true},
		"X16 a path of a vault and more":              {"<path:kv/x#y> hunter2", true},
		"X16 beside it: a value of SOPS":              {sopsValue, false},
		"X16 beside it: an empty value of SOPS":       {part("p673w7I=", ""), false},
		"X16 beside it: a variable of Flux":           {"${PASSWORD}", false},
		"X16 beside it: a variable with no default":   {"${PASSWORD:=}", false},
		"X16 beside it: a variable of Kustomize":      {"$(DB_PASSWORD)", false},
		"X16 beside it: a path of a vault":            {"<path:kv/data/shop#password>", false},
		"X16 beside it: a version in a vault":         {"<path:kv/data/shop#password#3 | base64encode>", false},
		"X16 beside it: a value of a chart":           {"{{ .Values.password | b64enc | quote }}", false},
		"X16 beside it: a template by its name":       {`{{- include "shop.password" . -}}`, false},
		"X16 beside it: a random value":               {"{{ randAlphaNum 20 | b64enc }}", false},
		"X16 beside it: a value that has to be there": {`{{ required "set password" .Values.password }}`, false},
		"X16 beside it: a key by its name":            {`{{ index .Values.passwords "db" | b64enc }}`, false},
		"X16 beside it: nothing":                      {"", false},
	} {
		t.Run(name, func(t *testing.T) {
			file := "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData:\n  password: " + strconv.Quote(c.value) + "\n"
			if found := PlainSecrets(File{"f.yaml", []byte(file)}); (len(found) > 0) != c.plain {
				t.Errorf("%v", found)
			}
		})
	}
	vault := "apiVersion: v1\nkind: Secret\nmetadata: {name: db, annotations: {avp.kubernetes.io/path: kv/shop}}\nstringData: {password: <password>}\n"
	if found := PlainSecrets(File{"f.yaml", []byte(vault)}); len(found) > 0 {
		t.Errorf("X16 beside it: a key of the vault that an annotation names: %v", found)
	}
	if found := PlainSecrets(File{"f.yaml", []byte(strings.Replace(vault, "<password>", "<hunter2!>", 1))}); len(found) == 0 {
		t.Error("X16 no key of a vault: not found")
	}
}
