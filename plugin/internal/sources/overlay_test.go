package sources

import (
	"fmt"
	"os"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
)

// The overlay of an app is of the checkout, and changes what lies elsewhere.
func TestOverlayOverASource(t *testing.T) {
	origins := map[string]manifest.Origin{"": {File: "gitops.yaml", Line: 9}, "patches[0]": {File: "gitops.yaml", Line: 11}}
	for name, test := range map[string]struct {
		overlay render.Overlay
		want    string
	}{
		"a patch file": {render.Overlay{Patches: []render.OverlayPatch{{Path: "patch.yaml"}}}, "pre-x git.example/base@v1:deploy/x.yaml:1 7 [patch.yaml]"},
		"no such file": {render.Overlay{Patches: []render.OverlayPatch{{Path: "other.yaml"}}}, "gitops.yaml:11: patch other.yaml does not exist"},
		"a component":  {render.Overlay{Components: []string{"c"}}, "gitops.yaml:9: components of this repository cannot change objects of a source"},
	} {
		t.Run(name, func(t *testing.T) {
			r, _, _ := fixture(t)
			root, err := os.OpenRoot(write(t, map[string]string{"patch.yaml": configMap("x") + "data: {size: \"7\"}\n"}))
			if err != nil {
				t.Fatal(err)
			}
			defer root.Close()
			test.overlay.NamePrefix, test.overlay.Origins = "pre-", origins
			var inputs []string
			o := render.Options{Overlay: &test.overlay, Trees: render.Trees{Source: base("v1")}}
			o.Inputs = func(paths []string) { inputs = paths }
			objects, err := r.Dir(t.Context(), root, "deploy", o)
			got := fmt.Sprint(shown(objects), " ", inputs)
			if err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}
