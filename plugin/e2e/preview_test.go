package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// BenchmarkPreview measures a preview of a repository with 200 apps, Kustomize and plain YAML in turn, of which every
// tenth gets another image: the process as a user starts it.
func BenchmarkPreview(b *testing.B) {
	base, head := b.TempDir(), b.TempDir()
	for i := range 200 {
		previewApp(b, base, i, "1.0")
		tag := "1.0"
		if i%10 == 0 {
			tag = "1.1"
		}
		previewApp(b, head, i, tag)
	}
	for _, dir := range []string{base, head} {
		writeFile(b, filepath.Join(dir, "gitops.yaml"), "apiVersion: kubectl-gitops.dev/v1alpha1\nkind: GitOps\napps:\n- {path: apps/*}\n")
	}
	for b.Loop() {
		cmd := exec.Command(filepath.Join(shared.bin, "kubectl-gitops"), "preview", "--base", base, "--head", head, "-o", "markdown")
		cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
	}
}

func previewApp(b *testing.B, dir string, i int, tag string) {
	b.Helper()
	app := filepath.Join(dir, "apps", fmt.Sprintf("app-%d", i))
	if err := os.MkdirAll(app, 0o700); err != nil {
		b.Fatal(err)
	}
	if i%2 == 0 {
		writeFile(b, filepath.Join(app, "kustomization.yaml"), "resources: [web.yaml]\nimages: [{name: web, newName: ghcr.io/acme/web, newTag: '"+tag+"'}]\n")
		tag = "0"
	}
	writeFile(b, filepath.Join(app, "web.yaml"), fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: app-%[1]d}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "web:%[2]s"}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: env, namespace: app-%[1]d}
data: {LEVEL: info}
`, i, tag))
}
