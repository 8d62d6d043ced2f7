package record

import (
	"context"
	"errors"
	"fmt"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
)

// Objects lists what holds the records of the instance: of all apps, and of files gitops.yaml.
func (s *Store) Objects(ctx context.Context) ([]cluster.Ref, error) {
	var refs []cluster.Ref
	for _, k := range []cluster.Kind{configMaps, secrets} {
		items, _, err := s.Cluster.ListMetadata(ctx, k, s.Namespace, labelApp, cluster.Read{})
		if err != nil {
			return nil, s.refused(err)
		}
		for _, u := range items {
			if IsRecord(u.Labels) {
				refs = append(refs, cluster.Ref{Kind: k, Namespace: s.Namespace, Name: u.Name})
			}
		}
	}
	return refs, nil
}

// RemoveLists deletes what the instance knows of files gitops.yaml.
func (s *Store) RemoveLists(ctx context.Context) error {
	items, _, err := s.Cluster.List(ctx, secrets, s.Namespace, labelList)
	if err != nil {
		return s.refused(err)
	}
	var errs []error
	for _, u := range items {
		ref := cluster.Ref{Kind: secrets, Namespace: s.Namespace, Name: u.GetName()}
		if _, err := s.Cluster.Delete(ctx, ref, u.GetUID(), false); err != nil {
			errs = append(errs, fmt.Errorf("delete %s: %w", ref, err))
		}
	}
	return errors.Join(errs...)
}

// Remove deletes the record of an app: what it named is managed no longer. The parent goes last, so that a record that
// is half gone is still found.
func (s *Store) Remove(ctx context.Context, app string) error {
	var errs []error
	for _, k := range []cluster.Kind{secrets, configMaps} {
		items, _, err := s.Cluster.List(ctx, k, s.Namespace, labelApp+"="+app+",app.kubernetes.io/managed-by="+Tool)
		if err != nil {
			return s.refused(err)
		}
		for _, u := range items {
			ref := cluster.Ref{Kind: k, Namespace: s.Namespace, Name: u.GetName()}
			if _, err := s.Cluster.Delete(ctx, ref, u.GetUID(), false); err != nil {
				errs = append(errs, fmt.Errorf("delete %s: %w", ref, err))
			}
		}
		if len(errs) > 0 {
			break
		}
	}
	return errors.Join(errs...)
}
