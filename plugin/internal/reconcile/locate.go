package reconcile

import (
	"cmp"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
)

// Locate finds the manifest of a live object among rendered objects. name is the name of the object in Git: for a hook with
// generateName, the beginning of its own name. target is the namespace of objects that name none, "" when the caller does not
// know it. The result is false when no object fits, or several.
func Locate(ref cluster.Ref, name, target string, objects []manifest.Object) (manifest.Object, bool) {
	var near []manifest.Object // the namespace is the only difference
	for _, o := range objects {
		gk := o.GroupVersionKind().GroupKind()
		if gk.Group != ref.Group || gk.Kind != ref.Kind.Kind || cmp.Or(o.GetName(), o.GetGenerateName()) != name {
			continue
		}
		if !ref.Namespaced || cmp.Or(o.GetNamespace(), target, "default") == ref.Namespace {
			return o, true
		}
		if o.GetNamespace() == "" {
			near = append(near, o)
		}
	}
	if len(near) == 1 { // the caller does not know the target namespace
		return near[0], true
	}
	return manifest.Object{}, false
}
