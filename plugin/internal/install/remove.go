package install

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

var (
	pods       = cluster.Kind{Version: "v1", Kind: "Pod", Resource: "pods", Namespaced: true}
	configMaps = cluster.Kind{Version: "v1", Kind: "ConfigMap", Resource: "configmaps", Namespaced: true}
	secrets    = cluster.Kind{Version: "v1", Kind: "Secret", Resource: "secrets", Namespaced: true}
)

// Stop deletes the CronJob and with it its jobs, and waits until none of their pods is left: none may go on reconciling
// what is being taken down.
func (i *Instance) Stop(ctx context.Context) error {
	ref := cluster.Ref{Kind: CronJobs, Namespace: i.Namespace, Name: Name}
	u, err := i.Cluster.Get(ctx, ref)
	switch {
	case err == nil && u.GetLabels()[labelInstance] == i.Namespace:
		if err := i.delete(ctx, ref, u); err != nil {
			return err
		}
	case err != nil && !apierrors.IsNotFound(err):
		return fmt.Errorf("%s: %w", ref, err)
	}
	for _, k := range []cluster.Kind{Jobs, pods} {
		if err := i.none(ctx, k); err != nil {
			return err
		}
	}
	return nil
}

// none waits until no object of the kind belongs to the instance.
func (i *Instance) none(ctx context.Context, k cluster.Kind) error {
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		left, _, err := i.Cluster.List(ctx, k, i.Namespace, labelInstance+"="+i.Namespace)
		if err != nil || len(left) == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s/%s is still there: %w", k.Resource, left[0].GetName(), ctx.Err())
		case <-time.After(pause):
		}
	}
}

// Remove deletes what install created: rights, service account, and the Namespace when install or a run made it and
// nothing of others is in it. It returns what keeps the Namespace.
func (i *Instance) Remove(ctx context.Context) (others []string, err error) {
	owned, err := i.owned(ctx)
	if err != nil {
		return nil, err
	}
	for n := range owned {
		if err := i.delete(ctx, refOf(&owned[n]), &owned[n]); err != nil {
			return nil, err
		}
	}
	ns, others, err := i.namespace(ctx, nil)
	if ns == nil || err != nil || len(others) > 0 {
		return others, err
	}
	return nil, i.delete(ctx, refOf(ns), ns)
}

// owned lists the rights and service accounts that install created, in the order of their removal.
func (i *Instance) owned(ctx context.Context) ([]unstructured.Unstructured, error) {
	var all []unstructured.Unstructured
	for _, k := range append(slices.Clone(rbacKinds), ServiceAccounts) {
		found, err := i.labelled(ctx, k)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// refOf names an object of one of the kinds an instance is made of.
func refOf(u *unstructured.Unstructured) cluster.Ref {
	for _, k := range append(slices.Clone(rbacKinds), ServiceAccounts, Namespaces, CronJobs) {
		if k.GVK() == u.GroupVersionKind() {
			return cluster.Ref{Kind: k, Namespace: u.GetNamespace(), Name: u.GetName()}
		}
	}
	return cluster.Ref{Name: u.GetName()}
}

// Removal is what Stop, Remove and RemoveNamespace would do, in that order. Leaves says, of a Namespace that stays, why.
type Removal struct {
	Goes   []cluster.Ref
	Leaves map[cluster.Ref]string
	Order  []cluster.Ref // of Leaves
}

func (r *Removal) leave(ref cluster.Ref, why string) {
	r.Leaves[ref] = why
	r.Order = append(r.Order, ref)
}

// Foresee returns what would be removed. goes names objects that are gone by then; with created, Namespaces that runs
// created for apps are removed too.
func (i *Instance) Foresee(ctx context.Context, goes []cluster.Ref, created bool) (Removal, error) {
	r := Removal{Leaves: map[cluster.Ref]string{}}
	cron, err := i.CronJob(ctx)
	if err != nil {
		return r, err
	}
	if cron != nil && cron.GetLabels()[labelInstance] == i.Namespace {
		r.Goes = append(r.Goes, cluster.Ref{Kind: CronJobs, Namespace: i.Namespace, Name: Name})
	}
	owned, err := i.owned(ctx)
	if err != nil {
		return r, err
	}
	for n := range owned {
		r.Goes = append(r.Goes, refOf(&owned[n]))
	}
	spaces, err := i.Created(ctx)
	if err != nil {
		return r, err
	}
	for n := range spaces {
		ref := refOf(&spaces[n])
		if !created {
			r.leave(ref, "the objects of apps stay in it")
			continue
		}
		others, err := i.others(ctx, ref.Name, goes)
		switch {
		case err != nil:
			return r, err
		case len(others) > 0:
			r.leave(ref, strings.Join(others, ", "))
		default:
			r.Goes = append(r.Goes, ref)
		}
	}
	ns, others, err := i.namespace(ctx, goes)
	switch ref := (cluster.Ref{Kind: Namespaces, Name: i.Namespace}); {
	case ns == nil || err != nil:
	case len(others) > 0:
		r.leave(ref, strings.Join(others, ", "))
	default:
		r.Goes = append(r.Goes, ref)
	}
	return r, err
}

// Created lists the Namespaces that runs of the instance, or install for them, created for apps.
func (i *Instance) Created(ctx context.Context) ([]unstructured.Unstructured, error) {
	found, _, err := i.Cluster.List(ctx, Namespaces, "", record.LabelCreatedBy+"="+i.Namespace)
	return slices.DeleteFunc(found, func(u unstructured.Unstructured) bool { return u.GetDeletionTimestamp() != nil }), err
}

// RemoveNamespace deletes a Namespace of Created unless something is in it, which it returns then.
func (i *Instance) RemoveNamespace(ctx context.Context, ns *unstructured.Unstructured) (others []string, err error) {
	if others, err = i.others(ctx, ns.GetName(), nil); err != nil || len(others) > 0 {
		return others, err
	}
	return nil, i.delete(ctx, refOf(ns), ns)
}

// namespace returns the namespace of the instance, nil when there is none, and what keeps it.
func (i *Instance) namespace(ctx context.Context, goes []cluster.Ref) (*unstructured.Unstructured, []string, error) {
	ns, err := i.Cluster.Get(ctx, cluster.Ref{Kind: Namespaces, Name: i.Namespace})
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil, nil
	case err != nil:
		return nil, nil, err
	case ns.GetLabels()[labelInstance] != i.Namespace || ns.GetLabels()[labelManagedBy] != tool:
		return ns, []string{"it was there before"}, nil
	}
	others, err := i.others(ctx, i.Namespace, goes)
	return ns, others, err
}

// others lists what is in a namespace beside what every namespace has, what belongs to the instance, and goes. What is
// owned by something that is gone, or goes, follows it.
func (i *Instance) others(ctx context.Context, namespace string, goes []cluster.Ref) ([]string, error) {
	kinds, err := i.Cluster.NamespacedKinds(ctx)
	if err != nil {
		return nil, err
	}
	var found []inside
	for _, k := range kinds {
		if slices.Contains([]string{"Event", "Lease", "Endpoints", "EndpointSlice"}, k.Kind) || k.Group == "metrics.k8s.io" {
			continue // about objects, not of anybody
		}
		items, _, err := i.Cluster.ListMetadata(ctx, k, namespace, "", cluster.Read{})
		if apierrors.IsMethodNotSupported(err) || apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for n := range items {
			found = append(found, inside{cluster.Ref{Kind: k, Namespace: namespace, Name: items[n].Name}, &items[n]})
		}
	}
	return i.strangers(found, kinds, goes), nil
}

// inside is an object in a namespace.
type inside struct {
	cluster.Ref
	*metav1.PartialObjectMetadata
}

// strangers names the objects that are there to stay.
func (i *Instance) strangers(found []inside, kinds []cluster.Kind, goes []cluster.Ref) []string {
	stays := map[types.UID]bool{}
	for _, o := range found {
		everywhere := o.Ref.Kind == ServiceAccounts && o.Ref.Name == "default" || o.Ref.Kind == configMaps && o.Ref.Name == "kube-root-ca.crt"
		doomed := slices.ContainsFunc(goes, func(r cluster.Ref) bool {
			return r.Kind.Group == o.Ref.Group && r.Kind.Kind == o.Ref.Kind.Kind && r.Namespace == o.Ref.Namespace && r.Name == o.Ref.Name
		})
		ours := o.Labels[labelInstance] == i.Namespace || o.Ref.Namespace == i.Namespace && record.IsRecord(o.Labels)
		stays[o.UID] = !everywhere && !doomed && !ours && o.DeletionTimestamp == nil
	}
	followsOwner := func(o inside) bool {
		for _, owner := range o.OwnerReferences {
			here := slices.ContainsFunc(kinds, func(k cluster.Kind) bool {
				return k.Kind == owner.Kind && k.Group == schema.FromAPIVersionAndKind(owner.APIVersion, owner.Kind).Group
			})
			if !here || stays[owner.UID] {
				return false
			}
		}
		return len(o.OwnerReferences) > 0
	}
	for changed := true; changed; {
		changed = false
		for _, o := range found {
			if stays[o.UID] && followsOwner(o) {
				stays[o.UID], changed = false, true
			}
		}
	}
	var names []string
	for _, o := range found {
		if stays[o.UID] {
			names = append(names, o.Ref.String())
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Exists tells whether anything of an instance is in the namespace.
func (i *Instance) Exists(ctx context.Context) (bool, error) {
	for _, k := range append([]cluster.Kind{CronJobs, ServiceAccounts}, rbacKinds...) {
		found, err := i.labelled(ctx, k)
		if err != nil || len(found) > 0 {
			return len(found) > 0, err
		}
	}
	return false, nil
}
