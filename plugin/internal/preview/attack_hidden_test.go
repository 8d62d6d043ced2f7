package preview

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
)

// TestAttackPreviewHidesValues: a preview shows that a hidden value changes, and neither what it was nor what it becomes. A change that
// masking makes invisible is no change of images only.
func TestAttackPreviewHidesValues(t *testing.T) {
	const text = "apiVersion: example.com/v1\nkind: Database\nmetadata: {name: c}\nspec: {password: \"${PW}\", containers: [{name: c, image: \"IMAGE\"}]}\n"
	side := func(password, image string) Rendering {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "c.yaml"), []byte(strings.Replace(text, "IMAGE", image, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		root, err := os.OpenRoot(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		objects, err := render.Dir(t.Context(), root, ".", render.Options{MayHold: []manifest.ObjectRule{{Kind: "Database"}},
			Substitute: &render.Substitute{Vars: map[string]any{"PW": password}, Secret: map[string]string{"PW": "s"}}})
		if err != nil {
			t.Fatal(err)
		}
		return Rendering{Name: "app", Path: "app", Present: true, Objects: objects}
	}
	base, head := side("old-canary", "x:1"), side("new-canary", "x:2")
	for name, pair := range map[string][2]Rendering{"changed": {base, head}, "added": {{}, head}, "removed": {base, {}}} {
		app := CompareApp(pair[0], pair[1], nil)
		text, err := json.Marshal(app)
		if err != nil {
			t.Fatal(err)
		}
		var p Preview
		p.Sum([]App{app})
		if all := string(text) + Markdown(p, 0); strings.Contains(all, "canary") || !strings.Contains(all, "***") {
			t.Errorf("%s: %s", name, all)
		}
		if name == "changed" && (app.ImageOnly || !strings.Contains(app.Objects[0].Diff, "*** (after)")) {
			t.Errorf("the change is not shown: %s", text)
		}
	}
}
