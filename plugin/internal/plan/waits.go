package plan

import (
	"cmp"
	"reflect"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
)

// Waits returns the objects whose health decides whether an app is done: those of own, which are the objects of the app, and
// those that are not among them. An object without group may be of any group if it is one of own. The objects elsewhere have a
// namespace, also where their kind turns out to have none.
func Waits(a app.App, own []object.Key) (keys []object.Key, elsewhere []app.WaitFor) {
	if a.Wait == nil {
		return own, nil
	}
	for _, w := range a.Wait.Objects {
		w.Namespace = cmp.Or(w.Namespace, a.Namespace, "default")
		i := slices.IndexFunc(own, func(k object.Key) bool {
			return (w.Group == "" || k.Group == w.Group) && k.Kind == w.Kind && k.Name == w.Name && (k.Namespace == w.Namespace || k.Namespace == "")
		})
		if i < 0 {
			elsewhere = append(elsewhere, w)
		} else if !slices.Contains(keys, own[i]) {
			keys = append(keys, own[i])
		}
	}
	return keys, elsewhere
}

// SameWaits reports whether two settings of an app wait for the same. If so, health that was recorded under one of them counts
// under the other.
func SameWaits(a, b app.App) bool { return reflect.DeepEqual(a.Wait, b.Wait) }
