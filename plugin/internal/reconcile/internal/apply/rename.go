package apply

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/fields"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// Earlier versions applied under another manager name. Both names count as ours wherever managedFields are read, so an
// upgrade alone is no drift. The first pass renames the entries; it changes nothing else of the objects.

// renaming gives our entries in managedFields the name and the version with which we apply.
type renaming struct{ *Applier }

// underOneName prepares a step whose live object has our entry under its earlier name. With entries under both names, a
// field that leaves Git would stay in the object. A dry run applies under the earlier name.
func (a renaming) underOneName(ctx context.Context, s *plan.Step, live *unstructured.Unstructured) (*plan.Step, error) {
	if live == nil || !fields.HasEarlierName(live) {
		return s, nil
	}
	t := *s
	if a.DryRun {
		t.Share = fields.AppliedAs(live, record.Manager)
		return &t, nil
	}
	after, err := a.Client.RenameManagers(ctx, s.Ref, live, record.Manager)
	if err != nil {
		return s, fmt.Errorf("rename our field manager: %w", err)
	}
	t.Live = after
	return &t, nil
}

// oneShare repeats an apply to an object that turned out to have our entry under its earlier name as well, because it was
// not known to be ours.
func (a renaming) oneShare(ctx context.Context, s *plan.Step, u *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	if !fields.HasEarlierName(u) {
		return u, nil
	}
	if a.DryRun {
		return fields.WithoutTwin(u, record.Manager)
	}
	if _, err := a.Client.RenameManagers(ctx, s.Ref, u, record.Manager); err != nil {
		return nil, fmt.Errorf("rename our field manager: %w", err)
	}
	after, _, err := a.send(ctx, s, u.GetUID())
	return after, err
}

// Rename gives our entries in the managedFields of a live object today's name, and changes nothing else. The object is returned as
// the server stored it.
func (a *Applier) Rename(ctx context.Context, ref cluster.Ref, live metav1.Object) (*unstructured.Unstructured, error) {
	return a.Client.RenameManagers(ctx, ref, live, record.Manager)
}

// CreateNamespace creates the Namespace that a run makes for an app. It is an AlreadyExists when somebody was faster.
func (a *Applier) CreateNamespace(ctx context.Context, ref cluster.Ref, body []byte) error {
	_, err := a.Client.Create(ctx, ref, body, record.Manager)
	return err
}
