package store

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// saving writes one record.
type saving struct{ *Store }

// Save writes the inventory and the parent with report and history. It creates the namespace of the instance when that
// is missing. ErrBusy means that another writer was faster, and that its inventory was not overwritten.
//
// A process may die between any two of the requests. Rows that are written ahead come before the parent, but an
// inventory that says that all is done comes after it: nobody would write the parent any more.
func (s *Store) Save(ctx context.Context, r *record.Record) error {
	if l := r.Stored.Lists.Of(report.Source{Repo: r.Source.Repo, Path: r.List}); r.List != "" && l != nil {
		r.Under = l.Stored.Version
	}
	shards, err := r.Encode()
	if err != nil {
		return err
	}
	if r.Pending {
		if err := (saving{s}).saveShards(ctx, r, shards); err != nil {
			return err
		}
		return saving{s}.saveParent(ctx, r)
	}
	if err := (saving{s}).saveParent(ctx, r); err != nil {
		return err
	}
	return saving{s}.saveShards(ctx, r, shards)
}

// saveShards writes the shards that differ, from the last to the first: when their count doubles, a row is in its new
// shard before it leaves the old one, whatever request is the last.
func (s saving) saveShards(ctx context.Context, r *record.Record, shards []record.Shard) error {
	for n := len(shards) - 1; n >= 0; n-- {
		if old, ok := r.Stored.Written[n]; ok && string(old.Header) == string(shards[n].Header) && string(old.Rows) == string(shards[n].Rows) {
			continue
		}
		if err := s.saveShard(ctx, r, n, shards[n]); err != nil {
			return fmt.Errorf("record of %s: %w", r.App, err)
		}
		r.Stored.Written[n] = shards[n]
	}
	return nil
}

func (s saving) saveShard(ctx context.Context, r *record.Record, n int, sh record.Shard) error {
	ref := cluster.Ref{Kind: secrets, Namespace: s.Namespace, Name: shardName(r.App, n)}
	data := map[string][]byte{"rows": sh.Rows, "seal": []byte(sh.Seal)}
	if n == 0 {
		data["header"] = sh.Header
	}
	annotations := map[string]string{record.AnnotationWriter: s.writer()}
	meta := map[string]any{
		"name": ref.Name, "namespace": ref.Namespace, "annotations": annotations,
		"labels": map[string]string{record.LabelApp: r.App, record.LabelShard: strconv.Itoa(n), "app.kubernetes.io/managed-by": record.Tool},
	}
	if n == 0 && r.Suspended != nil {
		text, err := json.Marshal(r.Suspended)
		if err != nil {
			return err
		}
		annotations[record.AnnotationSuspended] = string(text)
	}
	version, exists := r.Stored.Versions[n]
	if exists {
		meta["resourceVersion"] = version
		if entries := r.Stored.Renamed[n]; entries != nil {
			meta["managedFields"] = entries
		}
	}
	body, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": data,
		"type": "kubectl-gitops.dev/inventory"})
	if err != nil {
		return err
	}
	var saved *unstructured.Unstructured
	if exists {
		saved, err = s.Cluster.Update(ctx, ref, body, record.Manager)
	} else {
		saved, err = s.firstWrite(ctx, func() (*unstructured.Unstructured, error) {
			return s.Cluster.Create(ctx, ref, body, record.Manager)
		})
	}
	if apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) || (exists && apierrors.IsNotFound(err)) {
		saved, err = s.ownWrite(ctx, ref, body)
	}
	if err != nil {
		return err
	}
	r.Stored.Versions[n] = saved.GetResourceVersion()
	delete(r.Stored.Renamed, n)
	return nil
}

// writer is a name that no other process has: two that start from the same record and the same commit write the same data.
func (s *Store) writer() string {
	s.once.Do(func() { s.self = rand.Text() })
	return s.self
}

// ownWrite decides what a conflict means: it is our own write when its answer was lost and the request was repeated, and the
// data are there as we sent them, under our name where that is written. Anything else is ErrBusy.
func (s saving) ownWrite(ctx context.Context, ref cluster.Ref, body []byte) (*unstructured.Unstructured, error) {
	live, err := s.Cluster.Get(ctx, ref)
	if err != nil {
		return nil, ErrBusy
	}
	var sent struct {
		Metadata struct{ Annotations map[string]string }
		Data     map[string]string
	}
	data, _, _ := unstructured.NestedStringMap(live.Object, "data")
	if json.Unmarshal(body, &sent) != nil || !maps.Equal(sent.Data, data) ||
		sent.Metadata.Annotations[record.AnnotationWriter] != live.GetAnnotations()[record.AnnotationWriter] {
		return nil, ErrBusy
	}
	return live, nil
}

// firstWrite runs a write that may be the first in the namespace of the instance, after creating that where it is missing.
// It is looked for beforehand, once: the server takes 50 ms to refuse a write without it.
func (s saving) firstWrite(ctx context.Context, write func() (*unstructured.Unstructured, error)) (*unstructured.Unstructured, error) {
	if !s.hasNamespace {
		if err := s.ensureNamespace(ctx); err != nil {
			return nil, err
		}
	}
	u, err := write()
	s.hasNamespace = err == nil
	return u, err
}

func (s saving) ensureNamespace(ctx context.Context) error {
	ref := cluster.Ref{Kind: namespaces, Name: s.Namespace}
	live, err := s.Cluster.Get(ctx, ref)
	switch {
	case err == nil && live.GetDeletionTimestamp() != nil:
		return hint.Errorf(fmt.Sprintf("namespace %s is being terminated", s.Namespace), "wait until it is gone, then run again")
	case !apierrors.IsNotFound(err):
		return nil // it is there, or the write tells what is wrong
	}
	if _, err := s.Cluster.Create(ctx, ref, s.NewNamespace(s.Namespace, ""), record.Manager); err != nil && !apierrors.IsAlreadyExists(err) {
		return hint.With(fmt.Errorf("create namespace %s: %w", s.Namespace, err), "create it yourself, or name another with -n")
	}
	return nil
}

func (s saving) saveParent(ctx context.Context, r *record.Record) error {
	if !r.Stored.Parent {
		if _, err := s.LoadParent(ctx, r, r.App); err != nil {
			return err
		}
	}
	ref := cluster.Ref{Kind: configMaps, Namespace: s.Namespace, Name: record.ParentName(r.App)}
	report, err := json.Marshal(r.Report)
	if err != nil {
		return err
	}
	history, err := json.Marshal(r.History)
	if err != nil {
		return err
	}
	groupKinds, spaces := r.Hints(s.Namespace)
	meta := map[string]any{
		"name": ref.Name, "namespace": ref.Namespace,
		"labels": map[string]string{record.LabelID: s.ID(r.App), record.LabelApp: r.App, "app.kubernetes.io/managed-by": record.Tool},
		"annotations": map[string]string{
			record.AnnotationTooling:    s.Tool,
			record.AnnotationGroupKinds: strings.Join(groupKinds, ","),
			record.AnnotationNamespaces: strings.Join(spaces, ","),
		},
	}
	if r.Stored.Version != "" {
		s.renameParent(ctx, r, ref)
		meta["resourceVersion"] = r.Stored.Version
	}
	body, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta,
		"data": map[string]string{"report": string(report), "history": string(history)}})
	if err != nil {
		return err
	}
	write := func() (*unstructured.Unstructured, error) {
		u, _, err := s.Cluster.Apply(ctx, ref, body, cluster.ApplyOptions{Manager: record.Manager, Force: true})
		return u, err
	}
	var saved *unstructured.Unstructured
	if r.Stored.Version == "" {
		saved, err = s.firstWrite(ctx, write)
	} else {
		saved, err = write()
	}
	if apierrors.IsConflict(err) {
		saved, err = s.ownWrite(ctx, ref, body)
	}
	if err != nil {
		return fmt.Errorf("record of %s: %w", r.App, err)
	}
	r.Stored.Version = saved.GetResourceVersion()
	return nil
}

// renameParent gives our entry on the parent today's name, once. A parent that somebody else has written is left to the
// apply, which finds that out.
func (s saving) renameParent(ctx context.Context, r *record.Record, parent cluster.Ref) {
	patch, err := json.Marshal([]map[string]any{
		{"op": "test", "path": "/metadata/resourceVersion", "value": r.Stored.Version},
		{"op": "replace", "path": "/metadata/managedFields", "value": r.Stored.Shares}})
	if r.Stored.Shares == nil || err != nil {
		return
	}
	if u, err := s.Cluster.PatchJSON(ctx, parent, patch, record.Manager); err == nil {
		r.Stored.Version = u.GetResourceVersion()
	}
	r.Stored.Shares = nil
}

// Unchanged returns nil when nobody else has saved the record since it was loaded or saved, ErrBusy when somebody has.
func (s *Store) Unchanged(ctx context.Context, r *record.Record) error {
	version, err := s.Cluster.Version(ctx, cluster.Ref{Kind: secrets, Namespace: s.Namespace, Name: shardName(r.App, 0)})
	switch {
	case err != nil && !apierrors.IsNotFound(err):
		return fmt.Errorf("record of %s: %w", r.App, err)
	case err != nil && r.Stored.Versions[0] != "", err == nil && version != r.Stored.Versions[0]:
		return ErrBusy
	}
	return nil
}
