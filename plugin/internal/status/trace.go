package status

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// Trace is the form of `trace KIND/NAME -o json`: whose object this is. Owners lead from the object to the one that
// the app manages, which is the object itself when it is empty. Origin is file:line of that one in the commit that is
// applied; it is empty where that cannot be told.
//
// Hook is the phase of the hook whose run made the object, "test" for one of Helm's tests.
type Trace struct {
	metav1.TypeMeta `json:",inline"`
	Object          string           `json:"object"`
	Owners          []string         `json:"owners,omitempty"`
	App             string           `json:"app"`
	Hook            string           `json:"hook,omitempty"`
	Source          report.Source    `json:"source"`
	Revision        report.Revision  `json:"revision"`          // that is applied
	Commit          *report.Revision `json:"commit,omitempty"`  // the newest one that changed the file or, if that is not known, what the app is rendered from
	Unclear         string           `json:"unclear,omitempty"` // why Commit is not known
	Origin          string           `json:"origin,omitempty"`
	Changed         *report.Owner    `json:"changed,omitempty"` // who changed the object last, its status aside
}
