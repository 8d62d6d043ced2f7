package bumper

import (
	"cmp"
	"encoding/base64"
	"os"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// objectCase is one line of testdata/objects.yaml.
type objectCase struct {
	Name, File, As    string
	Base64            bool
	Secret, Malformed bool
}

func objectCases(t *testing.T) []objectCase {
	t.Helper()
	data, err := os.ReadFile("testdata/objects.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var list []objectCase
	if err := yaml.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	for i, c := range list {
		if c.Base64 {
			raw, err := base64.StdEncoding.DecodeString(c.File)
			if err != nil {
				t.Fatal(err)
			}
			list[i].File = string(raw)
		}
	}
	return list
}

// TestAttackIdentity: what an object is, is decided by its group and kind, however they are written.
func TestAttackIdentity(t *testing.T) {
	for _, c := range objectCases(t) {
		t.Run("X7 "+c.Name, func(t *testing.T) {
			file := File{Path: "x." + cmp.Or(c.As, "yaml"), Data: []byte(c.File)}
			found, malformed := PlainSecrets(file), Malformed(file)
			if (len(found) > 0) != c.Secret {
				t.Errorf("plain Secrets: %v", found)
			}
			if (len(malformed) > 0) != c.Malformed {
				t.Errorf("malformed: %v", malformed)
			}
			for _, r := range append(found, malformed...) {
				if strings.Contains(r.Error(), "hunter2") || strings.ContainsAny(r.Error(), "\x1b\u200b") {
					t.Errorf("it says %q", r.Error())
				}
			}
		})
	}
}
