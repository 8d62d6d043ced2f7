package action

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestAttackSecretsOfKustomizations: check finds readable values that patches and generators bring, wherever they stand.
func TestAttackSecretsOfKustomizations(t *testing.T) {
	t.Setenv("PATH", "")
	const merge = "{apiVersion: v1, kind: Secret, metadata: {name: db}, stringData: {password: hunter2}}"
	const add = `[{op: add, path: /data/password, value: aHVudGVyMg==}]`
	const sealed = "ENC[AES256_GCM,data:p673w7I=,iv:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=,tag:AAECAwQFBgcICQoLDA0ODw==,type:str]"
	for name, c := range map[string]struct {
		kustomization string
		more          map[string]string
		found         bool
	}{
		"X16 an inline patch":                                  {"patches:\n- patch: |-\n    " + merge + "\n", nil, true},
		"X16 an inline patch that is folded":                   {"patches:\n- patch: >-\n    " + merge + "\n", nil, true},
		"X16 an inline patch with escapes":                     {`patches: [{patch: "{apiVersion: v1, kind: \"\\x53ecret\", metadata: {name: db}, data: {password: aHVudGVyMg==}}"}]` + "\n", nil, true},
		"X16 an inline patch of several documents":             {"patches:\n- patch: |-\n    {apiVersion: v1, kind: ConfigMap, metadata: {name: db}}\n    ---\n    " + merge + "\n", nil, true},
		"X16 an inline patch without a kind":                   {"patches:\n- target: {kind: Secret}\n  patch: '{data: {password: aHVudGVyMg==}}'\n", nil, true},
		"X16 stringData without a target":                      {"patches:\n- patch: '{stringData: {password: hunter2}}'\n", nil, true},
		"X16 an inline strategic merge":                        {"patchesStrategicMerge:\n- |-\n  " + merge + "\n", nil, true},
		"X16 operations on a Secret":                           {"patches:\n- target: {kind: Secret, name: db}\n  patch: '" + add + "'\n", nil, true},
		"X16 operations in JSON":                               {`patches: [{target: {kind: Secret}, patch: '[{"op": "replace", "path": "/data", "value": {"password": "aHVudGVyMg=="}}]'}]` + "\n", nil, true},
		"X16 operations on an expression":                      {"patches:\n- target: {kind: 'S.*|x'}\n  patch: '" + add + "'\n", nil, true},
		"X16 operations on stringData of whatever":             {"patches:\n- target: {name: db}\n  patch: '[{op: add, path: /stringData/password, value: hunter2}]'\n", nil, true},
		"X16 an operation on the whole object":                 {"patches:\n- target: {name: db}\n  patch: '[{op: replace, path: \"\", value: " + merge + "}]'\n", nil, true},
		"X16 patchesJson6902":                                  {"patchesJson6902:\n- target: {version: v1, kind: Secret, name: db}\n  patch: '" + add + "'\n", nil, true},
		"X16 patchesJson6902 in a file":                        {"patchesJson6902:\n- target: {version: v1, kind: Secret, name: db}\n  path: ops.txt\n", map[string]string{"ops.txt": add}, true},
		"X16 operations in a file":                             {"patches:\n- target: {kind: Secret}\n  path: ops.json\n", map[string]string{"ops.json": `[{"op": "add", "path": "/data/a", "value": "aHVudGVyMg=="}]`}, true},
		"X16 a patch that an alias brings":                     {"x: &p '" + merge + "'\npatches:\n- patch: *p\n", nil, true},
		"X16 a literal":                                        {"secretGenerator:\n- name: db\n  literals: [password=hunter2]\n", nil, true},
		"X16 a literal in quotes":                              {"secretGenerator:\n- name: db\n  literals: ['password=\"hunter2\"']\n", nil, true},
		"X16 lines of a file":                                  {"secretGenerator:\n- name: db\n  envs: [db.env]\n", map[string]string{"db.env": "# db\npassword=hunter2\n"}, true},
		"X16 lines of one file":                                {"secretGenerator:\n- name: db\n  env: db.env\n", map[string]string{"db.env": "password=hunter2\n"}, true},
		"X16 a file by its name":                               {"secretGenerator:\n- name: db\n  files: [password.txt]\n", map[string]string{"password.txt": "hunter2\n"}, true},
		"X16 a file with a key":                                {"secretGenerator:\n- name: db\n  files: [password=../db.txt]\n", map[string]string{"../db.txt": "hunter2\n"}, true},
		"X16 a file that only says SOPS":                       {"secretGenerator:\n- name: db\n  files: [db.yaml]\n", map[string]string{"db.yaml": "password: hunter2\nsops: {version: 3.9.0}\n"}, true},
		"X16 a component":                                      {"apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nsecretGenerator: [{name: db, literals: [password=hunter2]}]\n", nil, true},
		"X16 beside it: a patch of a Deployment":               {"patches:\n- target: {kind: Deployment}\n  patch: '[{op: replace, path: /spec/replicas, value: 3}]'\n", nil, false},
		"X16 beside it: data of a ConfigMap":                   {"patches:\n- target: {kind: ConfigMap}\n  patch: '[{op: add, path: /data/color, value: blue}]'\n", nil, false},
		"X16 beside it: labels of a Secret":                    {"patches:\n- target: {kind: Secret}\n  patch: '[{op: add, path: /metadata/labels/app, value: shop}]'\n", nil, false},
		"X16 beside it: a key that goes":                       {"patches:\n- target: {kind: Secret}\n  patch: '[{op: remove, path: /data/password}]'\n", nil, false},
		"X16 beside it: a key that a merge takes away":         {"patches:\n- target: {kind: Secret}\n  patch: '{apiVersion: v1, kind: Secret, metadata: {name: db}, data: {password: null}}'\n", nil, false},
		"X16 beside it: a Secret that is deleted":              {"patches:\n- patch: '{$patch: delete, apiVersion: v1, kind: Secret, metadata: {name: db}}'\n", nil, false},
		"X16 beside it: a Secret of another group":             {"patches:\n- target: {group: acme.example, kind: Secret}\n  patch: '" + add + "'\n", nil, false},
		"X16 beside it: an ExternalSecret":                     {"patches:\n- target: {kind: ExternalSecret}\n  patch: '[{op: add, path: /spec/data, value: [{secretKey: a}]}]'\n", nil, false},
		"X16 beside it: a configMapGenerator":                  {"configMapGenerator:\n- name: db\n  literals: [color=blue]\n", nil, false},
		"X16 beside it: a literal that is filled in":           {"secretGenerator:\n- name: db\n  literals: ['password=${PASSWORD}', empty=]\n", nil, false},
		"X16 beside it: lines that are encrypted":              {"secretGenerator:\n- name: db\n  envs: [db.env]\n", map[string]string{"db.env": "password=" + sealed + "\nsops_mac=x\n"}, false},
		"X16 beside it: a file that is encrypted":              {"secretGenerator:\n- name: db\n  files: [db.json]\n", map[string]string{"db.json": `{"data": "` + sealed + `", "sops": {"mac": "x"}}`}, false},
		"X16 beside it: a generator whose files are not there": {"secretGenerator:\n- name: db\n  files: [password.txt]\n", nil, false},
		"X16 beside it: a value of a vault":                    {"patches:\n- patch: '{apiVersion: v1, kind: Secret, metadata: {name: db}, stringData: {password: \"<path:kv/x#y>\"}}'\n", nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"apps/shop/kustomization.yaml": c.kustomization}
			for file, text := range c.more {
				if up, is := strings.CutPrefix(file, "../"); is {
					files["apps/"+up] = text
				} else {
					files["apps/shop/"+file] = text
				}
			}
			checkSecrets(t, files, c.found)
		})
	}
	t.Run("X16 a kustomization by its other name", func(t *testing.T) {
		checkSecrets(t, map[string]string{"apps/Kustomization": "secretGenerator: [{name: db, literals: [password=hunter2]}]\n"}, true)
	})
	for name, text := range map[string]string{
		"X16 a Kustomization of Flux":           "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: shop}\nspec:\n  patches:\n  - patch: |-\n      " + merge + "\n",
		"X16 an Application of Argo CD":         "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: shop}\nspec:\n  source:\n    kustomize: {patches: [{target: {kind: Secret}, patch: '" + add + "'}]}\n",
		"X16 a post-renderer of a Helm release": "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: shop}\nspec:\n  postRenderers:\n  - kustomize: {patches: [{target: {kind: Secret}, patch: '" + add + "'}]}\n",
	} {
		t.Run(name, func(t *testing.T) { checkSecrets(t, map[string]string{"apps/shop.yaml": text}, true) })
	}
}

func checkSecrets(t *testing.T, files map[string]string, found bool) {
	t.Helper()
	_, out, errs := command(t, "check", "--dir", checkoutOf(t, files), "-o", "json")
	var got struct{ Findings []Finding }
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%v\n%s%s", err, out, errs)
	}
	if list := rules(got.Findings); strings.Contains(list, "secret\n") != found {
		t.Errorf("findings:\n%s", list)
	}
	if strings.Contains(out+errs, "hunter2") || strings.Contains(out+errs, "aHVudGVyMg==") {
		t.Error("the value is in the output")
	}
}
