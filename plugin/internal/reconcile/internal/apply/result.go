package apply

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/diff"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/fields"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/tell"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/wait"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// Result returns the row of an object that was applied, and completes c: the action, the changed fields and a note. A dry
// run returns no row.
func (a *Applier) Result(c *report.Change, s *plan.Step, o Outcome) (row record.Row) {
	set, ok, err := fields.Applied(o.After, record.Manager)
	ok = ok && err == nil
	if !a.DryRun {
		row = record.Row{Ref: s.Ref, UID: o.After.GetUID(), ResourceVersion: o.After.GetResourceVersion(),
			Generation: o.After.GetGeneration(), Manifest: s.Hash, Adopted: adopted(s, o) && !a.MadeNamespace(o.After), CreateOnly: s.Policy.CreateOnly,
			Expires: wait.Expires(o.After), Hides: !s.Kind.IsSecret() && a.Say.Hides(o.After)}
		if ok { // without an entry of ours, only an unchanged resourceVersion proves that nothing drifted
			a.Record.NoteGenerated(s.ID(), s.Generated)
			row.Owned = a.ownedDigest(s, o.After)
			row.Metadata = live.MetadataDigest(a.Record.Inventory, s.ID(), o.After)
		}
	}
	if ok && o.Before != nil {
		told := set
		if was, known, err := fields.Applied(o.Before, record.Manager); known && err == nil {
			told = set.Union(was) // a field that left Git is reported too
		}
		c.Fields = a.fieldChanges(s, o, fields.Diff(shown(s, o.Before), shown(s, o.After), told))
	}
	if len(o.gone) > 0 {
		c.Fields = append(c.Fields, a.fieldChanges(s, o, o.gone)...)
	}
	c.Fields = append(a.droppedFields(s, o, c.Fields), c.Fields...) // one-line outputs show the first
	c.Action, c.Note = classify(s, o)
	if o.refused {
		c.Note = strings.TrimPrefix(c.Note+"; "+madeWay(o.dropped), "; ")
	}
	if ok && !a.DryRun {
		a.tellRewritten(c, s, o, set)
	}
	return row
}

// adopted reports whether somebody else made the object that is now ours. A row that was written ahead, and whose object has
// our label, counts as made by us.
func adopted(s *plan.Step, o Outcome) bool {
	switch {
	case o.Created:
		return false
	case s.Row != nil && s.Row.UID == o.After.GetUID():
		return s.Row.Adopted
	case s.From != nil:
		return s.From.Row.Adopted
	case s.Row != nil && s.Row.Adopted: // an interrupted run handed it over
		return true
	}
	return s.Live == nil || s.State == live.Replaced
}

// classify returns the action, and a note. A difference is drift when Git did not change.
func classify(s *plan.Step, o Outcome) (report.Action, string) {
	same := !o.Created && o.Before != nil && jsonOf(bare(o.Before)) == jsonOf(bare(o.After))
	known := s.Row != nil && s.Row.UID != ""
	switch {
	case o.Anew != "" && known && !s.Changed:
		return report.Reverted, "deleted and recreated, " + o.Anew
	case o.Anew != "":
		return report.Configured, "deleted and recreated, " + o.Anew
	case o.Created && known && !s.Changed:
		return report.Reverted, "it had been deleted"
	case o.Created:
		return report.Created, o.ahead
	case same:
		return report.Unchanged, ""
	case s.From != nil:
		return report.Configured, plan.HandedOver(s.From)
	case s.Changed && s.Row == nil:
		return report.Configured, "it existed before" + o.from
	case s.Changed, !known:
		return report.Configured, ""
	case s.State == live.Replaced, s.State == live.Missing && o.After.GetUID() != "" && o.After.GetUID() != s.Row.UID:
		return report.Reverted, "it had been deleted and recreated" + o.from
	case s.State == live.Missing:
		return report.Reverted, "its label " + record.LabelPartOf + " had been removed" + o.from
	}
	return report.Reverted, ""
}

// fieldChanges returns the differences of owned fields for the report, each with who set the old value. Values of Secrets
// are masked.
func (a *Applier) fieldChanges(s *plan.Step, o Outcome, diffs []fields.Difference) []report.FieldChange {
	var out []report.FieldChange
	for _, d := range diffs {
		if (s.From != nil || firstTime(s)) && strings.HasSuffix(d.Path, "["+record.LabelPartOf+"]") {
			continue // every object that is handed over or adopted gets our label
		}
		f := report.FieldChange{Path: d.Path, From: d.From, To: d.To}
		switch {
		case s.Kind.IsSecret():
			f.From, f.To = tell.Masked(d.From), tell.Masked(d.To)
		case hidBefore(s):
			f.From = tell.Masked(d.From)
		}
		if o.Before == nil { // it was adopted without having been read
			out = append(out, f)
			continue
		}
		if by := fields.SetBy(o.Before, d, record.Manager); by != nil && by.Manager != fieldKeeper {
			f.By = &report.Owner{Manager: by.Manager, Operation: by.Operation, Subresource: by.Subresource, Time: by.Time}
		}
		out = append(out, f)
	}
	return out
}

// hidBefore reports whether an object may have values that were hidden when it was applied, and that this commit no longer has: nobody
// can recognise them now.
func hidBefore(s *plan.Step) bool {
	return s.From != nil && s.From.Row.Hides || s.Row != nil && s.Row.Hides && s.Changed
}

// effectBefore returns the state before the step, without texts that may have been hidden values.
func effectBefore(s *plan.Step, o Outcome) *unstructured.Unstructured {
	if !hidBefore(s) {
		return o.Before
	}
	return diff.HideBefore(o.Before, o.After)
}

// droppedFields returns the fields of others that were removed and are not in told yet.
func (a *Applier) droppedFields(s *plan.Step, o Outcome, told []report.FieldChange) []report.FieldChange {
	var out []report.FieldChange
	for _, l := range o.dropped {
		if slices.ContainsFunc(told, func(f report.FieldChange) bool { return f.Path == l.Path }) {
			continue
		}
		f := report.FieldChange{Path: l.Path, From: l.From, To: l.Left(o.After)}
		if jsonOf(f.From) == jsonOf(f.To) {
			continue // the server fills it in as it was
		}
		switch {
		case s.Kind.IsSecret():
			f.From, f.To = tell.Masked(f.From), tell.Masked(f.To)
		case hidBefore(s):
			f.From = tell.Masked(f.From)
		}
		if l.By != nil {
			f.By = &report.Owner{Manager: l.By.Manager, Operation: l.By.Operation, Subresource: l.By.Subresource, Time: l.By.Time}
		}
		out = append(out, f)
	}
	return out
}

// EffectNote returns the note of an effect: what the difference between the two states of the object does not show. It is ""
// when there is nothing to add.
func EffectNote(s *plan.Step, o Outcome, c report.Change) string {
	switch {
	case o.Anew != "":
		return "deleted and recreated, " + o.Anew
	case s.From != nil:
		return plan.HandedOver(s.From)
	case o.ahead != "":
		return o.ahead
	case !o.Created && c.Action != report.Unchanged:
		return c.Note // it is taken over, or its label is put back: the difference leaves out our label
	}
	return ""
}

// ownedDigest returns the digest of the fields that we own in u, the object of a step.
func (a *Applier) ownedDigest(s *plan.Step, u *unstructured.Unstructured) string {
	return live.OwnedDigest(a.Record.Inventory, s.ID(), u)
}
