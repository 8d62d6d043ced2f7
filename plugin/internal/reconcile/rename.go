package reconcile

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/concurrent"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/fields"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/wait"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// Earlier versions applied under another manager name. Both names count as ours wherever managedFields are read, so an
// upgrade alone is no drift. The first pass renames the entries; it changes nothing else of the objects.

// renameShares gives our entries on the objects that are as they were applied today's name. An object that refuses any
// update keeps the earlier name until it is applied again, and is not asked twice.
func (p *pass) renameShares(ctx context.Context) error {
	if p.opts.DryRun {
		return nil
	}
	planned := map[record.Key]bool{} // they are renamed when it is their turn, or go
	if p.plan != nil {
		for _, s := range p.plan.Steps {
			planned[s.Key()] = true
		}
		for _, r := range p.plan.Prunes {
			planned[record.KeyOf(r.Row.Ref)] = true
		}
	}
	var keys []record.Key
	for k, row := range p.rec.Rows {
		u := p.live.Member(k, p.id)
		if !planned[k] && p.states[k] == live.InSync && !row.KeepsName && u != nil && u.GetUID() == row.UID && fields.HasEarlierName(u) {
			keys = append(keys, k)
		}
	}
	after, errs := make([]*unstructured.Unstructured, len(keys)), make([]error, len(keys))
	concurrent.Each(ctx, len(keys), writesInFlight, func(i int) {
		after[i], errs[i] = p.Cluster.RenameManagers(ctx, p.rec.Rows[keys[i]].Ref, p.live.Member(keys[i], p.id), record.Manager)
	})
	for i, k := range keys {
		row := p.rec.Rows[k]
		switch u := after[i]; {
		case ctx.Err() != nil:
			return wait.ErrInterrupted
		case errs[i] != nil && !apierrors.IsNotFound(errs[i]):
			p.Say(report.Warning, "%s keeps the earlier name of our field manager: %s", row.Ref, p.Mask(errs[i].Error()))
			row.KeepsName = true
		case u != nil && u.GetUID() == row.UID && p.ownedDigest(u) == row.Owned:
			row.ResourceVersion, row.Generation, row.Metadata = u.GetResourceVersion(), u.GetGeneration(), live.MetadataDigest(p.rec.Inventory, u)
		}
		p.rec.Rows[k], p.renamed = row, true
	}
	return nil
}

// underOneName prepares a step whose live object holds our share under its earlier name. Applied under today's name
// beside it, a field that left Git would stay for the sake of the earlier one. A dry run asks under the earlier name.
func (p *pass) underOneName(ctx context.Context, s *plan.Step, live *unstructured.Unstructured) (*plan.Step, error) {
	if live == nil || !fields.HasEarlierName(live) {
		return s, nil
	}
	t := *s
	if p.opts.DryRun {
		t.Share = fields.AppliedAs(live, record.Manager)
		return &t, nil
	}
	after, err := p.Cluster.RenameManagers(ctx, s.Ref, live, record.Manager)
	if err != nil {
		return s, fmt.Errorf("rename our field manager: %w", err)
	}
	t.Live = after
	return &t, nil
}

// oneShare ends an apply to an object that turned out to hold our share under its earlier name, too: one that was not
// known to be ours.
func (p *pass) oneShare(ctx context.Context, s *plan.Step, u *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	if !fields.HasEarlierName(u) {
		return u, nil
	}
	if p.opts.DryRun {
		return fields.WithoutTwin(u, record.Manager)
	}
	if _, err := p.Cluster.RenameManagers(ctx, s.Ref, u, record.Manager); err != nil {
		return nil, fmt.Errorf("rename our field manager: %w", err)
	}
	after, _, err := p.send(ctx, s, u.GetUID())
	return after, err
}
