package target

import (
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/apps/rendering"
)

// TestAttackKeysOfOthers: a confined app uses no key that gitops.yaml does not name.
func TestAttackKeysOfOthers(t *testing.T) {
	given := []ageKey{{"shop.agekey", "SHOP"}, {"tenant.agekey", "TENANT"}}
	space := app.Allow{Namespaces: []string{"tenant"}}
	for name, c := range map[string]struct {
		app  app.App
		want string // keys, in their order
		hint string // begins with
	}{
		"X16 confined to a namespace":        {app.App{Allow: space}, "", "the app is confined"},
		"X16 confined to kinds":              {app.App{Allow: app.Allow{Kinds: []string{"Secret"}}}, "", "the app is confined"},
		"X16 with an account":                {app.App{ServiceAccount: "tenant"}, "", "the app is confined"},
		"X16 confined, with its key":         {app.App{Allow: space, AgeKeys: []string{"tenant.agekey"}}, "TENANT", "gitops.yaml lets the app use tenant.agekey"},
		"X16 with a key that is not given":   {app.App{ServiceAccount: "tenant", AgeKeys: []string{"other.agekey"}}, "", "gitops.yaml lets the app use other.agekey"},
		"X16 in other letters":               {app.App{Allow: space, AgeKeys: []string{"SHOP.agekey"}}, "", "gitops.yaml lets the app use SHOP.agekey"},
		"X16 beside it: an app alone":        {app.App{}, "SHOP TENANT", ""},
		"X16 beside it: an app that chooses": {app.App{AgeKeys: []string{"shop.agekey"}}, "SHOP", "gitops.yaml lets the app use shop.agekey"},
		"X16 beside it: an app with both":    {app.App{Allow: space, AgeKeys: []string{"tenant.agekey", "shop.agekey"}}, "SHOP TENANT", "gitops.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			o := withKeys(rendering.Options(c.app), given)
			if got := strings.Join(strings.Fields(string(o.AgeKeys)), " "); got != c.want {
				t.Errorf("keys %q", got)
			}
			if !strings.HasPrefix(o.KeysHint, c.hint) || c.hint == "" && o.KeysHint != "" || strings.Contains(o.KeysHint, "SHOP\n") {
				t.Errorf("hint %q", o.KeysHint)
			}
		})
	}
}
