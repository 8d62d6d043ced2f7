package render

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"regexp"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"
	"go.yaml.in/yaml/v3"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

const (
	sealedKey   = "AGE-SECRET-KEY-1XPX228SQW0SC9AEK7G44QU3K3SYC6RRHT78EFZM9GLHY0EDQ9V2Q8NLR3Z"
	sealedValue = "hunter2-canary"
)

// sealYAML encrypts the strings below the keys that a regular expression matches, as SOPS does with encrypted_regex.
func sealYAML(t testing.TB, text, encrypted string) string {
	t.Helper()
	identity, err := age.ParseX25519Identity(sealedKey)
	if err != nil {
		t.Fatal(err)
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	var armored bytes.Buffer
	outer := armor.NewWriter(&armored)
	inner, err := age.Encrypt(outer, identity.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := inner.Write(key); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(inner.Close(), outer.Close()); err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCMWithNonceSize(block, 32)
	if err != nil {
		t.Fatal(err)
	}
	s := sealing{gcm, regexp.MustCompile(encrypted), sha512.New()}
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(text), &document); err != nil {
		t.Fatal(err)
	}
	s.seal(document.Content[0], nil, false)
	out, err := yaml.Marshal(&document)
	if err != nil {
		t.Fatal(err)
	}
	const modified = "2026-11-25T14:17:03Z"
	mac := s.value(fmt.Sprintf("%X", s.hash.Sum(nil)), modified)
	block64 := strings.ReplaceAll(strings.TrimSpace(armored.String()), "\n", "\n            ")
	return fmt.Sprintf("%ssops:\n    age:\n        - enc: |\n            %s\n    lastmodified: %q\n    mac: %s\n    encrypted_regex: %s\n    version: 3.12.1\n",
		out, block64, modified, mac, encrypted)
}

type sealing struct {
	gcm       cipher.AEAD
	encrypted *regexp.Regexp
	hash      hash.Hash
}

func (s sealing) value(text, path string) string {
	nonce := make([]byte, 32)
	_, _ = rand.Read(nonce)
	out := s.gcm.Seal(nil, nonce, []byte(text), []byte(path))
	data, tag := out[:len(out)-16], out[len(out)-16:]
	enc := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("ENC[AES256_GCM,data:%s,iv:%s,tag:%s,type:str]", enc(data), enc(nonce), enc(tag))
}

func (s sealing) seal(n *yaml.Node, path []string, below bool) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i < len(n.Content); i += 2 {
			name := n.Content[i].Value
			s.seal(n.Content[i+1], append(path[:len(path):len(path)], name), below || s.encrypted.MatchString(name))
		}
	case yaml.SequenceNode:
		for _, item := range n.Content {
			s.seal(item, path, below)
		}
	default:
		s.hash.Write([]byte(n.Value))
		if below && n.Value != "" {
			n.Value, n.Style = s.value(n.Value, strings.Join(path, ":")+":"), 0
		}
	}
}

// spellings are forms of the value that nobody may find.
func spellings() []string {
	return []string{sealedValue, base64.StdEncoding.EncodeToString([]byte(sealedValue)), "unter2-canar", "aHVudGVy"}
}

// exposes tells whether a text holds the value.
func exposes(text string) bool {
	for _, s := range spellings() {
		if strings.Contains(text, s) {
			return true
		}
	}
	return false
}

// A value of an encrypted file, or of a variable from a Secret, may stand in data of a Secret and nowhere else. Each of
// these renders showed it before.
func TestAttackSealedValues(t *testing.T) {
	secret := sealYAML(t, "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n  password: "+sealedValue+"\n  port: \"5432\"\n", "^(data|stringData)$")
	inData := sealYAML(t, "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\ndata:\n  password: "+base64.StdEncoding.EncodeToString([]byte(sealedValue))+"\n", "^(data|stringData)$")
	configMap := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, annotations: {a: https://user:PASSWORD@host}}\ndata: {a: b}\n"
	deployment := "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {template: {spec: {containers: [{name: c, image: x, args: [\"--password=$(PW)\"], env: [{name: PW, value: x}]}]}}}\n"
	replace := func(field, target string, more string) string {
		return "resources: [db.yaml, c.yaml]\nreplacements:\n- source: {kind: Secret, name: db, fieldPath: " + field + "}\n  targets:\n  - " + target + more + "\n"
	}
	variables := &Substitute{Vars: map[string]any{"PW": sealedValue}, Secret: map[string]string{"PW": "s"}}
	tests := map[string]struct {
		files map[string]string
		vars  *Substitute
		at    string // what the error names
	}{
		"a replacement into a ConfigMap": {at: "data.a", files: map[string]string{"db.yaml": secret, "c.yaml": configMap,
			"kustomization.yaml": replace("stringData.password", "{select: {kind: ConfigMap}, fieldPaths: [data.a]}", "")}},
		"a replacement of base64 into a ConfigMap": {at: "data.a", files: map[string]string{"db.yaml": inData, "c.yaml": configMap,
			"kustomization.yaml": replace("data.password", "{select: {kind: ConfigMap}, fieldPaths: [data.a]}", "")}},
		"a replacement into a part of an address": {at: "metadata.annotations.a", files: map[string]string{"db.yaml": secret, "c.yaml": configMap,
			"kustomization.yaml": replace("stringData.password", "{select: {kind: ConfigMap}, fieldPaths: [metadata.annotations.a], options: {delimiter: ':', index: 1}}", "")}},
		"a replacement into an annotation of the Secret": {at: "metadata.annotations.a", files: map[string]string{"db.yaml": secret, "c.yaml": configMap,
			"kustomization.yaml": replace("stringData.password", "{select: {kind: Secret}, fieldPaths: [metadata.annotations.a], options: {create: true}}", "")}},
		"a replacement into the name of the Secret": {at: "metadata.name", files: map[string]string{"db.yaml": secret, "c.yaml": configMap,
			"kustomization.yaml": replace("stringData.password", "{select: {kind: Secret}, fieldPaths: [metadata.name]}", "")}},
		"a replacement into a field of a custom resource": {at: "spec.password", files: map[string]string{"db.yaml": secret, "c.yaml": "apiVersion: example.com/v1\nkind: Database\nmetadata: {name: c}\nspec: {password: x}\n",
			"kustomization.yaml": replace("stringData.password", "{select: {kind: Database}, fieldPaths: [spec.password]}", "")}},
		"a replacement into a hook": {at: "value", files: map[string]string{"db.yaml": secret,
			"c.yaml":             strings.Replace(strings.Replace(deployment, "apps/v1\nkind: Deployment", "batch/v1\nkind: Job", 1), "{name: d}", "{name: d, annotations: {argocd.argoproj.io/hook: PreSync}}", 1),
			"kustomization.yaml": replace("stringData.password", "{select: {kind: Job}, fieldPaths: [spec.template.spec.containers.0.env.0.value]}", "")}},
		"a part of a value": {at: "takes a part of a value", files: map[string]string{"db.yaml": secret, "c.yaml": configMap,
			"kustomization.yaml": replace("stringData.password, options: {delimiter: '-', index: 0}", "{select: {kind: ConfigMap}, fieldPaths: [data.a]}", "")}},
		"a part of a value, by a file": {at: "r.yaml", files: map[string]string{"db.yaml": secret, "c.yaml": configMap,
			"kustomization.yaml": "resources: [db.yaml, c.yaml]\nreplacements: [{path: r.yaml}]\n",
			"r.yaml":             "- source: {name: db, fieldPath: stringData.password, options: {Delimiter: '-', index: 0}}\n  targets:\n  - {select: {kind: ConfigMap}, fieldPaths: [data.a]}\n"}},
		"a part of a value, by a transformer": {at: "t.yaml", files: map[string]string{"db.yaml": secret, "c.yaml": configMap,
			"kustomization.yaml": "resources: [db.yaml, c.yaml]\ntransformers: [t.yaml]\n",
			"t.yaml":             "apiVersion: builtin\nkind: ReplacementTransformer\nmetadata: {name: t}\nreplacements:\n- source: {kind: Secret, fieldPath: stringData.password, options: {delimiter: '-', index: 0}}\n  targets:\n  - {select: {kind: ConfigMap}, fieldPaths: [data.a]}\n"}},
		"a part of a copy that is gone": {at: "data.a", files: map[string]string{"db.yaml": secret, "c.yaml": configMap + "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: e}\ndata: {a: b}\n",
			"kustomization.yaml": replace("stringData.password", "{select: {name: e}, fieldPaths: [data.a]}",
				"\n- source: {kind: ConfigMap, name: e, fieldPath: data.a, options: {delimiter: '-', index: 1}}\n  targets:\n  - {select: {kind: ConfigMap, name: c}, fieldPaths: [data.a]}\n"+
					"- source: {kind: ConfigMap, name: c, fieldPath: metadata.name}\n  targets:\n  - {select: {kind: ConfigMap, name: e}, fieldPaths: [data.a]}")}},
		"a copy within the Secret": {at: "metadata.annotations.a", files: map[string]string{"db.yaml": secret,
			"kustomization.yaml": "resources: [db.yaml]\npatches:\n- target: {kind: Secret}\n  patch: '[{\"op\": \"add\", \"path\": \"/metadata/annotations\", \"value\": {}}, {\"op\": \"copy\", \"from\": \"/stringData/password\", \"path\": \"/metadata/annotations/a\"}]'\n"}},
		"a ConfigMap of a generator of its own": {at: "db.yaml", files: map[string]string{"db.yaml": secret,
			"kustomization.yaml": "resources: [db.yaml]\ngenerators: [g.yaml]\n",
			"g.yaml":             "apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: g}\nfiles: [db.yaml]\n"}},
		"a ConfigMap that Helm made": {at: "data.a", files: map[string]string{"db.yaml": secret,
			"kustomization.yaml":        "resources: [db.yaml]\nhelmCharts: [{name: c, releaseName: r}]\nreplacements:\n- source: {kind: Secret, name: db, fieldPath: stringData.password}\n  targets:\n  - {select: {kind: ConfigMap}, fieldPaths: [data.a]}\n",
			"charts/c/Chart.yaml":       "apiVersion: v2\nname: c\nversion: 1.0.0\n",
			"charts/c/templates/c.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: b}\n"}},
		"a kind that is patched": {at: "ConfigMap", files: map[string]string{"db.yaml": secret,
			"kustomization.yaml": "resources: [db.yaml]\npatches:\n- target: {kind: Secret}\n  options: {allowKindChange: true}\n  patch: '[{\"op\": \"replace\", \"path\": \"/kind\", \"value\": \"ConfigMap\"}]'\n"}},
		"an encrypted Secret as a patch of a ConfigMap": {at: "ConfigMap", files: map[string]string{"db.yaml": secret, "c.yaml": configMap,
			"kustomization.yaml": "resources: [db.yaml, c.yaml]\npatches:\n- {path: db.yaml, target: {kind: ConfigMap}}\n"}},
		"a ConfigMap generated from an encrypted file": {at: "db.yaml", files: map[string]string{"db.yaml": secret,
			"kustomization.yaml": "resources: [db.yaml]\nconfigMapGenerator: [{name: g, files: [db.yaml]}]\n"}},
		"a variable of Kustomize": {at: "args", files: map[string]string{"db.yaml": secret, "d.yaml": deployment,
			"kustomization.yaml": "resources: [db.yaml, d.yaml]\nvars: [{name: PW, objref: {apiVersion: v1, kind: Secret, name: db}, fieldref: {fieldpath: stringData.password}}]\n"}},
		"the name of a Secret": {vars: variables, at: "PW", files: map[string]string{
			"s.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: \"${PW}\"}\nstringData: {a: \"${PW}\"}\n"}},
		"a name of a Secret that is not valid": {vars: variables, at: "PW", files: map[string]string{
			"s.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: \"/${PW}/\"}\nstringData: {a: \"${PW}\"}\n"}},
		"a label of a Secret": {vars: variables, at: "PW", files: map[string]string{
			"s.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: s, labels: {a: \"${PW}\"}}\nstringData: {a: \"${PW}\"}\n"}},
		"an annotation of a Secret": {vars: variables, at: "PW", files: map[string]string{
			"s.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: s, annotations: {a: \"x ${PW}\"}}\nstringData: {a: \"${PW}\"}\n"}},
		"the type of a Secret": {vars: variables, at: "PW", files: map[string]string{
			"s.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ntype: \"${PW}\"\nstringData: {a: \"${PW}\"}\n"}},
		"the namespace of a Secret": {vars: variables, at: "PW", files: map[string]string{
			"s.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: \"${PW}\"}\nstringData: {a: \"${PW}\"}\n"}},
	}
	for name, test := range tests {
		t.Run("X8 "+name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range test.files {
				writeFile(t, dir, file, text)
			}
			objects, err := Dir(t.Context(), openRoot(t, dir), ".", Options{AgeKeys: sealedKey, Substitute: test.vars})
			if err == nil {
				text, _ := YAML(objects)
				t.Fatalf("it is rendered, and shown: %v\n%s", exposes(string(text)), text)
			}
			text := describe(t, err)
			if exposes(text) {
				t.Errorf("the error shows it: %s", text)
			}
			if !strings.Contains(text, test.at) || len(hint.Of(err)) == 0 {
				t.Errorf("the error does not help: %s", text)
			}
		})
	}
}

// What is no leak is rendered: values in their place, values that everybody can read in Git, and what the app says.
func TestSealedValuesInTheirPlace(t *testing.T) {
	const regex = "^(data|stringData)$"
	secret := sealYAML(t, "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n  password: "+sealedValue+
		"\n  port: \"5432\"\n  user: postgres\n  host: db.shop.svc\n  debug: \"true\"\n", regex)
	whole := sealYAML(t, "apiVersion: v1\nkind: Secret\nmetadata:\n  name: shop-credentials\n  labels: {app: shop-backend}\nstringData:\n  password: "+sealedValue+"\n", ".*")
	config := sealYAML(t, "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\ndata:\n  dsn: postgres://x:"+sealedValue+"@db\n", regex)
	deployment := "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: postgres}\nspec: {template: {spec: {containers: [{name: postgres, image: postgres, ports: [{containerPort: 5432}], env: [{name: HOST, value: db.shop.svc}, {name: DEBUG, value: \"true\"}]}]}}}\n"
	variables := &Substitute{Vars: map[string]any{"PW": sealedValue, "DOMAIN": "shop.example.com", "TLD": "example.com", "HOST": "www.shop.example.com"},
		Secret: map[string]string{"PW": "s", "DOMAIN": "s", "HOST": "s"}, Plain: []string{"DOMAIN"}}
	tests := map[string]struct {
		files map[string]string
		vars  *Substitute
		rules []ObjectRule
		shown string // what the output shows besides
	}{
		"an overlay": {shown: "prod-db", files: map[string]string{"base/db.yaml": secret, "base/d.yaml": deployment, "base/kustomization.yaml": "resources: [db.yaml, d.yaml]\n",
			"kustomization.yaml": "resources: [base]\nnamePrefix: prod-\n"}},
		"a file that shares lines with others": {shown: "log_level: verbose-output", files: map[string]string{
			"s.yaml": sealYAML(t, "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n  app.yaml: |\n    log_level: verbose-output\n    password: "+sealedValue+"\n", regex),
			"c.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  other.yaml: |\n    log_level: verbose-output\n    listen: all\n"}},
		"a manifest that is encrypted as a whole": {shown: "app: shop-backend", files: map[string]string{"s.yaml": whole}},
		"a replacement into another Secret": {files: map[string]string{"db.yaml": secret, "c.yaml": whole,
			"kustomization.yaml": "resources: [db.yaml, c.yaml]\nreplacements:\n- source: {kind: Secret, name: db, fieldPath: stringData.password}\n  targets:\n  - {select: {kind: Secret, name: shop-credentials}, fieldPaths: [stringData.password]}\n"}},
		"a ConfigMap that the app names": {rules: []ObjectRule{{Kind: "ConfigMap", Name: "c"}}, shown: "dsn:", files: map[string]string{"c.yaml": config}},
		"a copy in an object that the app names": {rules: []ObjectRule{{Group: "example.com", Kind: "Database", Name: "prod-*"}}, files: map[string]string{"db.yaml": secret,
			"c.yaml":             "apiVersion: example.com/v1\nkind: Database\nmetadata: {name: c}\nspec: {password: x}\n",
			"kustomization.yaml": "resources: [db.yaml, c.yaml]\nnamePrefix: prod-\nreplacements:\n- source: {kind: Secret, name: db, fieldPath: stringData.password}\n  targets:\n  - {select: {kind: Database}, fieldPaths: [spec.password]}\n"}},
		"variables of a Secret": {vars: variables, shown: "host: www.shop.example.com", files: map[string]string{
			"s.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: s, labels: {host: \"${DOMAIN}\"}}\nstringData: {a: \"${PW}\", b: \"${DOMAIN}\"}\n",
			"i.yaml": "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i}\nspec: {rules: [{host: \"www.${DOMAIN}\"}, {host: \"${TLD}\"}]}\n"}},
		"a variable in an object that the app names": {vars: variables, rules: []ObjectRule{{Kind: "Database"}}, files: map[string]string{
			"c.yaml": "apiVersion: example.com/v1\nkind: Database\nmetadata: {name: c}\nspec: {password: \"x ${PW}\"}\n"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range test.files {
				writeFile(t, dir, file, text)
			}
			objects, err := Dir(t.Context(), openRoot(t, dir), ".", Options{AgeKeys: sealedKey, Substitute: test.vars, MayHold: test.rules})
			if err != nil {
				t.Fatal(err)
			}
			text, err := YAML(objects)
			if err != nil {
				t.Fatal(err)
			}
			if exposes(string(text)) || !strings.Contains(string(text), test.shown) || !strings.Contains(string(text), "***") {
				t.Errorf("%s", text)
			}
			found := false
			for _, o := range objects {
				all, err := o.MarshalJSON()
				if err != nil {
					t.Fatal(err)
				}
				found = found || exposes(string(all))
				if masked, err := json.Marshal(Masked(o)); err != nil || exposes(string(masked)) {
					t.Errorf("%s, %v", masked, err)
				}
			}
			if !found {
				t.Error("what is applied lacks the value")
			}
		})
	}
}

// A renderer that crashes cannot mask what it says.
func TestAttackACrashShowsNoValue(t *testing.T) {
	root := openRoot(t, t.TempDir())
	for name, o := range map[string]Options{
		"a key":      {AgeKeys: sealedKey},
		"a variable": {Substitute: &Substitute{Vars: map[string]any{"PW": sealedValue}, Secret: map[string]string{"PW": "s"}}},
	} {
		if _, err := worker(t, "betray").Dir(t.Context(), root, ".", o); err == nil || exposes(err.Error()) || !strings.Contains(err.Error(), "the renderer crashed") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := worker(t, "betray").Dir(t.Context(), root, ".", Options{}); err == nil || !strings.Contains(err.Error(), "cannot use") {
		t.Errorf("without either: %v", err)
	}
}

// The parent of a renderer learns the values with the objects: it prints and stores what becomes of them.
func TestSealedValuesReachTheParent(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "s.yaml", sealYAML(t, "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n  password: "+sealedValue+"\n", "^stringData$"))
	objects, err := worker(t, "render").Dir(t.Context(), openRoot(t, dir), ".", Options{AgeKeys: sealedKey})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range spellings()[:2] {
		if got := objects[0].Hidden.Mask("x " + text + "!"); got != "x ***!" {
			t.Errorf("%q", got)
		}
	}
}
