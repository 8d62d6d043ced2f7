package install

import (
	"context"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
)

var (
	pods       = cluster.Kind{Version: "v1", Kind: "Pod", Resource: "pods", Namespaced: true}
	configMaps = cluster.Kind{Version: "v1", Kind: "ConfigMap", Resource: "configmaps", Namespaced: true}
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

// Remove deletes what install created: rights, service account, and the Namespace when install made it and nothing of
// others is in it. It returns what keeps the Namespace.
func (i *Instance) Remove(ctx context.Context) (others []string, err error) {
	for _, k := range append(slices.Collect(slices.Values(rbacKinds)), ServiceAccounts) {
		found, err := i.labelled(ctx, k)
		if err != nil {
			return nil, err
		}
		for _, u := range found {
			if err := i.delete(ctx, cluster.Ref{Kind: k, Namespace: u.GetNamespace(), Name: u.GetName()}, &u); err != nil {
				return nil, err
			}
		}
	}
	ref := cluster.Ref{Kind: Namespaces, Name: i.Namespace}
	ns, err := i.Cluster.Get(ctx, ref)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if ns.GetLabels()[labelInstance] != i.Namespace || ns.GetLabels()[labelManagedBy] != tool {
		return []string{"it was there before"}, nil
	}
	others, err = i.others(ctx)
	if err != nil || len(others) > 0 {
		return others, err
	}
	return nil, i.delete(ctx, ref, ns)
}

// others lists what is in the namespace beside what every namespace has.
func (i *Instance) others(ctx context.Context) ([]string, error) {
	kinds, err := i.Cluster.NamespacedKinds(ctx)
	if err != nil {
		return nil, err
	}
	found := map[string]bool{}
	for _, k := range kinds {
		if slices.Contains([]string{"Event", "Lease", "Endpoints"}, k.Kind) || k.Group == "metrics.k8s.io" {
			continue // about objects, not of anybody
		}
		items, _, err := i.Cluster.ListMetadata(ctx, k, i.Namespace, "", cluster.Read{})
		if apierrors.IsMethodNotSupported(err) || apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, o := range items {
			ref := cluster.Ref{Kind: k, Namespace: i.Namespace, Name: o.Name}
			everywhere := k == ServiceAccounts && o.Name == "default" || k == configMaps && o.Name == "kube-root-ca.crt"
			if !everywhere && o.DeletionTimestamp == nil {
				found[ref.String()] = true
			}
		}
	}
	var names []string
	for name := range found {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, nil
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
