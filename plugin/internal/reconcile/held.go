package reconcile

import (
	"context"
	"fmt"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// planHeld plans to revert what drifted, wherever the manifests are those that were applied.
func (p planning) planHeld(ctx context.Context) error {
	if err := p.reading().render(ctx); err != nil {
		p.desired = nil
		return p.notReverted(p.left(), err)
	}
	p.hooks.List, p.hooks.Keep = nil, nil
	p.desired = slices.DeleteFunc(slices.Clone(p.desired), func(o *desired.Object) bool {
		_, recorded := p.rec.Rows[o.Key()]
		return !recorded || p.handedOn(o.Key())
	})
	p.live = p.ownPart()
	p.plan = plan.Make(p.planInput(p.desired))
	if len(p.plan.Refused) > 0 {
		return p.refuseForeign(ctx)
	}
	p.noteSpread()
	p.plan.Prunes = nil
	p.plan.Steps = slices.DeleteFunc(p.plan.Steps, func(s *plan.Step) bool { return s.Changed })
	p.desired = slices.Clone(p.plan.Unchanged)
	for _, s := range p.plan.Steps {
		p.desired = append(p.desired, s.Object)
	}
	for k, row := range p.rec.Rows {
		p.track.Refs[k] = row.Ref
	}
	if left := p.left(); len(left) > 0 {
		p.listed.stays = p.notReverted(left, fmt.Errorf("what %s says of it is not what was applied", p.revision.Short()))
	}
	if err := p.readPlanned(ctx); err != nil {
		return err
	}
	if err := p.checkOwners(ctx); err != nil {
		return err
	}
	return p.checkRights(ctx)
}

// isHeld tells whether the pass only reverts drift, since gitops.yaml cannot be used.
func (p *pass) isHeld() bool { return p.listed != nil && p.listed.held != nil }

// standAt makes the pass one at the commit that its record holds, whatever the ref points at.
func (p planning) standAt(rec *record.Record) {
	p.listed.held = &held{rec.Pending, rec.Inputs}
	p.revision = p.at(rec)
	p.commit, p.Report.Revision, p.Report.Source = p.revision.Commit, p.revision, rec.Source
	p.Report.Cause = report.CauseDrift
}

// strayed tells whether an object is not as it was applied. What was never applied to the end is left to a commit that
// can be read.
func (p planning) strayed() bool {
	for k, row := range p.rec.Rows {
		if p.commit != "" && row.Manifest != "" && p.states[k] != live.InSync {
			return true
		}
	}
	p.listed.idle = true
	return false
}

// left lists the recorded objects that are not as they were applied and that the plan is not about.
func (p planning) left() []record.Row {
	planned := p.keys()
	return slices.DeleteFunc(p.rec.Sorted(), func(row record.Row) bool {
		k := record.KeyOf(row.Ref)
		return row.Manifest == "" || p.states[k] == live.InSync || p.handedOn(k) || slices.Contains(planned, k)
	})
}

// handedOn tells whether a run that was cut off gave the object to another app of the instance.
func (p planning) handedOn(k record.Key) bool {
	return p.apps[plan.OtherSet(p.live.Object(k), p.id)] != ""
}

// notReverted says which drift stays, and why.
func (p planning) notReverted(left []record.Row, why error) error {
	others := ""
	if n := len(left) - 1; n > 0 {
		others = fmt.Sprintf(" (and %s)", report.Plural(n, "other object"))
	}
	return hint.With(fmt.Errorf("%s%s has drifted and is not reverted: %w", left[0].Ref, others, why),
		"mend gitops.yaml: the next run applies its commit")
}

// held is what a pass that only reverts drift leaves of the record as it was.
type held struct {
	pending bool
	inputs  *record.Inputs
}
