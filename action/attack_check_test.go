package action

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/githubtest"
)

type objectCase struct {
	Name, File, As    string
	Base64            bool
	Secret, Malformed bool
}

func objectCases(t *testing.T) []objectCase {
	t.Helper()
	data, err := os.ReadFile("../bumper/testdata/objects.yaml")
	var list []objectCase
	if err == nil {
		err = yaml.Unmarshal(data, &list)
	}
	for i, c := range list {
		if raw, decodeErr := base64.StdEncoding.DecodeString(c.File); c.Base64 && decodeErr == nil {
			list[i].File = string(raw)
		}
	}
	if err != nil || len(list) == 0 {
		t.Fatal(err)
	}
	return list
}

// TestAttackCheck: check finds plain Secrets and malformed objects, however they are written.
func TestAttackCheck(t *testing.T) {
	t.Setenv("PATH", "")
	type file struct{ name, kustomization string }
	for _, c := range objectCases(t) {
		for _, f := range []file{{"apps/x." + cmp.Or(c.As, "yaml"), ""}, {"apps/x.txt", "resources: [x.txt]\n"}} {
			row := "X7 "
			if c.As == "json" || strings.Contains(c.Name, "ist") {
				row = "X16 "
			}
			t.Run(row+c.Name+" in "+f.name, func(t *testing.T) {
				files := map[string]string{f.name: c.File}
				if f.kustomization != "" {
					files["apps/kustomization.yaml"] = f.kustomization
				}
				_, out, errs := command(t, "check", "--dir", checkoutOf(t, files), "-o", "json")
				var got struct{ Findings []Finding }
				if err := json.Unmarshal([]byte(out), &got); err != nil {
					t.Fatalf("%v\n%s%s", err, out, errs)
				}
				list := rules(got.Findings)
				if strings.Contains(list, "secret\n") != c.Secret || strings.Contains(list, "malformed\n") != c.Malformed {
					t.Errorf("findings:\n%s", list)
				}
				if strings.Contains(out, "hunter2") {
					t.Error("the value is in the output")
				}
			})
		}
	}
}

// TestAttackCommitOfASecret: a bump does not commit a file that holds one, however it is written.
func TestAttackCommitOfASecret(t *testing.T) {
	for _, c := range objectCases(t) {
		if c.As != "" || c.Base64 || strings.Contains(c.Name, "does not parse") {
			continue // nothing that a bump edits
		}
		t.Run("X7 "+c.Name, func(t *testing.T) {
			hub := githubtest.New(t)
			hub.AddRepo("acme/config", map[string]string{"x.yaml": "image: ghcr.io/acme/api:1.8.1\n---\n" + c.File}, githubtest.RepoOptions{})
			got := runStep(t, hub, bump("1.9.0"))
			if refused := got.code != ExitOK; refused != c.Secret || refused != (len(hub.Writes()) == 0) {
				t.Errorf("exit %d, writes %v\n%s", got.code, hub.Writes(), got.stderr)
			}
		})
	}
}
