package reconcile

import (
	"context"
	"maps"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/rbac"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
)

// Needs returns the rights that reconciling the rendered objects of an app takes. rendered of all apps of a repository
// tell kinds that one of them defines; kindOf is asked about the others.
func Needs(ctx context.Context, app App, rendered, all []render.Object,
	kindOf func(context.Context, schema.GroupVersionKind) (cluster.Kind, error)) ([]rbac.Grant, error) {
	local := definedKinds(all)
	maps.Copy(local, definedKinds(rendered))
	var objects []rbac.Object
	for _, ro := range rendered {
		kind, known := local[ro.GroupVersionKind()]
		if !known {
			var err error
			if kind, err = kindOf(ctx, ro.GroupVersionKind()); err != nil {
				return nil, err
			}
		}
		ref := cluster.Ref{Kind: kind, Name: ro.GetName()}
		if kind.Namespaced {
			ref.Namespace = firstOf(ro.GetNamespace(), app.Namespace, "default")
		}
		objects = append(objects, rbac.Object{Ref: ref, Manifest: ro.Unstructured})
	}
	grants := rbac.Needs(objects)
	if app.Namespace != "" {
		grants = append(grants, rbac.Grant{Resource: "namespaces", Verbs: []string{"create", "get"}})
	}
	return grants, nil
}

// NeedsOfRecord returns the rights to look at, keep and prune what a record names, and to run the hooks that it keeps: the
// app may have left the repository.
func NeedsOfRecord(rec *record.Record) []rbac.Grant {
	var grants []rbac.Grant
	for _, ref := range Recorded(rec) {
		grants = append(grants, rbac.Apply(ref.Group, ref.Resource, ref.Namespace))
	}
	hooks, _ := keptHooks(rec) // what cannot be read is not run
	var objects []rbac.Object
	for _, o := range hooks {
		objects = append(objects, rbac.Object{Ref: o.Ref, Manifest: o.manifest})
	}
	return append(grants, rbac.Needs(objects)...)
}
