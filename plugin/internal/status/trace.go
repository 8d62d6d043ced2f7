package status

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// Trace is what `trace KIND/NAME -o json` prints: the app that an object belongs to. Owners lead from the object to the
// managed object, which is the one in Git. Without Owners, the object itself is the managed object. Origin is file:line of the
// managed object in the applied commit; it is empty when that is not known.
//
// Hook is the phase of the hook whose run created the object, and "test" for a test of Helm.
type Trace struct {
	metav1.TypeMeta `json:",inline"`
	Object          string           `json:"object"`
	Owners          []string         `json:"owners,omitempty"`
	App             string           `json:"app"`
	Hook            string           `json:"hook,omitempty"`
	Source          report.Source    `json:"source"`
	Revision        report.Revision  `json:"revision"`          // the applied commit
	Commit          *report.Revision `json:"commit,omitempty"`  // the newest commit that changed the file or, if that is not known, any file that the app is rendered from
	Unclear         string           `json:"unclear,omitempty"` // why Commit is not known
	Origin          string           `json:"origin,omitempty"`
	Changed         *report.Owner    `json:"changed,omitempty"` // who changed the object last; changes of its status do not count
}
