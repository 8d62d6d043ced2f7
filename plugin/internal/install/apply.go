package install

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	managed "github.com/kubectl-gitops/kubectl-gitops/plugin/internal/fields"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// Instance is what is, or is to be, installed in one namespace.
type Instance struct {
	Cluster   *cluster.Client
	Namespace string
	Tell      func(report.Change) // is told what happens to each object
}

// rbacKinds are what an instance may have outside its namespace.
var rbacKinds = []cluster.Kind{Roles, RoleBindings, ClusterRoles, ClusterRoleBindings}

// Apply brings the instance to what objects say, and deletes rights of an earlier installation that are not among them.
// Nothing is written when Git keeps one of the objects and says something else.
func (i *Instance) Apply(ctx context.Context, objects []Object) error {
	live := make([]*unstructured.Unstructured, len(objects))
	var errs []error
	for n, o := range objects {
		u, err := i.Cluster.Get(ctx, o.Ref)
		if err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("%s: %w", o.Ref, err)
		}
		if err == nil {
			live[n] = u
			errs = append(errs, i.keptByGit(ctx, o, u))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return hint.With(err, "commit what `kubectl gitops install ... --dry-run=client -o yaml` prints instead")
	}
	for n, o := range objects {
		if err := i.apply(ctx, o, live[n]); err != nil {
			return err
		}
	}
	return i.removeStale(ctx, objects)
}

// keptByGit returns an error when an app of the instance keeps the object otherwise than o: its next pass would undo
// what is written here.
func (i *Instance) keptByGit(ctx context.Context, o Object, live *unstructured.Unstructured) error {
	if live.GetLabels()[record.LabelPartOf] == "" || o.foreignNamespace(live) {
		return nil
	}
	after, err := i.send(ctx, o, true)
	if err != nil {
		return err
	}
	if len(differences(live, after)) == 0 {
		return nil
	}
	return fmt.Errorf("%s is managed from Git, and Git has other values", o.Ref)
}

// foreignNamespace tells whether o is a Namespace that somebody else made: it is used as it is.
func (o Object) foreignNamespace(live *unstructured.Unstructured) bool {
	return o.Kind == Namespaces && live != nil && (o.Manifest.GetLabels() == nil || live.GetLabels()[labelInstance] != o.Name)
}

func (i *Instance) apply(ctx context.Context, o Object, live *unstructured.Unstructured) error {
	change := report.Change{Object: o.ID(), Short: o.Ref.String(), Action: report.Unchanged}
	if o.foreignNamespace(live) {
		if live.GetLabels()[record.LabelCreatedBy] != i.Namespace {
			change.Note = "it was there before"
		}
		i.Tell(change)
		return nil
	}
	if live != nil { // beside an entry under an earlier name, what install does not send any more would stay
		if _, err := i.Cluster.RenameManagers(ctx, o.Ref, live, Manager); err != nil {
			return explain(o.Ref, err)
		}
	}
	after, err := i.send(ctx, o, false)
	if err != nil {
		return explain(o.Ref, err)
	}
	switch {
	case live == nil:
		change.Action = report.Created
	case len(differences(live, after)) > 0:
		change.Action = report.Configured
		for _, d := range differences(live, after) {
			change.Fields = append(change.Fields, report.FieldChange{Path: d.Path, From: d.From, To: d.To})
		}
	}
	i.Tell(change)
	return nil
}

func (i *Instance) send(ctx context.Context, o Object, dry bool) (*unstructured.Unstructured, error) {
	body, err := json.Marshal(o.Manifest.Object)
	if err != nil {
		return nil, err
	}
	u, _, err := i.Cluster.Apply(ctx, o.Ref, body, cluster.ApplyOptions{Manager: Manager, Force: true, DryRun: dry})
	return u, err
}

// differences lists what differs in the fields that install owns, or owned before.
func differences(before, after *unstructured.Unstructured) []managed.Difference {
	set, ok, err := managed.Applied(after, Manager)
	if !ok || err != nil {
		return nil
	}
	if was, ok, err := managed.Applied(before, Manager); ok && err == nil {
		set = set.Union(was)
	}
	return managed.Diff(before, after, set)
}

func explain(r cluster.Ref, err error) error {
	text := fmt.Errorf("%s: %w", r, err)
	switch {
	case apierrors.IsForbidden(err) && strings.Contains(err.Error(), "attempting to grant"):
		return hint.With(text, "you can only give the instance rights that you have yourself: ask a cluster administrator")
	case apierrors.IsForbidden(err):
		return hint.With(text, "installing needs the right to create namespaces, roles and cron jobs: ask a cluster administrator")
	}
	return text
}

// removeStale deletes rights that an earlier installation gave and this one does not.
func (i *Instance) removeStale(ctx context.Context, objects []Object) error {
	for _, k := range slices.Backward(rbacKinds) { // bindings before roles
		found, err := i.labelled(ctx, k)
		if err != nil {
			return err
		}
		for _, u := range found {
			ref := cluster.Ref{Kind: k, Namespace: u.GetNamespace(), Name: u.GetName()}
			if slices.ContainsFunc(objects, func(o Object) bool { return o.Ref == ref }) {
				continue
			}
			if err := i.delete(ctx, ref, &u); err != nil {
				return err
			}
		}
	}
	return nil
}

// labelled lists what of a kind belongs to the instance.
func (i *Instance) labelled(ctx context.Context, k cluster.Kind) ([]unstructured.Unstructured, error) {
	items, _, err := i.Cluster.List(ctx, k, "", labelInstance+"="+i.Namespace+","+labelManagedBy+"="+tool)
	return items, err
}

func (i *Instance) delete(ctx context.Context, r cluster.Ref, u *unstructured.Unstructured) error {
	if _, err := i.Cluster.Delete(ctx, r, u.GetUID(), false); err != nil {
		return fmt.Errorf("delete %s: %w", r, err)
	}
	i.Tell(report.Change{Object: r.ID(), Short: r.String(), Action: report.Pruned})
	return nil
}
