package gitopsyaml

import (
	"strings"
	"testing"
)

// TestAttackConfinement: a setting that confines an app and is empty is no setting that lets it do everything.
func TestAttackConfinement(t *testing.T) {
	for _, test := range []struct{ name, settings, want string }{
		{"X16 an empty service account", `serviceAccount: ""`, "serviceAccount is empty"},
		{"X16 an empty service account, in other quotes", `serviceAccount: ''`, "serviceAccount is empty"},
		{"X16 a service account that is null", `serviceAccount: null`, "serviceAccount has no value"},
		{"X16 allow that names nothing", `allow: {}`, "allow names neither namespaces nor kinds"},
		{"X16 allow that is null", `allow:`, "allow has no value"},
		{"X16 no namespaces", `allow: {namespaces: []}`, "allow.namespaces is empty"},
		{"X16 no namespaces, beside kinds", `allow: {namespaces: [], kinds: [ConfigMap]}`, "allow.namespaces is empty"},
		{"X16 no kinds", `allow: {namespaces: [a], kinds: []}`, "allow.kinds is empty"},
		{"X16 an empty namespace", `allow: {namespaces: [""]}`, "an element of allow.namespaces is empty"},
		{"X16 an empty kind", `allow: {kinds: [""]}`, "an element of allow.kinds is empty"},
		{"X16 a star", `allow: {kinds: ["*"]}`, `"*" is not a kind`},
		{"X16 a kind with a path", `allow: {kinds: ["../Secret"]}`, `"../Secret" is not a kind`},
		{"X16 no keys", `ageKeys: []`, "ageKeys is empty"},
		{"X16 an empty key", `ageKeys: [""]`, "is not the name of a key"},
		{"X16 a key by a pattern", `ageKeys: ["*"]`, "is not the name of a key"},
		{"X16 a key by a path", `ageKeys: ["../shop.agekey"]`, "is not the name of a key"},
		{"X16 beside it: a key", `ageKeys: [shop.agekey]`, ""},
		{"X8 plain values of a ConfigMap", `substitute: {from: [{kind: ConfigMap, name: a, plain: [x]}]}`, "plain is for Secrets"},
		{"X8 a plain value without a name", `substitute: {from: [{kind: Secret, name: a, plain: [""]}]}`, `"" is not a pattern for names`},
		{"X8 a plain value with half a class", `substitute: {from: [{kind: Secret, name: a, plain: ["[a"]}]}`, `"[a" is not a pattern for names`},
		{"a variable that no shell has", `substitute: {dialect: flux, vars: {a-b: x}}`, `gitops.yaml:6: "a-b" is no name for a variable`},
		{"always, without the dialect", `substitute: {always: true}`, "always belongs to the dialect flux"},
		{"another dialect", `substitute: {dialect: bash}`, "bash"},
		{"X8 sealed values in objects of any kind", `allowSealedValues: [{name: a}]`, "has no kind"},
		{"X8 sealed values in half a class", `allowSealedValues: [{kind: ConfigMap, name: "[a"}]`, `"[a" is not a pattern for names`},
		{"X8 beside it: plain values and objects", "substitute: {from: [{kind: Secret, name: a, plain: [DOMAIN, MAIL_*]}]}\n  allowSealedValues: [{kind: ConfigMap}]", ""},
		{"X16 beside it: a service account", `serviceAccount: shop`, ""},
		{"X16 beside it: namespaces", `allow: {namespaces: [a]}`, ""},
		{"X16 beside it: kinds", `allow: {kinds: [ConfigMap, Widget.example.com]}`, ""},
		{"X16 beside it: none of it", `namespace: a`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := Load(checkout(t, head+"- name: a\n  path: a\n  "+test.settings+"\n", "a"), ".")
			told := ""
			if err != nil {
				told = err.Error()
			}
			if (test.want == "") != (err == nil) || !strings.Contains(told, test.want) {
				t.Errorf("got %q", told)
			}
		})
	}
}
