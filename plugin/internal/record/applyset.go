package record

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Keys of the ApplySet convention, as k8s.io/kubectl/pkg/cmd/apply spells them (the prefix in KEP-3659 differs).
const (
	LabelID              = "applyset.kubernetes.io/id"
	LabelPartOf          = "applyset.kubernetes.io/part-of"
	AnnotationTooling    = "applyset.kubernetes.io/tooling"
	AnnotationGroupKinds = "applyset.kubernetes.io/contains-group-kinds"
	AnnotationNamespaces = "applyset.kubernetes.io/additional-namespaces"
)

// ApplySetID computes the id of an ApplySet from its parent: unpadded URL-safe base64 of the SHA-256 of
// name.namespace.kind.group, between "applyset-" and "-v1".
func ApplySetID(name, namespace, kind, group string) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{name, namespace, kind, group}, ".")))
	return fmt.Sprintf("applyset-%s-v1", base64.RawURLEncoding.EncodeToString(sum[:]))
}

// Hints returns the two lists that tell other tools where to look for members: Kind.group of every row, and the
// namespaces other than the parent's.
func (inv *Inventory) Hints(parentNamespace string) (groupKinds, namespaces []string) {
	kinds, spaces := map[string]bool{}, map[string]bool{}
	for k := range inv.rows {
		gk := k.Kind
		if k.Group != "" {
			gk += "." + k.Group
		}
		kinds[gk] = true
		if k.Namespace != "" && k.Namespace != parentNamespace {
			spaces[k.Namespace] = true
		}
	}
	return slices.Sorted(maps.Keys(kinds)), slices.Sorted(maps.Keys(spaces))
}
