package plan

import (
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
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
