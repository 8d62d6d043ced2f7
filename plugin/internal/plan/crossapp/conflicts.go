package crossapp

import (
	"fmt"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
)

// Conflicts returns the objects that two apps define, as problems of both: neither is believed. The keys are names of apps. An object
// that both may share is no conflict.
func Conflicts(apps []App) map[string]manifest.Problems {
	type claim struct {
		app string
		*desired.Object
	}
	first := map[object.Key]claim{}
	wrong := map[string]manifest.Problems{}
	for _, a := range apps {
		for _, o := range a.Desired {
			c, twice := first[o.Key()]
			if !twice {
				first[o.Key()] = claim{a.Name, o}
				continue
			}
			if c.MayBeShared() && o.MayBeShared() {
				continue
			}
			for _, pair := range [][2]claim{{c, {a.Name, o}}, {{a.Name, o}, c}} {
				me, other := pair[0], pair[1]
				wrong[me.app] = append(wrong[me.app], manifest.Problem{Origin: me.Origin, Object: me.ID(),
					Message: fmt.Sprintf("is also in the app %s, at %s", other.app, other.Origin), Hint: "keep it in one of the two"})
			}
		}
	}
	return wrong
}
