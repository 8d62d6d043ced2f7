package rbac

import (
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
)

const group = "rbac.authorization.k8s.io"

// Object is a manifest, and where it is applied.
type Object struct {
	object.Ref
	Manifest *unstructured.Unstructured
}

// RightsFor returns the rights that a run needs to reconcile objects. Kubernetes lets a user grant only rights that the user
// has, so the rights that Roles among the objects grant are included. For each binding among the objects, the right to bind
// its role is included as well: without it, the API server looks for the role, which may not exist yet.
func RightsFor(objects []Object) []Grant {
	var grants []Grant
	for _, o := range objects {
		grants = append(grants, Apply(o.Group, o.Resource, o.Namespace))
		switch {
		case o.Group == group && strings.HasSuffix(o.Kind.Kind, "Role"):
			grants = append(grants, given(o)...)
		case o.Group == group && strings.HasSuffix(o.Kind.Kind, "RoleBinding"):
			grants = append(grants, bound(o)...)
		case o.Group == "apps" || o.Group == "batch": // what keeps its pods from running is told
			grants = append(grants, Grant{Resource: "pods", Namespace: o.Namespace, Verbs: []string{"get", "list"}})
		}
	}
	return grants
}

// given are the rights that a Role or ClusterRole gives.
func given(o Object) []Grant {
	var grants []Grant
	rules, _, _ := unstructured.NestedSlice(o.Manifest.Object, "rules")
	for _, item := range rules {
		rule, _ := item.(map[string]any)
		list := func(key string) []string {
			values, _, _ := unstructured.NestedStringSlice(rule, key)
			return values
		}
		for _, url := range list("nonResourceURLs") {
			grants = append(grants, Grant{URL: url, Verbs: list("verbs")})
		}
		for _, g := range list("apiGroups") {
			for _, r := range list("resources") {
				grants = append(grants, Grant{Group: g, Resource: r, Namespace: o.Namespace, Verbs: list("verbs"), Names: list("resourceNames")})
			}
		}
	}
	return grants
}

// bound is the right to bind the role that a binding names: a ClusterRole, too, only where the binding lies.
func bound(o Object) []Grant {
	ref, _, _ := unstructured.NestedStringMap(o.Manifest.Object, "roleRef")
	resource := "clusterroles"
	if ref["kind"] == "Role" {
		resource = "roles"
	}
	if ref["name"] == "" {
		return nil
	}
	return []Grant{{Group: group, Resource: resource, Namespace: o.Namespace, Verbs: []string{"bind"}, Names: []string{ref["name"]}}}
}
