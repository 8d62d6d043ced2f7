package pass

import (
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/owners"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// leavesDrift reports whether the pass reports drift, and does not revert it. An app that left gitops.yaml is removed.
func (p planning) leavesDrift() bool {
	return !p.Listed.IsOwn() && !p.Listed.LeftList && plan.LeavesDrift(p.App, plan.Caller{Named: p.Opts.Named, DryRun: p.Opts.DryRun})
}

// leaveDrift reports the objects at keys, which have drifted and are left so. The history, and a loop, tell an object once.
func (p planning) leaveDrift(keys []object.Key) {
	p.left = map[object.Key]bool{}
	var ids []string
	for _, k := range keys {
		row, _ := p.Record.Row(k)
		u := p.Live.Values(k, p.Set)
		p.left[k], ids = true, append(ids, row.ID())
		delete(p.Track.AssumedHealthy, k)
		p.Track.Refs[k], p.Track.After[k] = row.Ref, u
		if p.Opts.Loop && slices.Contains(p.Record.Drift, row.ID()) {
			p.Report.Counts.Add(report.Drifted, 1)
			continue
		}
		p.Change(report.Change{Object: row.ID(), Short: p.Short(row.Ref), Action: report.Drifted, Note: p.Mask(owners.WhyDrifted(row.Ref, p.States[k], u))})
	}
	if len(keys) > 0 {
		p.Report.Message, p.Report.Hint = plan.DriftText(p.App, len(keys))
	}
	if d := p.Opts.Only; d != nil { // nothing is known of the others
		for _, id := range p.Record.Drift {
			if !slices.Contains(ids, id) && !slices.ContainsFunc(d.keys, func(k object.Key) bool { row, _ := p.Record.Row(k); return row.ID() == id }) {
				ids = append(ids, id)
			}
		}
	}
	slices.Sort(ids)
	if !p.Opts.DryRun {
		p.drift.changed, p.drift.more = p.Record.NoteDrift(ids)
	}
}

// tellReserved says in a dry run what only a run would do for which somebody names the app.
func (p planning) tellReserved() {
	if text := p.Plan.Reserved(p.App, plan.Caller{Named: p.Opts.Named, DryRun: p.Opts.DryRun}); text != "" && !p.Listed.hasLeft() {
		p.Say(report.Warning, "%s: %s", p.App.Name, text)
	}
}

// isGone reports whether an object that was left is not there, so that no wait for its health can end.
func (p *Pass) isGone(k object.Key) bool { return p.left[k] && p.States[k] != live.Drifted }
