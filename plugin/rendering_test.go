package plugin

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/apps/gitopsyaml"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/apps/rendering"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
)

var fence = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$")

// docs/rendering.md shows files, commands and what they print: all of it holds.
func TestRenderingPage(t *testing.T) {
	page, err := os.ReadFile("../docs/rendering.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var commands [][2]string
	rendered := ""
	for _, m := range fence.FindAllStringSubmatch(string(page), -1) {
		head, body, _ := strings.Cut(m[2], "\n")
		switch {
		case m[1] == "console":
			commands = append(commands, [2]string{strings.TrimPrefix(head, "$ kubectl gitops "), body})
		case head == "# rendered":
			rendered = body
		default:
			file := filepath.Join(dir, strings.TrimPrefix(head, "# "))
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(body), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(commands) == 0 || rendered == "" {
		t.Fatal("the page shows nothing")
	}
	t.Chdir(dir)
	for _, c := range commands {
		var out, errors bytes.Buffer
		code := Main(t.Context(), strings.Fields(c[0]), genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &errors})
		// Without a repository, the directory itself is the root.
		got := strings.ReplaceAll(out.String(), "\n# templates/", "\n# shop/templates/")
		if diff := cmp.Diff(c[1], got); code != 0 || diff != "" {
			t.Errorf("%s: exit status %d, %s\n%s", c[0], code, errors.String(), diff)
		}
	}
	root, err := os.OpenRoot(".")
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	apps, _, err := gitopsyaml.Load(root, ".")
	if err != nil {
		t.Fatal(err)
	}
	objects, err := render.Dir(t.Context(), root, apps[0].Path, rendering.Options(apps[0]))
	if err != nil {
		t.Fatal(err)
	}
	text, err := render.YAML(objects)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(rendered, string(text)); diff != "" {
		t.Error(diff)
	}
}
