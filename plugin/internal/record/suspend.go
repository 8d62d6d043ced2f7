package record

import (
	"encoding/json"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// AnnotationSuspended holds a Suspension as JSON.
const AnnotationSuspended = "kubectl-gitops.dev/suspended" // on the first Secret of the record, or on the CronJob: the app, or the instance, is not reconciled; with the reason and the end

// ReadSuspension reads the annotation. One that does not parse suspends without an end: it was edited by hand, and
// whoever did that wanted the app left alone.
func ReadSuspension(annotations map[string]string) *report.Suspension {
	text, ok := annotations[AnnotationSuspended]
	if !ok {
		return nil
	}
	var s report.Suspension
	if json.Unmarshal([]byte(text), &s) != nil {
		return &report.Suspension{Reason: text}
	}
	return &s
}
