package pass

import (
	"context"
	"errors"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/preflight"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// checkOwners returns a preflight.OwnedError when another tool still applies objects. A dry run keeps it for the end.
func (p planning) checkOwners(ctx context.Context) error {
	err := p.takeover.Check(ctx, p.Plan, p.Live)
	if p.Opts.DryRun && errors.As(err, new(*preflight.OwnedError)) {
		p.owned = err
		return nil
	}
	return err
}

// checkRights refuses a plan that needs rights which are missing.
func (p planning) checkRights(ctx context.Context) error {
	if p.Opts.DryRun || len(p.Plan.Steps)+len(p.Plan.Prunes) == 0 || p.isOneChange() {
		return nil
	}
	return p.Env.rights.Check(ctx, p.Cluster, p.Records.Namespace, p.Plan)
}

// isOneChange reports whether the plan is a single write. It cannot be left half done, so the answer to the write is enough.
func (p planning) isOneChange() bool {
	steps := p.Plan.Steps
	return len(steps) == 1 && len(p.Plan.Prunes) == 0 && steps[0].Live != nil && !steps[0].Policy.Recreate && !p.Hooks.AreDue()
}

// checkCluster refuses a record that was made in another cluster.
func (p planning) checkCluster(ctx context.Context, maybeOtherCluster bool) error {
	return p.Env.identity.Check(ctx, p.Cluster, p.Record, p.Records.Namespace, maybeOtherCluster)
}

// maybeOtherCluster reports whether the record and the cluster differ in a way that another cluster would explain.
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

// tellUnowned warns, once in the life of the process, of objects that carry the label of the app although neither Git nor the
// record names them. People copy objects with their labels. Such objects are never touched.
func (p planning) tellUnowned() {
	inGit := map[object.Key]bool{}
	for _, o := range p.Desired {
		inGit[o.Key()] = true
	}
	for _, k := range p.Live.Carrying(p.Set) {
		u := p.Live.Object(k)
		if _, recorded := p.Record.Row(k); recorded || inGit[k] || p.ignored[k] || u.GetDeletionTimestamp() != nil {
			continue
		}
		if _, told := p.Env.unowned.LoadOrStore(u.GetUID(), true); !told {
			p.Say(report.Warning, "%s has the label of %s, but that app did not create it: it is left alone", desired.KeyText(k), p.App.Name)
		}
	}
}
