package live

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/fields"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// Unmanaged returns a text about fields that others added to an object beside Git's fields and its generated values, "" when there are none. Such fields
// stay.
func Unmanaged(u metav1.Object, generated []string) string {
	if u == nil {
		return ""
	}
	extras := fields.Beside(u, record.Manager)
	if len(generated) > 0 {
		extras = slices.DeleteFunc(extras, func(e fields.Extra) bool { return isGenerated(e.Path, generated) })
	}
	if len(extras) == 0 {
		return ""
	}
	text := "not in Git: " + strings.TrimPrefix(extras[0].Path, "spec.")
	if by := extras[0].Manager; by != "" {
		text += ", set by " + by
	} else {
		text += ", owned by nobody"
	}
	if more := len(extras) - 1; more > 0 {
		text += fmt.Sprintf(", and %d more", more)
	}
	return text
}

// AppliedByUs reports whether our field manager owns fields of an object.
func AppliedByUs(u metav1.Object) bool {
	_, ok, err := fields.Applied(u, record.Manager)
	return ok && err == nil
}
