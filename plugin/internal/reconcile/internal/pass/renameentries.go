package pass

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/concurrent"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/fields"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/apply"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/wait"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// renameShares renames our entries in managedFields of objects that are as they were applied. Earlier versions applied under
// another name. An object that refuses any update keeps the earlier name until it is applied again, and is not tried twice.
func (p writing) renameShares(ctx context.Context) error {
	if p.Opts.DryRun {
		return nil
	}
	planned := map[object.Key]bool{} // these are renamed when they are applied, or pruned
	if p.Plan != nil {
		for _, s := range p.Plan.Steps {
			planned[s.Key()] = true
		}
		for _, r := range p.Plan.Prunes {
			planned[object.KeyOf(r.Row.Ref)] = true
		}
	}
	var keys []object.Key
	for k, row := range p.Record.All() {
		u := p.Live.Member(k, p.Set)
		if !planned[k] && p.States[k] == live.InSync && !row.KeepsName && u != nil && u.GetUID() == row.UID && fields.HasEarlierName(u) {
			keys = append(keys, k)
		}
	}
	after, errs := make([]*unstructured.Unstructured, len(keys)), make([]error, len(keys))
	a := p.Applier()
	concurrent.Each(ctx, len(keys), apply.AtOnce, func(i int) {
		row, _ := p.Record.Row(keys[i])
		after[i], errs[i] = a.Rename(ctx, row.Ref, p.Live.Member(keys[i], p.Set))
	})
	for i, k := range keys {
		row, _ := p.Record.Row(k)
		switch u := after[i]; {
		case ctx.Err() != nil:
			return wait.ErrInterrupted
		case errs[i] != nil && !apierrors.IsNotFound(errs[i]):
			p.Say(report.Warning, "%s keeps the earlier name of our field manager: %s", row.Ref, p.Mask(errs[i].Error()))
			p.Record.NoteKeepsName(k)
		case u != nil && u.GetUID() == row.UID && live.OwnedDigest(p.Record.Inventory, row.ID(), u) == row.Owned:
			p.Record.Rewritten(k, u.GetResourceVersion(), u.GetGeneration(), live.MetadataDigest(p.Record.Inventory, row.ID(), u))
		}
		p.renamed = true
	}
	return nil
}
