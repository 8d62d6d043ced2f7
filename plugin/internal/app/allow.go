package app

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
)

// Refuses returns why a confined app may not contain an object, "" when it may, and the hint. Where namespaces are given, a
// cluster-scoped object is allowed only if its kind is named, since it reaches beyond any namespace. The given Namespaces
// themselves are allowed.
func (a Allow) Refuses(ref object.Ref) (why, advice string) {
	named := slices.ContainsFunc(a.Kinds, func(name string) bool { return names(name, ref.Kind) })
	own := ref.Kind.Kind == "Namespace" && ref.Group == "" && slices.Contains(a.Namespaces, ref.Name)
	switch {
	case len(a.Kinds) > 0 && !named && !own:
		return fmt.Sprintf("the app may not contain a %s", ref.Kind.Kind), "it may contain: " + strings.Join(a.Kinds, ", ") + " (allow.kinds in gitops.yaml)"
	case len(a.Namespaces) == 0:
		return "", ""
	case ref.Namespace == "" && !named && !own:
		return "the app is confined to namespaces, and this object is cluster-scoped", "name its kind in allow.kinds in gitops.yaml, if the app may contain it"
	case ref.Namespace != "" && !slices.Contains(a.Namespaces, ref.Namespace):
		return fmt.Sprintf("the app may not contain objects in namespace %s", ref.Namespace), "it may use: " + strings.Join(a.Namespaces, ", ") + " (allow.namespaces in gitops.yaml)"
	}
	return "", ""
}

// Keys returns the names of the keys that may decrypt files of the app, nil for all keys. A confined app may use only keys
// that gitops.yaml names: whoever writes its directory must not get at what is encrypted for others.
func (a App) Keys() []string {
	confined := a.ServiceAccount != "" || len(a.Allow.Namespaces)+len(a.Allow.Kinds) > 0
	if len(a.AgeKeys) == 0 && confined {
		return []string{}
	}
	return a.AgeKeys
}

// names tells whether a name as in allow.kinds means a kind: with its group, or alone for Kubernetes' own.
func names(name string, k object.Kind) bool {
	kind, group, grouped := strings.Cut(name, ".")
	if kind != k.Kind {
		return false
	}
	if grouped {
		return group == k.Group
	}
	return !strings.Contains(k.Group, ".") || strings.HasSuffix(k.Group, ".k8s.io")
}
