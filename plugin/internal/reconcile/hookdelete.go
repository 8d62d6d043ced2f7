package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// retired tells whether the app left gitops.yaml.
func (p *pass) retired() bool { return p.listed != nil && p.listed.retired }

// goesOn tells whether the removal of the app has begun, with its hooks, in a pass before this one. It was allowed then.
func (p *pass) goesOn() bool { return p.dueFor == record.HooksDelete && !p.newlyDue }

// planRemoval finds out whether hooks are to run because the app left gitops.yaml. They do not while its objects stay,
// or may be another app's, and never when another app takes over some of them: it was moved then.
func (p *pass) planRemoval() error {
	if p.listed.aside || p.app.KeepRemoved || p.listed.keeps != "" {
		return nil
	}
	if len(p.HandsOver) > 0 {
		p.handedOver = len(p.rec.Kept) > 0
		return nil
	}
	return p.takeKept()
}

// takeKept makes the hooks that the record keeps those of this pass.
func (p *pass) takeKept() error {
	hooks, err := keptHooks(p.rec)
	if err != nil {
		return hint.With(err, "put the app back into gitops.yaml: the next run records its hooks anew")
	}
	if len(hooks) == 0 {
		return nil
	}
	for _, o := range hooks {
		if why, advice := p.app.Allow.Refuses(o.Ref); why != "" {
			return hint.Errorf(fmt.Sprintf("hook %s: %s", p.shortOf(o), why), "%s", advice)
		}
	}
	p.hooks, p.manifests = hooks, p.rec.Hash(p.rec.Kept)
	p.newlyDue, p.dueFor = p.rec.Due != record.HooksDelete, record.HooksDelete
	if p.opts.DryRun {
		p.rec.Due = p.dueFor
	}
	return nil
}

// keptHooks reads the hooks that a record keeps for the removal of its app.
func keptHooks(rec *record.Record) ([]*desired.Object, error) {
	if rec == nil || rec.Inventory == nil {
		return nil, nil
	}
	kept, err := rec.KeptHooks()
	if err != nil {
		return nil, err
	}
	var hooks []*desired.Object
	for _, k := range kept {
		o := &desired.Object{Ref: k.Object, Manifest: &unstructured.Unstructured{}, Body: k.Manifest}
		err := o.Manifest.UnmarshalJSON(k.Manifest)
		if err == nil {
			o.Hook, err = desired.ParseHook(o.Manifest.GetAnnotations())
		}
		if err == nil && o.Hook == nil {
			err = errors.New("it is none")
		}
		if err == nil {
			err = checkKept(o)
		}
		if err != nil {
			return nil, fmt.Errorf("hook %s: %w", k.Object, err)
		}
		hooks = append(hooks, o)
	}
	return hooks, nil
}

// checkKept returns an error when what a record says of a hook is not what its manifest says: one is looked at to see whether
// the app may contain it, and the other is sent.
func checkKept(o *desired.Object) error {
	ref, gvk := o.Ref, o.Manifest.GroupVersionKind()
	if ref.Name == "" {
		ref.Name = o.Manifest.GetGenerateName() + "x"
	}
	if gvk != o.GVK() || o.Manifest.GetName() != o.Name || o.Manifest.GetNamespace() != o.Namespace {
		return errors.New("its manifest is about another object")
	}
	return ref.Check()
}

// preDelete runs the PreDelete hooks of an app that is removed.
func (p *pass) preDelete(ctx context.Context) error {
	if p.handedOver {
		return p.dropKept(ctx)
	}
	if !p.hooksDue() {
		return nil
	}
	p.plan.Prunes, p.plan.Containers = p.splitHosts(p.plan.Prunes)
	if p.opts.DryRun {
		return nil
	}
	if err := p.knowSecrets(ctx); err != nil {
		return err
	}
	return p.runHooks(ctx, desired.PreDelete, all)
}

// dropKept takes hooks out of the record that must not run later either, when nothing tells any more that the app was
// moved.
func (p *pass) dropKept(ctx context.Context) error {
	p.Say(report.Warning, "%s left gitops.yaml, and another app takes over objects of it: it was moved, so its PreDelete and PostDelete hooks do not run", p.app.Name)
	if p.opts.DryRun {
		return nil
	}
	p.rec.Kept, p.rec.Due = nil, ""
	return p.saveHooks(ctx)
}

// splitHosts takes apart the removals that a PostDelete hook has to wait for and those that it lives in: its Namespace,
// and the definition of its kind.
func (p *pass) splitHosts(removals []plan.Prune) (first, last []plan.Prune) {
	after := p.hooksOf(desired.PostDelete)
	for _, r := range removals {
		if slices.ContainsFunc(after, func(o *desired.Object) bool { return record.Contains(r.Row.Ref, o.Ref) }) {
			last = append(last, r)
		} else {
			first = append(first, r)
		}
	}
	return first, last
}

// knowSecrets reads the Secrets of an app that is removed: what its hooks say when they fail must not show their values.
func (p *pass) knowSecrets(ctx context.Context) error {
	for _, row := range p.rec.Sorted() {
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

// knowsSecrets tells whether the values are known that a hook could show. Those of an app whose objects an earlier pass
// has deleted are not, and so nothing is repeated of what its hooks say.
func (p *pass) knowsSecrets(run *record.HookRun) bool {
	return run.Phase != desired.PostDelete || !p.goesOn()
}

// postDelete runs the PostDelete hooks once the objects are gone.
func (p *pass) postDelete(ctx context.Context) error {
	if len(p.failed) > 0 {
		return nil
	}
	return p.runHooks(ctx, desired.PostDelete, all)
}

func (p *pass) pruneHosts(ctx context.Context) error { return p.pruneAll(ctx, p.plan.Containers) }

// removed notes that the hooks of the removal have run. cleanHooks deletes their objects then, whatever their policy:
// nobody else would.
func (p *pass) removed(context.Context) error {
	if p.hooksDue() && len(p.failed) == 0 && !p.opts.DryRun {
		p.hooks, p.dueFor = nil, ""
		p.rec.Kept, p.rec.Due = nil, ""
	}
	return nil
}

// wayOut says how to go on after a hook of a removal that failed.
func (p *pass) wayOut(phase string) string {
	name, state := p.app.Name, "nothing of "+p.app.Name+" is deleted"
	if phase == desired.PostDelete {
		state = "the objects of " + name + " are deleted, its record stays"
	}
	if p.listed == nil {
		return state + "; uninstall tries it again, or mend it in Git, reconcile, and uninstall then"
	}
	return fmt.Sprintf("%s; `kubectl gitops reconcile %s` tries it again, or put the app back with the hook mended, and remove it then", state, name)
}
