package execute

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// maxForeign bounds how many objects the record remembers unmanaged fields of.
const maxForeign = 200

// NoteForeign reports once which fields other people added to an object of ours, and remembers that in the record. It does
// nothing in a dry run, for create-only objects, and when the settings say to keep or to revert such fields.
func (e *Execution) NoteForeign(row record.Row, u metav1.Object) {
	if e.Foreign == app.ForeignKeep || e.Foreign == app.ForeignRevert || e.DryRun || row.CreateOnly {
		return
	}
	text := live.Unmanaged(u, e.Record.Generated[row.ID()])
	if e.Record.Foreign[row.ID()] == text || text != "" && len(e.Record.Foreign) >= maxForeign {
		return
	}
	if text == "" { // the next save forgets it: that alone is no reason to write
		e.Record.NoteForeign(row.ID(), "")
		return
	}
	e.Remarked = true
	e.Record.NoteForeign(row.ID(), text)
	e.Say.Remark(report.Change{Object: row.ID(), Short: e.Say.Short(row.Ref), Action: report.Unchanged, Note: text})
}
