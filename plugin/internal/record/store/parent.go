package store

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// checkParent refuses a parent that another tool manages, or whose id does not fit its name.
func (s *Store) checkParent(u *unstructured.Unstructured, app string) error {
	tool, _, _ := strings.Cut(s.Tool, "/")
	theirs := u.GetAnnotations()[record.AnnotationTooling]
	if i := strings.LastIndex(theirs, "/"); i >= 0 {
		theirs = theirs[:i]
	}
	if theirs != tool {
		return hint.Errorf(fmt.Sprintf("configmap/%s in namespace %s is not a record of %s (its tooling is %q)",
			u.GetName(), s.Namespace, tool, theirs),
			"choose another app name (--name) or another instance namespace (-n)")
	}
	if id := u.GetLabels()[record.LabelID]; id != s.ID(app) {
		return hint.Errorf(fmt.Sprintf("configmap/%s in namespace %s carries the ApplySet id %q, not its own",
			u.GetName(), s.Namespace, id),
			"it may be a copy: delete it, the inventory is rebuilt from the objects' labels")
	}
	return nil
}
