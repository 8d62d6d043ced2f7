package record

import "github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"

// Applied is what the instance remembers of an app: enough to render it again as a run did.
type Applied struct {
	Name   string
	Source report.Source // Path is the directory of the app
	List   string        // directory of the gitops.yaml that lists the app, "" when none does
	Record *Record       // nil when the user has no right to read the records
}
