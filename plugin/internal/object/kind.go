package object

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Kind is a kind with what is needed to address it without discovery.
type Kind struct {
	Group, Version, Kind, Resource string
	Namespaced                     bool
}

// GVK returns the kind's group, version and kind.
func (k Kind) GVK() schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: k.Group, Version: k.Version, Kind: k.Kind}
}

// Check returns an error when k is no kind that an API server could serve: its parts are not what Kubernetes takes, or it
// gives a kind of Kubernetes' own groups another resource or scope. It is for kinds that no server told: those of a record.
func (k Kind) Check() error {
	if err := (Type{k.Group, k.Version, k.Kind}).check(); err != nil {
		return err
	}
	if !labelRE.MatchString(k.Resource) || len(k.Resource) > maxLabel {
		return fmt.Errorf("%s is not the plural of a kind", quoted(k.Resource))
	}
	if !BuiltInGroup(k.Group) {
		return nil
	}
	own := Guess(k.GVK())
	if k.Resource != own.Resource || k.Namespaced && !own.Namespaced {
		return fmt.Errorf("%s is not how Kubernetes serves %s", quoted(k.Resource), k.Kind)
	}
	return nil
}

// Collection is the path of the objects of a kind, in one namespace or, when that is empty, in the whole cluster.
func (k Kind) Collection(namespace string) (string, error) {
	segments := []string{"apis", k.Group, k.Version}
	if k.Group == "" {
		segments = []string{"api", k.Version}
	}
	if namespace != "" {
		segments = append(segments, "namespaces", namespace)
	}
	return Path(append(segments, k.Resource)...)
}

// Ref addresses one object. Namespace is empty for cluster-scoped kinds.
type Ref struct {
	Kind
	Namespace, Name string
}

// String is kind.group/name as kubectl prints it.
func (r Ref) String() string {
	s := strings.ToLower(r.Kind.Kind)
	if r.Group != "" {
		s += "." + r.Group
	}
	return s + "/" + r.Name
}

// ID is group/Kind/namespace/name, with the version in place of the core group's empty name: v1/Secret/shop/token.
func (r Ref) ID() string {
	parts := []string{r.Group, r.Kind.Kind, r.Namespace, r.Name}
	if r.Group == "" {
		parts[0] = r.Version
	}
	if r.Namespace == "" {
		parts = append(parts[:2], r.Name)
	}
	return strings.Join(parts, "/")
}

// Path is the path of the object, followed by further segments such as the name of a subresource. An object without a name
// has none.
func (r Ref) Path(more ...string) (string, error) {
	collection, err := r.Collection(r.Namespace)
	if err != nil {
		return "", err
	}
	rest, err := Path(append([]string{r.Name}, more...)...)
	return collection + rest, err
}

// Check is Check of the kind, and returns an error when name or namespace cannot be those of an object of it.
func (r Ref) Check() error {
	switch {
	case r.Namespace != "" && !r.Namespaced:
		return fmt.Errorf("%s is cluster-scoped", r.Kind.Kind)
	case r.Namespace == "" && r.Namespaced:
		return fmt.Errorf("%s is namespaced, and no namespace is given", r.Kind.Kind)
	}
	if err := r.Kind.Check(); err != nil {
		return err
	}
	if err := CheckNamespace(r.Namespace); err != nil {
		return err
	}
	return CheckName(r.Name)
}

// IsSecret tells whether objects of the kind are Kubernetes' Secrets.
func (k Kind) IsSecret() bool { return k.Group == "" && k.Kind == "Secret" }
