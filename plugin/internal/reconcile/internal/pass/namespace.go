package pass

import (
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// targetNamespace returns the namespace of the app for objects that name none, unless the app contains that Namespace. A run
// creates it when it is missing. It does not belong to the app: it is never changed or pruned.
func (p writing) targetNamespace() (cluster.Ref, bool) {
	name := p.App.Namespace
	if name == "" || slices.ContainsFunc(p.Desired, func(o *desired.Object) bool {
		return o.Ref.Kind.Kind == "Namespace" && o.Group == "" && o.Name == name
	}) {
		return cluster.Ref{}, false
	}
	return cluster.Ref{Kind: cluster.Kind{Version: "v1", Kind: "Namespace", Resource: "namespaces"}, Name: name}, true
}

// needsNamespace reports whether the plan creates objects or runs hooks that may need the target namespace.
func (p writing) needsNamespace() bool {
	return p.Hooks.New && !p.Listed.hasLeft() || slices.ContainsFunc(p.Plan.Steps, func(s *plan.Step) bool {
		return !p.Listed.hasLeft() && (s.Row == nil || s.State == live.Missing) || s.Live == nil && s.Namespace == p.App.Namespace
	})
}

// ensureNamespace creates the target namespace when it is missing. A dry run reports it only.
func (p writing) ensureNamespace(ctx context.Context) error {
	ref, ok := p.targetNamespace()
	if !ok || !p.needsNamespace() {
		return nil
	}
	body := p.Records.NewNamespace(ref.Name, p.App.Name)
	_, err := p.Cluster.Get(ctx, ref)
	if apierrors.IsNotFound(err) {
		if !p.Opts.DryRun {
			err = p.Applier().CreateNamespace(ctx, ref, body)
		}
		if err == nil || p.Opts.DryRun {
			p.tellNamespace(ref, body)
			return nil
		}
	}
	if err != nil && !apierrors.IsAlreadyExists(err) && !apierrors.IsForbidden(err) {
		return hint.With(fmt.Errorf("namespace %s: %w", ref.Name, err), "create it yourself, or name another with --target-namespace")
	}
	return nil
}

// tellNamespace reports that the target namespace is created. It is not counted, since it is no object of the app.
func (p writing) tellNamespace(ref cluster.Ref, body []byte) {
	if p.Opts.DryRun && slices.ContainsFunc(p.PromisedNamespaces, func(n string) bool { return n == ref.Name }) {
		return // an app before this one would create it
	}
	c := report.Change{Object: ref.ID(), Short: ref.String(), Action: report.Created, Note: "for objects that name no namespace"}
	p.Remark(c)
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(body); err == nil {
		p.Effects = append(p.Effects, report.Effect{Ref: ref, Origin: manifest.Origin{File: p.App.Place()}, After: u})
	}
}

// madeNamespace reports whether u is a Namespace that an earlier run created for this app, before the app itself contained it.
func (p writing) madeNamespace(u *unstructured.Unstructured) bool {
	return object.Is(u.GetAPIVersion(), u.GetKind(), "", "Namespace") && p.Records.CreatedFor(u) == p.App.Name
}
