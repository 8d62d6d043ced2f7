package record

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// Keys of the ApplySet convention, as k8s.io/kubectl/pkg/cmd/apply spells them (the prefix in KEP-3659 differs).
const (
	LabelID              = "applyset.kubernetes.io/id"
	LabelPartOf          = "applyset.kubernetes.io/part-of"
	annotationTooling    = "applyset.kubernetes.io/tooling"
	annotationGroupKinds = "applyset.kubernetes.io/contains-group-kinds"
	annotationNamespaces = "applyset.kubernetes.io/additional-namespaces"
)

// ApplySetID computes the id of an ApplySet from its parent: unpadded URL-safe base64 of the SHA-256 of
// name.namespace.kind.group, between "applyset-" and "-v1".
func ApplySetID(name, namespace, kind, group string) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{name, namespace, kind, group}, ".")))
	return fmt.Sprintf("applyset-%s-v1", base64.RawURLEncoding.EncodeToString(sum[:]))
}

// hints returns the two lists that tell other tools where to look for members: Kind.group of every row, and the
// namespaces other than the parent's.
func hints(rows map[Key]Row, parentNamespace string) (groupKinds, namespaces []string) {
	kinds, spaces := map[string]bool{}, map[string]bool{}
	for k := range rows {
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

// checkParent refuses a parent that another tool manages, or whose id does not fit its name.
func (s *Store) checkParent(u *unstructured.Unstructured, app string) error {
	tool, _, _ := strings.Cut(s.Tool, "/")
	theirs := u.GetAnnotations()[annotationTooling]
	if i := strings.LastIndex(theirs, "/"); i >= 0 {
		theirs = theirs[:i]
	}
	if theirs != tool {
		return hint.Errorf(fmt.Sprintf("configmap/%s in namespace %s is not a record of %s (its tooling is %q)",
			u.GetName(), s.Namespace, tool, theirs),
			"choose another app name (--name) or another instance namespace (-n)")
	}
	if id := u.GetLabels()[LabelID]; id != s.ID(app) {
		return hint.Errorf(fmt.Sprintf("configmap/%s in namespace %s carries the ApplySet id %q, not its own",
			u.GetName(), s.Namespace, id),
			"it may be a copy: delete it, the inventory is rebuilt from the objects' labels")
	}
	return nil
}
