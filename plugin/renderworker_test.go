package plugin

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/target"
)

// TestMain lets this test binary stand for the real program when it is started to render.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == target.RenderCommand {
		os.Exit(Main(context.Background(), os.Args[1:], genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}))
	}
	os.Exit(m.Run())
}

func TestTheProgramRendersWhenItIsItsOwnChild(t *testing.T) {
	dir := t.TempDir()
	manifest := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n"
	if err := os.WriteFile(filepath.Join(dir, "settings.yaml"), []byte(manifest), 0o600); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	objects, err := render.Isolated{Command: []string{self, target.RenderCommand}}.Dir(t.Context(), root, ".", render.Options{})
	if err != nil || len(objects) != 1 || objects[0].ID() != "v1/ConfigMap/settings" || objects[0].Origin.String() != "settings.yaml:1" {
		t.Errorf("%v %v", objects, err)
	}
}

func TestPeopleWhoCallTheRendererSeeWhy(t *testing.T) {
	var out, errOut bytes.Buffer
	streams := genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &errOut}
	for _, args := range [][]string{{target.RenderCommand}, {target.RenderCommand, "x", "1"}, {target.RenderCommand, "1", "0"}} {
		errOut.Reset()
		if code := Main(t.Context(), args, streams); code != exitError || errOut.Len() == 0 || out.Len() > 0 {
			t.Errorf("%q: %d, %q, %q", args, code, out.String(), errOut.String())
		}
	}
	if Main(t.Context(), []string{"--help"}, streams); strings.Contains(out.String(), target.RenderCommand) {
		t.Error("the help shows what is not for people")
	}
}
