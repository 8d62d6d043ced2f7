package install

import (
	"maps"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/rbac"
)

// Mode says which rights the ServiceAccount of an instance gets.
type Mode string

// The modes. Generated rights are those that the rendered repository needs.
const (
	ClusterAdmin Mode = "cluster-admin"
	Generated    Mode = "generated"
)

func (o Options) rbac() []Object {
	if o.RBAC == ClusterAdmin {
		return []Object{o.binding(ClusterRoleBindings, "", clusterName(o.Namespace)+":cluster-admin", ClusterRoles.Kind, "cluster-admin")}
	}
	return o.roles(append(rbac.Own(o.Namespace), o.Rights...))
}

// Rights returns the Roles and ClusterRoles, and their bindings, that give grants to the ServiceAccount of the instance
// in namespace, beside what every instance needs.
func Rights(namespace string, grants []rbac.Grant) []Object {
	return Options{Namespace: namespace, RBAC: Generated, Rights: grants}.rbac()
}

// roles makes one Role per namespace and one ClusterRole for what is cluster-wide.
func (o Options) roles(grants []rbac.Grant) []Object {
	byNamespace := map[string][]rbac.Grant{}
	for _, g := range grants {
		byNamespace[g.Namespace] = append(byNamespace[g.Namespace], g)
	}
	var objects []Object
	for _, ns := range slices.Sorted(maps.Keys(byNamespace)) {
		name, role, bind := o.roleName(ns), Roles, RoleBindings
		if ns == "" {
			name, role, bind = clusterName(o.Namespace), ClusterRoles, ClusterRoleBindings
		}
		objects = append(objects, o.object(role, ns, name, fields{"rules": rbac.Rules(byNamespace[ns])}),
			o.binding(bind, ns, name, role.Kind, name))
	}
	return objects
}

// roleName tells instances that work in one namespace apart.
func (o Options) roleName(namespace string) string {
	if namespace == o.Namespace {
		return Name
	}
	return clusterName(o.Namespace)
}

func (o Options) binding(k cluster.Kind, namespace, name, roleKind, role string) Object {
	return o.object(k, namespace, name, fields{
		"roleRef":  fields{"apiGroup": groupRBAC, "kind": roleKind, "name": role},
		"subjects": []any{fields{"kind": "ServiceAccount", "name": Name, "namespace": o.Namespace}},
	})
}

func anyOf(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}
