package install

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
)

// Mode says which rights the ServiceAccount of an instance gets.
type Mode string

// The modes. Generated rights are those that the rendered repository needs.
const (
	ClusterAdmin Mode = "cluster-admin"
	Generated    Mode = "generated"
)

// Grant is a right: verbs on a resource, in one namespace or, when that is empty, in the whole cluster. Names narrow it
// to objects of these names.
type Grant struct {
	Group, Resource, Namespace string
	Verbs                      []string
	Names                      []string
}

// verbs that a reconciler needs on what it applies and prunes.
var applyVerbs = []string{"create", "delete", "get", "list", "patch", "watch"}

// Apply is the right to apply, prune and watch a resource.
func Apply(group, resource, namespace string) Grant {
	return Grant{Group: group, Resource: resource, Namespace: namespace, Verbs: applyVerbs}
}

// Own returns what every instance needs in its own namespace: the records, events about them, and a look at its
// CronJob for status.
func Own(namespace string) []Grant {
	return []Grant{
		{Resource: "configmaps", Namespace: namespace, Verbs: []string{"create", "delete", "get", "list", "patch", "update"}},
		{Resource: "secrets", Namespace: namespace, Verbs: []string{"create", "delete", "get", "list", "patch", "update"}},
		{Resource: "events", Namespace: namespace, Verbs: []string{"create", "patch"}},
		{Group: "batch", Resource: "cronjobs", Namespace: namespace, Verbs: []string{"get", "list"}},
	}
}

func (o Options) rbac() []Object {
	if o.RBAC == ClusterAdmin {
		return []Object{o.binding(ClusterRoleBindings, "", clusterName(o.Namespace)+":cluster-admin", ClusterRoles.Kind, "cluster-admin")}
	}
	return o.roles(append(Own(o.Namespace), o.Rights...))
}

// Rights returns the Roles and ClusterRoles, and their bindings, that give grants to the ServiceAccount of the instance
// in namespace, beside what every instance needs.
func Rights(namespace string, grants []Grant) []Object {
	return Options{Namespace: namespace, RBAC: Generated, Rights: grants}.rbac()
}

// roles makes one Role per namespace and one ClusterRole for what is cluster-wide.
func (o Options) roles(grants []Grant) []Object {
	byNamespace := map[string][]Grant{}
	for _, g := range grants {
		byNamespace[g.Namespace] = append(byNamespace[g.Namespace], g)
	}
	var objects []Object
	for _, ns := range slices.Sorted(maps.Keys(byNamespace)) {
		name, role, bind := o.roleName(ns), Roles, RoleBindings
		if ns == "" {
			name, role, bind = clusterName(o.Namespace), ClusterRoles, ClusterRoleBindings
		}
		objects = append(objects, o.object(role, ns, name, fields{"rules": rules(byNamespace[ns])}),
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

// rules merges grants: the same resource twice becomes one, and resources of one group with the same verbs one rule.
func rules(grants []Grant) []any {
	type resource struct{ group, resource, names string }
	verbs := map[resource][]string{}
	names := map[string][]string{}
	for _, g := range grants {
		sorted := slices.Sorted(slices.Values(g.Names))
		key := resource{g.Group, g.Resource, join(sorted)}
		names[key.names] = sorted
		verbs[key] = append(verbs[key], g.Verbs...)
	}
	type rule struct{ group, names, verbs string }
	resources := map[rule][]string{}
	lists := map[string][]string{}
	for r, v := range verbs {
		slices.Sort(v)
		v = slices.Compact(v)
		lists[join(v)] = v
		key := rule{r.group, r.names, join(v)}
		resources[key] = append(resources[key], r.resource)
	}
	var out []any
	for _, r := range slices.SortedFunc(maps.Keys(resources), func(a, b rule) int {
		return cmp.Or(cmp.Compare(a.group, b.group), cmp.Compare(a.names, b.names), cmp.Compare(a.verbs, b.verbs))
	}) {
		slices.Sort(resources[r])
		rule := fields{"apiGroups": anyOf([]string{r.group}), "resources": anyOf(resources[r]), "verbs": anyOf(lists[r.verbs])}
		if r.names != "" {
			rule["resourceNames"] = anyOf(names[r.names])
		}
		out = append(out, rule)
	}
	return out
}

func join(list []string) string { return strings.Join(list, ",") }

func anyOf(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

func (o Options) binding(k cluster.Kind, namespace, name, roleKind, role string) Object {
	return o.object(k, namespace, name, fields{
		"roleRef":  fields{"apiGroup": groupRBAC, "kind": roleKind, "name": role},
		"subjects": []any{fields{"kind": "ServiceAccount", "name": Name, "namespace": o.Namespace}},
	})
}
