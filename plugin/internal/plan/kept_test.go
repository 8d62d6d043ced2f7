package plan

import (
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object/objecttest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

func TestWhatSettingsKeep(t *testing.T) {
	prune, removal := "it left Git, and gitops.yaml says prune: false", "its app left gitops.yaml, which said onRemoval: keep"
	for _, c := range []struct {
		name string
		app  app.App
		left bool
		why  string
	}{
		{"the default prunes", app.App{}, false, ""},
		{"the default removes", app.App{}, true, ""},
		{"prune: false keeps an object", app.App{KeepRemoved: true}, false, prune},
		{"prune: false keeps an app", app.App{KeepRemoved: true}, true, prune},
		{"onRemoval: keep prunes", app.App{Treatment: app.Treatment{KeepOnRemoval: true}}, false, ""},
		{"onRemoval: keep keeps an app", app.App{Treatment: app.Treatment{KeepOnRemoval: true}}, true, removal},
	} {
		if why := WhyKept(c.app, c.left); why != c.why {
			t.Errorf("%s: %q, want %q", c.name, why, c.why)
		}
	}
}

func TestWhatIsNotPruned(t *testing.T) {
	ignored, crd, web := objecttest.Ref("ConfigMap", "ignored"), objecttest.Ref("CustomResourceDefinition", "widgets.example.com"), objecttest.Ref("ConfigMap", "web")
	for _, c := range []struct {
		name string
		app  app.App
		left bool
		want string
	}{
		{"the default", app.App{}, false, "its annotation asks to leave it alone||"},
		{"crds", app.App{Helm: app.Helm{CRDs: "create"}}, false, "its annotation asks to leave it alone|it left the chart, and gitops.yaml says crds: create|"},
		{"onRemoval", app.App{Treatment: app.Treatment{KeepOnRemoval: true}}, true,
			"its annotation asks to leave it alone|its app left gitops.yaml, which said onRemoval: keep|its app left gitops.yaml, which said onRemoval: keep"},
	} {
		p := &Plan{}
		for _, ref := range []object.Ref{ignored, crd, web} {
			p.Prunes = append(p.Prunes, Prune{Row: record.Row{Ref: ref}})
		}
		p.MarkKept(c.app, c.left, map[object.Key]bool{object.KeyOf(ignored): true})
		var got []string
		for _, r := range p.Prunes {
			got = append(got, r.NotPruned)
		}
		if text := strings.Join(got, "|"); text != c.want {
			t.Errorf("%s: %s", c.name, text)
		}
	}
}

func TestWhatBecomesOfAnAppThatLeft(t *testing.T) {
	for _, c := range []struct {
		app  app.App
		done bool
		want string
	}{
		{app.App{}, true, "left gitops.yaml: its record is deleted"},
		{app.App{}, false, "left gitops.yaml: its record would be deleted"},
		{app.App{KeepRemoved: true}, true, "left gitops.yaml: its record is deleted, and its objects stay (prune: false)"},
		{app.App{Treatment: app.Treatment{KeepOnRemoval: true}}, false, "left gitops.yaml: its record would be deleted, and its objects stay (onRemoval: keep)"},
	} {
		if got := Left(c.app, c.done); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
