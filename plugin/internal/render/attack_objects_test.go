package render

import (
	"cmp"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// TestAttackObjects: what an object is, is decided by its group and kind, however they are written. The table is that of the
// push half.
func TestAttackObjects(t *testing.T) {
	data, err := os.ReadFile("../../../bumper/testdata/objects.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var list []struct {
		Name, File, As            string
		Base64, Secret, Malformed bool
	}
	if err := yaml.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	otherwise := map[string]bool{ // refused for a reason that is no matter of this table
		"beside it: a Secret of SOPS": true, "beside it: a name that is filled in later": true, "beside it: values with a kind": true,
		"beside it: an object of Helm and of Kustomize": true,
	}
	for _, c := range list {
		t.Run("X7 "+c.Name, func(t *testing.T) {
			if c.Base64 {
				raw, err := base64.StdEncoding.DecodeString(c.File)
				if err != nil {
					t.Fatal(err)
				}
				c.File = string(raw)
			}
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "x."+cmp.Or(c.As, "yaml")), []byte(c.File), 0o600); err != nil {
				t.Fatal(err)
			}
			root, err := os.OpenRoot(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer root.Close()
			_, err = Dir(t.Context(), root, ".", Options{})
			wanted := c.Secret || c.Malformed || otherwise[c.Name]
			if (err != nil) != wanted {
				t.Fatalf("refused: %v", err)
			}
			if err != nil && (strings.Contains(err.Error(), "hunter2") || strings.ContainsAny(err.Error(), "\x1b\u200b") || !strings.Contains(err.Error(), "x."+cmp.Or(c.As, "yaml"))) {
				t.Errorf("it says %q", err)
			}
		})
	}
}

func TestAttackTextThatTurns(t *testing.T) {
	objects, problems := decodeFile("x.yaml", []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {a: \"b\u202ec\u2066d\"}\n"), limitsOf(Limits{}))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	text, err := YAML(objects)
	if err != nil || strings.ContainsAny(string(text), "\u202e\u2066") {
		t.Fatalf("X16 %q, %v", text, err)
	}
	again, problems := decodeFile("x.yaml", text, limitsOf(Limits{}))
	if len(problems) > 0 || again[0].Object["data"].(map[string]any)["a"] != "b\u202ec\u2066d" {
		t.Errorf("X16 beside it: the value is another one: %v, %v", again, problems)
	}
}
