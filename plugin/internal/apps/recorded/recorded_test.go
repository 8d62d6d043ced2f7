package recorded

import (
	"encoding/json"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// TestSettingsOfAnAppThatWaits: its row in the list of apps has them, whatever its record says.
func TestSettingsOfAnAppThatWaits(t *testing.T) {
	web := app.App{Name: "web", Path: "apps/web", Treatment: app.Treatment{Manual: true}}
	raw, err := json.Marshal(web)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name     string
		row      string
		settings []byte
		ok       bool
	}{
		{"an app that waits", "web", raw, true},
		{"an app that is behind for another reason", "web", nil, false},
		{"settings of another app", "shop", raw, false},
		{"no JSON", "web", []byte("{"), false},
	} {
		b := record.NewBehind(c.row, "", "waits", false)
		b.NoteWaiting(c.settings)
		got, ok := Waiting(b)
		if ok != c.ok || ok && (got.Path != web.Path || !got.Manual) {
			t.Errorf("%s: %+v, %t", c.name, got, ok)
		}
	}
}
