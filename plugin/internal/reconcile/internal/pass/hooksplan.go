package pass

import (
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// tellHooks reports in a dry run which hooks would run.
func (p writing) tellHooks() {
	for _, phase := range []string{desired.PreDelete, desired.PreSync, desired.Sync, desired.PostSync, desired.Test, desired.PostDelete} {
		for _, o := range desired.HooksOf(p.Hooks.List, phase, p.Record.Due) {
			p.Change(report.Change{Object: o.ID(), Short: p.Short(plan.NameGiven(o)), Origin: o.Origin.String(), Action: report.Skipped,
				Note: phase + " hook: a dry run does not run it"})
		}
	}
}

// planHooks finds out whether the hooks of this commit are to run.
func (p planning) planHooks() {
	if p.Opts.Only != nil || p.Listed.hasLeft() {
		return
	}
	p.Hooks.ForCommit(p.Record, p.Desired, p.Commit)
	p.setDueInDryRun()
}

// takeKept makes the hooks that the record keeps those of this pass.
func (p planning) takeKept() error {
	if err := p.Hooks.ForRemoval(p.Record, p.App.Allow); err != nil {
		return err
	}
	p.setDueInDryRun()
	return nil
}

// setDueInDryRun sets the due hooks in the record of a dry run, which saves nothing, so that tellHooks finds them.
func (p planning) setDueInDryRun() {
	if p.Opts.DryRun && p.Hooks.AreDue() {
		p.Record.ForeseeDue(p.Hooks.Due)
	}
}
