package rbac

import (
	"maps"
	"slices"
	"strings"
)

// Grant is a right: verbs on a resource, or on a path of the API server.
type Grant struct {
	Group, Resource, Namespace string   // an empty Namespace is the whole cluster
	Verbs                      []string // such as get and list
	Names                      []string // only objects of these names; empty is every object
	URL                        string   // a path instead of a resource: Group, Resource and Namespace are empty then
}

// verbs that a reconciler needs on what it applies and prunes.
var applyVerbs = []string{"create", "delete", "get", "list", "patch", "watch"}

// Apply returns the right to apply, prune and watch a resource. An empty namespace is the whole cluster.
func Apply(group, resource, namespace string) Grant {
	return Grant{Group: group, Resource: resource, Namespace: namespace, Verbs: applyVerbs}
}

// Own returns the rights that each instance needs in its own namespace: it writes records and Events, and reads its CronJob
// for status.
func Own(namespace string) []Grant {
	return []Grant{
		{Resource: "configmaps", Namespace: namespace, Verbs: []string{"create", "delete", "get", "list", "patch", "update"}},
		{Resource: "secrets", Namespace: namespace, Verbs: []string{"create", "delete", "get", "list", "patch", "update"}},
		{Resource: "events", Namespace: namespace, Verbs: []string{"create", "get", "patch"}},
		{Group: "batch", Resource: "cronjobs", Namespace: namespace, Verbs: []string{"get", "list"}},
	}
}

// Impersonate returns the right to act as a service account of a namespace.
func Impersonate(namespace, serviceAccount string) Grant {
	return Grant{Resource: "serviceaccounts", Namespace: namespace, Verbs: []string{"impersonate"}, Names: []string{serviceAccount}}
}

// Rules returns grants as the rules of a Role, in a fixed order. All grants must be of one namespace, or of the whole cluster.
// Grants that differ only in their verbs become one resource with all these verbs. Resources of one group with equal verbs and
// names share a rule.
func Rules(grants []Grant) []any {
	verbs := map[string][]string{} // by the rest of the grant
	first := map[string]Grant{}
	for _, g := range grants {
		slices.Sort(g.Names)
		key := strings.Join([]string{g.Group, g.Resource, g.URL, strings.Join(g.Names, ",")}, "\x00")
		verbs[key] = append(verbs[key], g.Verbs...)
		first[key] = g
	}
	rules := map[string]map[string]any{} // by all but the resource
	for _, key := range slices.Sorted(maps.Keys(verbs)) {
		g, v := first[key], verbs[key]
		slices.Sort(v)
		v = slices.Compact(v)
		what, list := "resources", g.Resource
		if g.URL != "" {
			what, list = "nonResourceURLs", g.URL
		}
		merged := strings.Join([]string{g.Group, what, strings.Join(g.Names, ","), strings.Join(v, ",")}, "\x00")
		rule := rules[merged]
		if rule == nil {
			rule = map[string]any{"verbs": anyOf(v), what: []any{}}
			if g.URL == "" {
				rule["apiGroups"] = []any{g.Group}
			}
			if len(g.Names) > 0 {
				rule["resourceNames"] = anyOf(g.Names)
			}
			rules[merged] = rule
		}
		rule[what] = append(rule[what].([]any), list)
	}
	var out []any
	for _, key := range slices.Sorted(maps.Keys(rules)) {
		out = append(out, rules[key])
	}
	return out
}

func anyOf(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}
