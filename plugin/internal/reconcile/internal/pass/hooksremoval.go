package pass

import (
	"context"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/hooks"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// PlanRemoval finds out whether the hooks of the removal run because the app left gitops.yaml. They do not run while its
// objects stay, or when another app takes over some of them: the app was moved then.
func (p planning) PlanRemoval() error {
	if p.Listed.NotSelected || plan.WhyKept(p.App, true) != "" || p.Listed.NotPruned != "" {
		return nil
	}
	if len(p.HandsOver) > 0 {
		p.handedOver = len(p.Record.Kept) > 0
		return nil
	}
	return p.takeKept()
}

// preDelete runs the PreDelete hooks of an app that is removed.
func (p removal) preDelete(ctx context.Context) error {
	if p.handedOver {
		return p.dropKept(ctx)
	}
	if !p.Hooks.AreDue() {
		return nil
	}
	p.Plan.Prunes, p.Plan.Containers = p.splitContainers(p.Plan.Prunes)
	if p.Opts.DryRun {
		return nil
	}
	if err := p.knowSecrets(ctx); err != nil {
		return err
	}
	return p.hookRunner().Run(ctx, desired.PreDelete, hooks.All)
}

// dropKept removes the kept hooks of a moved app from the record: later, nothing shows any more that the app was moved.
func (p removal) dropKept(ctx context.Context) error {
	p.Say(report.Warning, "%s left gitops.yaml, and another app takes over objects of it: it was moved, so its PreDelete and PostDelete hooks do not run", p.App.Name)
	if p.Opts.DryRun {
		return nil
	}
	p.Record.EndRemoval()
	return p.hookRunner().SaveState(ctx)
}

// splitContainers splits off the prunes that a PostDelete hook lives in: its Namespace, and the CRD of its kind.
func (p removal) splitContainers(removals []plan.Prune) (first, last []plan.Prune) {
	after := desired.HooksOf(p.Hooks.List, desired.PostDelete, p.Record.Due)
	for _, r := range removals {
		if slices.ContainsFunc(after, func(o *desired.Object) bool { return record.Contains(r.Row.Ref, o.Ref) }) {
			last = append(last, r)
		} else {
			first = append(first, r)
		}
	}
	return first, last
}

// knowSecrets reads the Secrets of an app that is removed, so that their values can be masked in the output of failed hooks.
func (p removal) knowSecrets(ctx context.Context) error {
	for _, row := range p.Record.Sorted() {
		if row.Group != "" || row.Ref.Kind.Kind != "Secret" {
			continue
		}
		live, err := p.Cluster.Get(ctx, row.Ref)
		if err == nil {
			p.KnownSecrets = append(p.KnownSecrets, live)
		} else if !apierrors.IsNotFound(err) {
			return err
		}
	}
	return nil
}

// postDelete runs the PostDelete hooks once the objects are gone.
func (p removal) postDelete(ctx context.Context) error {
	if len(p.Exec.Failed) > 0 {
		return nil
	}
	return p.hookRunner().Run(ctx, desired.PostDelete, hooks.All)
}

// removed notes that the hooks of the removal have run. Their objects are then deleted, whatever their policy says.
func (p removal) removed(context.Context) error {
	if p.Hooks.AreDue() && len(p.Exec.Failed) == 0 && !p.Opts.DryRun {
		p.Hooks.List, p.Hooks.Due = nil, ""
		p.Record.EndRemoval()
	}
	return nil
}
