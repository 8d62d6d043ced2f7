package pass

import (
	"context"
	"errors"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/preflight"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// checkOwners refuses to take over what another tool still applies. A dry run shows all the same what would change.
func (p planning) checkOwners(ctx context.Context) error {
	err := p.takeover.Check(ctx, p.Plan, p.Live)
	if p.Opts.DryRun && errors.As(err, new(*preflight.OwnedError)) {
		p.owned = err
		return nil
	}
	return err
}

// checkRights refuses a plan that takes rights which are missing.
func (p planning) checkRights(ctx context.Context) error {
	if p.Opts.DryRun || len(p.Plan.Steps)+len(p.Plan.Prunes) == 0 || p.isOneChange() {
		return nil
	}
	return p.Env.rights.Check(ctx, p.Cluster, p.Records.Namespace, p.Plan)
}

// isOneChange tells of a plan that it cannot be left half done: what the server answers to its only write is the answer to
// the question as well.
func (p planning) isOneChange() bool {
	steps := p.Plan.Steps
	return len(steps) == 1 && len(p.Plan.Prunes) == 0 && steps[0].Live != nil && !steps[0].Policy.Recreate && !p.Hooks.AreDue()
}

// checkCluster refuses a record of another cluster.
func (p planning) checkCluster(ctx context.Context, suspicious bool) error {
	return p.Env.identity.Check(ctx, p.Cluster, p.Record, p.Records.Namespace, suspicious)
}

// maybeOtherCluster tells whether the record and the cluster differ in a way that a record of another cluster would explain.
func (p reading) maybeOtherCluster() bool {
	if p.Live.IsRewound() {
		return true
	}
	for _, v := range p.States {
		if v == live.Missing || v == live.Replaced {
			return true
		}
	}
	return false
}

// tellUnowned warns, once in the life of this process, of objects that carry the app's label although neither Git nor
// the record names them: people copy objects with their labels. They are never touched.
func (p planning) tellUnowned() {
	inGit := map[record.Key]bool{}
	for _, o := range p.Desired {
		inGit[o.Key()] = true
	}
	for _, k := range p.Live.Carrying(p.Set) {
		u := p.Live.Object(k)
		if _, recorded := p.Record.Row(k); recorded || inGit[k] || p.ignored[k] || u.GetDeletionTimestamp() != nil {
			continue
		}
		if _, told := p.Env.unowned.LoadOrStore(u.GetUID(), true); !told {
			p.Say(report.Warning, "%s carries the label of %s, but is not of its making: it is left alone", desired.KeyText(k), p.App.Name)
		}
	}
}
