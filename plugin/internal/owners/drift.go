package owners

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// WhyDrifted returns what happened to a recorded object that is not as it was applied, "" when that is not known. u is the live
// object, nil when there is none, or when it was not read.
func WhyDrifted(ref object.Ref, state live.State, u *unstructured.Unstructured) string {
	switch state {
	case live.Drifted:
		return changedBy(ref, u)
	case live.Missing:
		return "deleted, or its label " + record.LabelPartOf + " was removed"
	case live.Replaced:
		if by, is := Also(ref, u); is {
			return "deleted and recreated by " + by.String()
		}
		return "deleted and recreated by somebody else"
	case live.KindGone:
		return "the cluster does not serve its kind any more"
	case live.Terminating:
		return "it is being deleted"
	}
	return ""
}

// changedBy names the likely author of the drift: the tool that applies the object too, or the manager whose entry is
// the newest.
func changedBy(ref object.Ref, u *unstructured.Unstructured) string {
	if !live.AppliedByUs(u) {
		return "its managedFields were removed"
	}
	if by, _ := Writer(ref, u); by != "" {
		return "changed by " + by
	}
	return ""
}
