package report

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/sealed"
)

// Effect is what a pass did, or with a dry run would do, to one object. Before is nil for a created object, After for
// a pruned one. Note is what these two do not show.
type Effect struct {
	Ref           object.Ref
	Origin        manifest.Origin
	Before, After *unstructured.Unstructured
	Note          string
	Hidden        *sealed.Values // values that may not be shown
}
