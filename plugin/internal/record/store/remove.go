package store

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// Objects lists what holds the records of the instance: of all apps, and of files gitops.yaml.
func (s *Store) Objects(ctx context.Context) ([]cluster.Ref, error) {
	var refs []cluster.Ref
	for _, k := range []cluster.Kind{configMaps, secrets} {
		items, _, err := s.Cluster.ListMetadata(ctx, k, s.Namespace, record.LabelApp, cluster.Read{})
		if err != nil {
			return nil, s.refused(err)
		}
		for _, u := range items {
			if record.IsRecord(u.Labels) {
				refs = append(refs, cluster.Ref{Kind: k, Namespace: s.Namespace, Name: u.Name})
			}
		}
	}
	return refs, nil
}

// RemoveLists deletes what the instance knows of files gitops.yaml.
func (s *Store) RemoveLists(ctx context.Context) error {
	items, _, err := s.Cluster.List(ctx, secrets, s.Namespace, record.LabelList)
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
		items, _, err := s.Cluster.List(ctx, k, s.Namespace, record.LabelApp+"="+app+",app.kubernetes.io/managed-by="+record.Tool)
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

// Delete removes the record of an app that has no objects any more: the parent, then the inventory from its last shard
// to its first. Whatever request is the last before an accident, what is left reads as a record without rows.
func (s *Store) Delete(ctx context.Context, r *record.Record) error {
	if r.Len() > 0 {
		return fmt.Errorf("record of %s: it still has %d objects", r.App, r.Len())
	}
	refs := []cluster.Ref{{Kind: configMaps, Namespace: s.Namespace, Name: record.ParentName(r.App)}}
	if r.Shards > 1 { // emptied already
		r.Shards = 1
		if err := (saving{s}).saveShards(ctx, r, []record.Shard{r.Empty()}); err != nil {
			return err
		}
	}
	last := 0
	for n := range r.Stored.Versions {
		last = max(last, n)
	}
	for n := last; n >= 0; n-- {
		refs = append(refs, cluster.Ref{Kind: secrets, Namespace: s.Namespace, Name: shardName(r.App, n)})
	}
	for _, ref := range refs {
		live, err := s.Cluster.Get(ctx, ref)
		if apierrors.IsNotFound(err) {
			continue
		}
		if err == nil {
			_, err = s.Cluster.Delete(ctx, ref, live.GetUID(), false)
		}
		if err != nil {
			return fmt.Errorf("record of %s: %w", r.App, err)
		}
	}
	return nil
}
