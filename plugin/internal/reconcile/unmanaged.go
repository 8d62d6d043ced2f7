package reconcile

import (
	"maps"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
)

// UnmanagedError says that no app of the instance has an object. Hook is what its hook annotation says, "" when it has
// none: a hook that this tool did not run itself, such as one of Helm's tests, may still be in Git.
type UnmanagedError struct {
	Ref  cluster.Ref // the topmost owner that was found
	Hook string
	apps known
	error
}

// Unwrap gives the text and its hints.
func (e *UnmanagedError) Unwrap() error { return e.error }

// Apps are the apps whose Git may have the object, those with objects in its namespace first.
func (e *UnmanagedError) Apps() []Applied {
	names := slices.Sorted(maps.Keys(e.apps.parents))
	var near, far []Applied
	for _, name := range names {
		a, ok := e.apps.applied(name)
		switch {
		case !ok:
		case slices.Contains(e.apps.parents[name].Namespaces, e.Ref.Namespace):
			near = append(near, a)
		default:
			far = append(far, a)
		}
	}
	return append(near, far...)
}

// Adopt is the trace of an object that a is found to have in Git as a hook.
func (t *Traced) Adopt(e *UnmanagedError, a Applied) {
	t.App, t.Applied, t.Source, t.Hook = a.Name, a, a.Source, e.Hook
	t.Managed, t.Name, t.Revision = e.Ref, e.Ref.Name, e.apps.revision(a.Name)
	t.Commit, t.Unclear = e.apps.lastCommit(a.Name)
}
