package pass

import (
	"context"
	"fmt"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// PlanRevert makes the plan of a pass that only reverts drift: it renders the recorded commit, and plans the drifted objects
// whose manifest is the one that was applied. Drift that it cannot revert is in Listed.NotReverted.
func (p reverting) PlanRevert(ctx context.Context) error {
	if err := p.Reading().Render(ctx); err != nil {
		p.Desired = nil
		return p.notReverted(p.left(), err)
	}
	p.Hooks.List, p.Hooks.Keep = nil, nil
	p.Desired = slices.DeleteFunc(slices.Clone(p.Desired), func(o *desired.Object) bool {
		_, recorded := p.Record.Row(o.Key())
		return !recorded || p.handedOn(o.Key())
	})
	p.Live = p.OwnPart()
	p.Plan = plan.Make(p.Planning().planInput(p.Desired))
	if len(p.Plan.Refused) > 0 {
		return p.Planning().refuseForeign(ctx)
	}
	p.Planning().noteSpread()
	p.Plan.Prunes = nil
	p.Plan.Steps = slices.DeleteFunc(p.Plan.Steps, func(s *plan.Step) bool { return s.Changed })
	p.Desired = slices.Clone(p.Plan.Unchanged)
	for _, s := range p.Plan.Steps {
		p.Desired = append(p.Desired, s.Object)
	}
	for k, row := range p.Record.All() {
		p.Track.Refs[k] = row.Ref
	}
	if left := p.left(); len(left) > 0 {
		p.Listed.NotReverted = p.notReverted(left, fmt.Errorf("what %s says of it is not what was applied", p.Revision.Short()))
	}
	if err := p.Planning().readPlanned(ctx); err != nil {
		return err
	}
	if err := p.Planning().checkOwners(ctx); err != nil {
		return err
	}
	return p.Planning().checkRights(ctx)
}

// AtRecord sets the pass to the commit of the record, whatever the ref points at.
func (p reverting) AtRecord(rec *record.Record) {
	p.Listed.RevertOnly = &recordBefore{rec.Pending, rec.Inputs}
	p.Revision = p.At(rec)
	p.Commit, p.Report.Revision, p.Report.Source = p.Revision.Commit, p.Revision, rec.Source
	p.Report.Cause = report.CauseDrift
}

// HasDrifted reports whether an object is not as it was applied. Objects that were never applied completely do not count: they
// wait for a commit whose gitops.yaml can be read. If there is no drift, the app is noted as up to date.
func (p reverting) HasDrifted() bool {
	for k, row := range p.Record.All() {
		if p.Commit != "" && !p.Planning().leavesDrift() && row.Manifest != "" && p.States[k] != live.InSync {
			return true
		}
	}
	p.Listed.State = UpToDate
	return false
}

// left lists the recorded objects that have drifted and are not in the plan.
func (p reverting) left() []record.Row {
	planned := p.keys()
	return slices.DeleteFunc(p.Record.Sorted(), func(row record.Row) bool {
		k := object.KeyOf(row.Ref)
		return row.Manifest == "" || p.States[k] == live.InSync || p.handedOn(k) || slices.Contains(planned, k)
	})
}

// handedOn reports whether an interrupted run gave the object to another app of the instance.
func (p reverting) handedOn(k object.Key) bool {
	return p.Apps[plan.OtherSet(p.Live.Object(k), p.Set)] != ""
}

// notReverted returns the error that names the first drifted object that is not reverted, and why.
func (p reverting) notReverted(left []record.Row, why error) error {
	others := ""
	if n := len(left) - 1; n > 0 {
		others = fmt.Sprintf(" (and %s)", report.Plural(n, "other object"))
	}
	return hint.With(fmt.Errorf("%s%s has drifted and is not reverted: %w", left[0].Ref, others, why),
		"repair gitops.yaml: the next run applies its commit")
}
