package reconcile

import (
	"cmp"
	"context"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/apps/recorded"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/rbac"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// Kinds returns how the API server serves a kind, or would: defined are the kinds that CRDs of the repository define.
type Kinds func(ctx context.Context, gvk schema.GroupVersionKind, defined map[schema.GroupVersionKind]cluster.Kind) (cluster.Kind, error)

// RightsFor returns the rights that the instance needs to reconcile the rendered objects of an app. For an app with a service
// account, it is the one right to act as that account. Objects that a run would refuse need no right. instance is the namespace
// of the records, defined are the kinds that the repository defines. The error is that of kinds.
func RightsFor(ctx context.Context, app app.App, instance string, rendered []manifest.Object, defined map[schema.GroupVersionKind]cluster.Kind, kinds Kinds) ([]rbac.Grant, error) {
	if app.ServiceAccount != "" { // which has the rights, or not: that is what it is for
		return []rbac.Grant{rbac.Impersonate(instance, app.ServiceAccount)}, nil
	}
	var objects []rbac.Object
	var own []object.Key
	for _, ro := range rendered {
		kind, err := kinds(ctx, ro.GroupVersionKind(), defined)
		if err != nil {
			return nil, err
		}
		ref := cluster.Ref{Kind: kind, Name: ro.GetName()}
		if kind.Namespaced {
			ref.Namespace = cmp.Or(ro.GetNamespace(), app.Namespace, "default")
		}
		own = append(own, object.KeyOf(ref))
		if why, _ := app.Allow.Refuses(ref); why == "" {
			objects = append(objects, rbac.Object{Ref: ref, Manifest: ro.Unstructured})
		}
	}
	grants := rbac.RightsFor(objects)
	_, elsewhere := plan.Waits(app, own)
	for _, w := range elsewhere { // a run reads them one by one
		k := object.Guess(schema.GroupVersionKind{Group: w.Group, Kind: w.Kind})
		g := rbac.Grant{Group: w.Group, Resource: k.Resource, Verbs: []string{"get"}, Names: []string{w.Name}}
		if k.Namespaced {
			g.Namespace = w.Namespace
		}
		grants = append(grants, g)
	}
	if app.Namespace != "" {
		grants = append(grants, rbac.Grant{Resource: "namespaces", Verbs: []string{"create", "get"}})
	}
	return grants, nil
}

// RightsForRecord returns the rights that the instance needs to read and prune the objects of a record, and to run the hooks that
// it keeps. It is for an app that may have left the repository. As in RightsFor, an app with a service account needs one right
// only. A record without an inventory needs none.
func RightsForRecord(rec *record.Record, instance string) []rbac.Grant {
	if rec == nil || rec.Inventory == nil {
		return nil
	}
	app := recorded.Settings(rec)
	if app.ServiceAccount != "" {
		return []rbac.Grant{rbac.Impersonate(instance, app.ServiceAccount)}
	}
	var grants []rbac.Grant
	for _, ref := range rec.Refs() {
		grants = append(grants, rbac.Apply(ref.Group, ref.Resource, ref.Namespace))
	}
	hooks, _ := plan.KeptHooks(rec) // what cannot be read is not run
	var objects []rbac.Object
	for _, o := range hooks {
		if why, _ := app.Allow.Refuses(o.Ref); why == "" {
			objects = append(objects, rbac.Object{Ref: o.Ref, Manifest: o.Manifest})
		}
	}
	return append(grants, rbac.RightsFor(objects)...)
}
