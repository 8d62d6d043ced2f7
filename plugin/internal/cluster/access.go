package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
)

// WhoAmI returns the name of the user as the API server knows it, "" when the server does not say. It costs one request.
func (c *Access) WhoAmI(ctx context.Context) string {
	reviews := Kind{Group: "authentication.k8s.io", Version: "v1", Kind: "SelfSubjectReview", Resource: "selfsubjectreviews"}
	u, err := c.create(ctx, Ref{Kind: reviews}, []byte(`{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}`), "")
	if err != nil {
		return ""
	}
	name, _, _ := unstructured.NestedString(u.Object, "status", "userInfo", "username")
	return name
}

// Version returns the resourceVersion of an object. It reads only the metadata of the object.
func (c *Client) Version(ctx context.Context, r Ref) (string, error) {
	raw, _, err := c.ask(ctx, at(r), func(path string) *rest.Request {
		return c.rest.Get().AbsPath(path).SetHeader("Accept", "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1")
	})
	if err != nil {
		return "", err
	}
	u, err := decode(raw)
	if err != nil {
		return "", err
	}
	return u.GetResourceVersion(), nil
}

// Right is one verb on the objects of a resource. An empty Namespace is the whole cluster. "*" stands for each verb, group or
// resource.
type Right struct{ Verb, Group, Resource, Namespace string }

const reviewGroup = "authorization.k8s.io"

// Allowed reports whether the user has a right. It costs one request.
func (c *Access) Allowed(ctx context.Context, r Right) (bool, error) {
	u, err := c.review(ctx, "SelfSubjectAccessReview", "selfsubjectaccessreviews", map[string]any{"resourceAttributes": map[string]any{
		"verb": r.Verb, "group": r.Group, "resource": r.Resource, "namespace": r.Namespace}})
	if err != nil {
		return false, err
	}
	allowed, _, _ := unstructured.NestedBool(u.Object, "status", "allowed")
	return allowed, nil
}

// Rights are the rights of a user in one namespace, as the API server lists them. They include rights in the whole cluster,
// which the list does not mark.
type Rights struct {
	Incomplete bool // the user may have more rights than are listed
	rules      []any
}

// Allow reports whether the list has a right to all objects of a resource. A right to single names does not count, and
// r.Namespace is not looked at.
func (l Rights) Allow(r Right) bool {
	holds := func(rule map[string]any, key, value string) bool {
		list, _, _ := unstructured.NestedStringSlice(rule, key)
		return slices.Contains(list, value) || slices.Contains(list, "*")
	}
	return slices.ContainsFunc(l.rules, func(item any) bool {
		rule, _ := item.(map[string]any)
		names, _, _ := unstructured.NestedStringSlice(rule, "resourceNames")
		return len(names) == 0 && holds(rule, "verbs", r.Verb) && holds(rule, "apiGroups", r.Group) && holds(rule, "resources", r.Resource)
	})
}

// Rights returns what the user may do in a namespace. It costs one request.
func (c *Access) Rights(ctx context.Context, namespace string) (Rights, error) {
	u, err := c.review(ctx, "SelfSubjectRulesReview", "selfsubjectrulesreviews", map[string]any{"namespace": namespace})
	if err != nil {
		return Rights{}, err
	}
	var l Rights
	l.rules, _, _ = unstructured.NestedSlice(u.Object, "status", "resourceRules")
	l.Incomplete, _, _ = unstructured.NestedBool(u.Object, "status", "incomplete")
	return l, nil
}

func (c *Access) review(ctx context.Context, kind, resource string, spec map[string]any) (*unstructured.Unstructured, error) {
	body, err := json.Marshal(map[string]any{"apiVersion": reviewGroup + "/v1", "kind": kind, "spec": spec})
	if err != nil {
		return nil, err
	}
	return c.create(ctx, Ref{Kind: Kind{Group: reviewGroup, Version: "v1", Kind: kind, Resource: resource}}, body, "")
}

// RightsOn returns a hint: the rights on a kind that a user needs for a run, in one namespace or, when that is empty, in the
// whole cluster.
func RightsOn(k Kind, namespace string) string {
	name := k.Resource
	if k.Group != "" {
		name += "." + k.Group
	}
	if namespace != "" {
		name += " in namespace " + namespace
	}
	return fmt.Sprintf("grant get, list, create, patch and delete on %s to this user", name)
}
