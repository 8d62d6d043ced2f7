package diff_test

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/diff"
)

var update = flag.Bool("update", false, "write the golden files")

// object parses YAML; "" is absent.
func object(t testing.TB, text string) *unstructured.Unstructured {
	t.Helper()
	if strings.TrimSpace(text) == "" {
		return nil
	}
	u := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &u.Object); err != nil {
		t.Fatal(err)
	}
	return u
}

const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
  namespace: payments
  uid: 1f0e
  resourceVersion: "42"
  generation: 3
  creationTimestamp: "2026-01-01T00:00:00Z"
  managedFields: [{manager: x}]
  labels: {applyset.kubernetes.io/part-of: applyset-x}
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: "{}"
spec:
  replicas: 3
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      containers:
      - name: log
        image: ghcr.io/acme/log:1.0.0
      - name: api
        image: ghcr.io/acme/api:1.8.1
        args: [--verbose, --port=80]
        ports:
        - containerPort: 80
        env:
        - {name: LEVEL, value: info}
        - {name: LONG, value: "one two three four five six seven eight nine ten eleven twelve thirteen fourteen"}
status: {replicas: 3}
`

const config = `
apiVersion: v1
kind: ConfigMap
metadata: {name: env, namespace: payments}
data:
  app.properties: |
    first=1
    second=2
    third=3
    fourth=4
  plain: x
`

const secret = `
apiVersion: v1
kind: Secret
metadata: {name: api-token, namespace: payments}
type: Opaque
data: {token: Y2FuYXJ5LW9uZQ==, same: c2FtZQ==, gone: Y2FuYXJ5LWdvbmU=}
`

func changes() map[string][2]string {
	replace := func(text string, pairs ...string) string { return strings.NewReplacer(pairs...).Replace(text) }
	return map[string][2]string{
		"image": {deployment, replace(deployment, "1.8.1", "1.8.2")},
		"two-hunks": {deployment, replace(deployment, "1.0.0", "1.0.1", "replicas: 3\n  sel", "replicas: 5\n  sel",
			"value: info", "value: debug")},
		"port-of-a-list-without-names": {deployment, replace(deployment, "containerPort: 80", "containerPort: 8080")},
		"argument":                     {deployment, replace(deployment, "--port=80", "--port=8080")},
		"container-removed": {deployment, replace(deployment, `      - name: log
        image: ghcr.io/acme/log:1.0.0
`, "")},
		"long-line":       {deployment, replace(deployment, "three", "THREE")},
		"block-text":      {config, replace(config, "third=3", "third=4")},
		"created":         {"", config},
		"deleted":         {config, ""},
		"secret":          {secret, replace(secret, "Y2FuYXJ5LW9uZQ==", "Y2FuYXJ5LXR3bw==", "gone", "new")},
		"secret-created":  {"", secret},
		"secret-deleted":  {secret, ""},
		"escapes":         {config, replace(config, "plain: x", `plain: "\e[2J\x9b\u202e\u2028\x7f\0"`)},
		"escapes-in-text": {config, replace(config, "  plain: x", "  plain: |\n    a\u202eb\n    c")},
	}
}

func TestGolden(t *testing.T) {
	for name, states := range changes() {
		t.Run(name, func(t *testing.T) {
			before, after := object(t, states[0]), object(t, states[1])
			from, to := "live/payments/"+name, "git/"+name+".yaml@9c41d7e"
			got := diff.Text(before, after, diff.Options{FromName: from, ToName: to, Context: 1})
			golden := filepath.Join("testdata", name+".diff")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			if strings.Contains(got, "canary") || strings.Contains(got, "Y2FuYXJ5") {
				t.Error("a secret is shown")
			}
		})
	}
}

func TestPatchAcceptsTheText(t *testing.T) {
	patch, err := exec.LookPath("patch")
	if err != nil {
		t.Skip("patch is not installed")
	}
	for name, states := range changes() {
		for _, context := range []int{0, 1, 3, 100} {
			before, after := diff.MaskPair(diff.Normalize(object(t, states[0])), diff.Normalize(object(t, states[1])), nil)
			text := diff.Text(before, after, diff.Options{Context: context})
			file := filepath.Join(t.TempDir(), "state")
			if err := os.WriteFile(file, []byte(diff.YAML(before)), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(patch, "-u", "--fuzz=0", "-o", file+".patched", file)
			cmd.Stdin = strings.NewReader(text)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s, context %d: %v\n%s\n%s", name, context, err, out, text)
				continue
			}
			got, err := os.ReadFile(file + ".patched")
			if want := diff.YAML(after); err != nil || string(got) != want {
				t.Errorf("%s, context %d: patched to\n%s\nwant\n%s", name, context, got, want)
			}
		}
	}
}

func TestNothingToShow(t *testing.T) {
	live := object(t, deployment)
	manifest := object(t, deployment)
	unstructured.RemoveNestedField(manifest.Object, "status")
	manifest.SetUID("")
	manifest.SetResourceVersion("7")
	manifest.SetManagedFields(nil)
	manifest.SetAnnotations(nil)
	manifest.SetLabels(nil)
	if text := diff.Text(live, manifest, diff.Options{Context: 3}); text != "" {
		t.Error(text)
	}
	if text := diff.Text(nil, nil, diff.Options{}); text != "" {
		t.Error(text)
	}
	if live.GetUID() == "" || live.Object["status"] == nil {
		t.Error("the argument was changed")
	}
}

func TestHeadersNameWhatIsAbsent(t *testing.T) {
	u := object(t, config)
	for want, text := range map[string]string{
		"--- /dev/null\n+++ ConfigMap/env\n@@ -0,0 +1,": diff.Text(nil, u, diff.Options{}),
		"--- ConfigMap/env\n+++ /dev/null\n@@ -1,":      diff.Text(u, nil, diff.Options{}),
		"--- a\\nb^[\n+++ c\n":                          diff.Text(u, nil, diff.Options{FromName: "a\nb\x1b", ToName: "c"}),
	} {
		if !strings.HasPrefix(text, want) {
			t.Errorf("%q, want prefix %q", text, want)
		}
	}
}

func TestNoCharacterSteersTheTerminal(t *testing.T) {
	hostile := "\x1b]0;x\x07\u009b31m\u202e\u2066\u200b\ufeff\u2028\x7f\r\x00\xff\u0085"
	for _, value := range []string{hostile, "line\n" + hostile + "\nline\n", "  " + hostile + " "} {
		u := object(t, config)
		u.Object["data"] = map[string]any{"k": value, hostile: "v"}
		u.Object["list"] = []any{map[string]any{"name": hostile, "x": int64(1)}, map[string]any{"name": "other"}}
		changed := u.DeepCopy()
		changed.Object["list"].([]any)[0].(map[string]any)["x"] = int64(2)
		for _, text := range []string{diff.Text(nil, u, diff.Options{}), diff.Text(u, changed, diff.Options{Context: 1})} {
			if text == "" {
				t.Fatal("nothing shown")
			}
			for _, r := range text {
				if r != '\n' && (r < ' ' || r == 0x7f || strings.ContainsRune("\u009b\u202e\u2066\u200b\ufeff\u2028\u0085\ufffd", r)) {
					t.Errorf("%q in %q", r, text)
				}
			}
		}
	}
}

func TestColor(t *testing.T) {
	in := "--- a\n+++ b\n@@ -1,3 +1,2 @@ data\n same\n--- removed\n-x\n+++ added\n--- c\n+++ d\n@@ -0,0 +1 @@\n+y\n"
	want := "\x1b[1m--- a\x1b[0m\n\x1b[1m+++ b\x1b[0m\n\x1b[36m@@ -1,3 +1,2 @@ data\x1b[0m\n same\n\x1b[31m--- removed\x1b[0m\n" +
		"\x1b[31m-x\x1b[0m\n\x1b[32m+++ added\x1b[0m\n\x1b[1m--- c\x1b[0m\n\x1b[1m+++ d\x1b[0m\n\x1b[36m@@ -0,0 +1 @@\x1b[0m\n\x1b[32m+y\x1b[0m\n"
	if got := diff.Color(in); got != want {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}

func BenchmarkText(b *testing.B) {
	before, after := object(b, deployment), object(b, strings.ReplaceAll(deployment, "1.8.1", "1.8.2"))
	for b.Loop() {
		diff.Text(before, after, diff.Options{Context: 3})
	}
}

func BenchmarkTextOfALargeConfigMap(b *testing.B) {
	lines := strings.Repeat("key=value of some length\n", 20_000)
	before, after := object(b, config), object(b, config)
	_ = unstructured.SetNestedField(before.Object, lines, "data", "x")
	_ = unstructured.SetNestedField(after.Object, strings.ReplaceAll(lines, "key", "KEY"), "data", "x")
	for b.Loop() {
		diff.Text(before, after, diff.Options{Context: 3})
	}
}
