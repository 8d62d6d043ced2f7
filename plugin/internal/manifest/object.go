// Package manifest has the words for what a renderer gives: an object with the file and line it comes from, and a refusal.
//
// It does NOT read files and knows neither a cluster nor what is done with the objects.
package manifest

import (
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/sealed"
)

// Origin is where an object or a refusal comes from.
type Origin struct {
	File string // slash path from the root of the checkout
	Line int    // 1-based; 0 when the whole file is meant
}

// String returns "file:line", or "file" without a line. A file name with control characters is quoted, so that it
// cannot forge a line of output.
func (o Origin) String() string {
	file := Printable(o.File)
	if o.Line == 0 {
		return file
	}
	return file + ":" + strconv.Itoa(o.Line)
}

// Printable quotes text that holds control characters.
func Printable(text string) string {
	if strings.ContainsFunc(text, func(r rune) bool { return !strconv.IsPrint(r) }) {
		return strconv.Quote(text)
	}
	return text
}

// Object is one rendered object.
type Object struct {
	*unstructured.Unstructured
	Origin Origin
	Hook   *Hook // of a Helm chart; nil for everything that is simply applied

	// Generated are the places of values that the next render would make up anew, as JSON pointers; see generated.Paths.
	Generated []string

	// Sealed says of a Secret, while it is rendered, that its values cannot be read in Git.
	Sealed bool
	// Hidden are the values of encrypted files and of Secrets that the render has used, of which the object is a part: what is
	// shown, stored or sent of it is masked with them. nil means that there are none.
	Hidden *sealed.Values
}

// ID returns group/Kind/namespace/name; the core group is written as its version, and an object without a
// namespace has three parts: "apps/Deployment/shop/web", "v1/Secret/shop/x", "v1/Namespace/shop". An object that
// has only a generateName shows that.
func (o Object) ID() string { return objectID(o.Unstructured) }

func objectID(u *unstructured.Unstructured) string {
	group, version, found := strings.Cut(u.GetAPIVersion(), "/")
	if !found {
		group = version + group // the core group: only a version
	}
	name := u.GetName()
	if name == "" {
		name = u.GetGenerateName()
	}
	parts := []string{group, u.GetKind(), u.GetNamespace(), name}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), "/")
}

// Hook says when an object of a chart is created, besides those that are applied. Events, weights and policies are
// Helm's, see https://helm.sh/docs/topics/charts_hooks/.
type Hook struct {
	Events         []string // pre-install, post-install, pre-upgrade, post-upgrade, pre-delete, post-delete
	Weight         int      // lower comes first
	DeletePolicies []string `json:",omitempty"` // before-hook-creation, hook-succeeded, hook-failed
}

// ObjectRule names objects: Kind, and Group and Name unless they are empty. Name may hold * and ? as path.Match has them.
type ObjectRule struct{ Group, Kind, Name string }

// IsKind tells whether the rule is about objects of the kind of o.
func (r ObjectRule) IsKind(o Object) bool {
	group, _, found := strings.Cut(o.GetAPIVersion(), "/")
	if !found {
		group = ""
	}
	return r.Kind == o.GetKind() && (r.Group == "" || r.Group == group)
}

// DefinedVersions lists what the CustomResourceDefinitions among objects define, as Capabilities.APIVersions has it.
func DefinedVersions(objects []Object) []string {
	var names []string
	for _, o := range objects {
		if gvk := o.GroupVersionKind(); gvk.Group != "apiextensions.k8s.io" || gvk.Kind != "CustomResourceDefinition" {
			continue
		}
		group, _, _ := unstructured.NestedString(o.Object, "spec", "group")
		kind, _, _ := unstructured.NestedString(o.Object, "spec", "names", "kind")
		versions, _, _ := unstructured.NestedSlice(o.Object, "spec", "versions")
		for _, v := range versions {
			version, _ := v.(map[string]any)
			name, _ := version["name"].(string)
			if served, _ := version["served"].(bool); served {
				names = append(names, group+"/"+name, group+"/"+name+"/"+kind)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
