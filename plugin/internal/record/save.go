package record

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
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

func (s *Store) Save(ctx context.Context, r *Record) error {
	if l := s.ListOf(report.Source{Repo: r.Source.Repo, Path: r.List}); r.List != "" && l != nil {
		r.Under = l.version
	}
	shards, err := r.encode()
	if err != nil {
		return err
	}
	if r.Pending {
		if err := s.saveShards(ctx, r, shards); err != nil {
			return err
		}
		return s.saveParent(ctx, r)
	}
	if err := s.saveParent(ctx, r); err != nil {
		return err
	}
	return s.saveShards(ctx, r, shards)
}

func (s *Store) saveShards(ctx context.Context, r *Record, shards []shard) error {
	for n := len(shards) - 1; n >= 0; n-- {
		if old, ok := r.written[n]; ok && string(old.header) == string(shards[n].header) && string(old.rows) == string(shards[n].rows) {
			continue
		}
		if err := s.saveShard(ctx, r, n, shards[n]); err != nil {
			return fmt.Errorf("record of %s: %w", r.App, err)
		}
		r.written[n] = shards[n]
	}
	return nil
}

func (s *Store) saveShard(ctx context.Context, r *Record, n int, sh shard) error {
	ref := cluster.Ref{Kind: secrets, Namespace: s.Namespace, Name: shardName(r.App, n)}
	data := map[string][]byte{"rows": sh.rows, "seal": []byte(sh.seal)}
	if n == 0 {
		data["header"] = sh.header
	}
	annotations := map[string]string{annotationWriter: s.writer()}
	meta := map[string]any{
		"name": ref.Name, "namespace": ref.Namespace, "annotations": annotations,
		"labels": map[string]string{labelApp: r.App, labelShard: strconv.Itoa(n), "app.kubernetes.io/managed-by": Tool},
	}
	if n == 0 && r.Suspended != nil {
		text, err := json.Marshal(r.Suspended)
		if err != nil {
			return err
		}
		annotations[AnnotationSuspended] = string(text)
	}
	version, exists := r.versions[n]
	if exists {
		meta["resourceVersion"] = version
		if entries := r.renamed[n]; entries != nil {
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
		saved, err = s.Cluster.Update(ctx, ref, body, Manager)
	} else {
		saved, err = s.firstWrite(ctx, func() (*unstructured.Unstructured, error) {
			return s.Cluster.Create(ctx, ref, body, Manager)
		})
	}
	if apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) || (exists && apierrors.IsNotFound(err)) {
		saved, err = s.ownWrite(ctx, ref, body)
	}
	if err != nil {
		return err
	}
	r.versions[n] = saved.GetResourceVersion()
	delete(r.renamed, n)
	return nil
}

func (s *Store) writer() string {
	s.once.Do(func() { s.self = rand.Text() })
	return s.self
}

func (s *Store) ownWrite(ctx context.Context, ref cluster.Ref, body []byte) (*unstructured.Unstructured, error) {
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
		sent.Metadata.Annotations[annotationWriter] != live.GetAnnotations()[annotationWriter] {
		return nil, ErrBusy
	}
	return live, nil
}

func (s *Store) firstWrite(ctx context.Context, write func() (*unstructured.Unstructured, error)) (*unstructured.Unstructured, error) {
	if !s.hasNamespace {
		if err := s.ensureNamespace(ctx); err != nil {
			return nil, err
		}
	}
	u, err := write()
	s.hasNamespace = err == nil
	return u, err
}

func (s *Store) ensureNamespace(ctx context.Context) error {
	ref := cluster.Ref{Kind: namespaces, Name: s.Namespace}
	if _, err := s.Cluster.Get(ctx, ref); !apierrors.IsNotFound(err) {
		return nil // it is there, or the write tells what is wrong
	}
	if _, err := s.Cluster.Create(ctx, ref, s.NewNamespace(s.Namespace, ""), Manager); err != nil && !apierrors.IsAlreadyExists(err) {
		return hint.With(fmt.Errorf("create namespace %s: %w", s.Namespace, err), "create it yourself, or name another with -n")
	}
	return nil
}

func (s *Store) saveParent(ctx context.Context, r *Record) error {
	if !r.parent {
		if _, err := s.LoadParent(ctx, r, r.App); err != nil {
			return err
		}
	}
	ref := cluster.Ref{Kind: configMaps, Namespace: s.Namespace, Name: ParentName(r.App)}
	report, err := json.Marshal(r.Report)
	if err != nil {
		return err
	}
	history, err := json.Marshal(r.History)
	if err != nil {
		return err
	}
	groupKinds, spaces := hints(r.Rows, s.Namespace)
	meta := map[string]any{
		"name": ref.Name, "namespace": ref.Namespace,
		"labels": map[string]string{LabelID: s.ID(r.App), labelApp: r.App, "app.kubernetes.io/managed-by": Tool},
		"annotations": map[string]string{
			annotationTooling:    s.Tool,
			annotationGroupKinds: strings.Join(groupKinds, ","),
			annotationNamespaces: strings.Join(spaces, ","),
		},
	}
	if r.version != "" {
		s.renameParent(ctx, r, ref)
		meta["resourceVersion"] = r.version
	}
	body, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta,
		"data": map[string]string{"report": string(report), "history": string(history)}})
	if err != nil {
		return err
	}
	write := func() (*unstructured.Unstructured, error) {
		u, _, err := s.Cluster.Apply(ctx, ref, body, cluster.ApplyOptions{Manager: Manager, Force: true})
		return u, err
	}
	var saved *unstructured.Unstructured
	if r.version == "" {
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
	r.version = saved.GetResourceVersion()
	return nil
}

// renameParent gives our entry on the parent today's name, once. A parent that somebody else has written is left to the
// apply, which finds that out.
func (s *Store) renameParent(ctx context.Context, r *Record, parent cluster.Ref) {
	patch, err := json.Marshal([]map[string]any{
		{"op": "test", "path": "/metadata/resourceVersion", "value": r.version},
		{"op": "replace", "path": "/metadata/managedFields", "value": r.shares}})
	if r.shares == nil || err != nil {
		return
	}
	if u, err := s.Cluster.PatchJSON(ctx, parent, patch, Manager); err == nil {
		r.version = u.GetResourceVersion()
	}
	r.shares = nil
}

func (s *Store) Unchanged(ctx context.Context, r *Record) error {
	version, err := s.Cluster.Version(ctx, cluster.Ref{Kind: secrets, Namespace: s.Namespace, Name: shardName(r.App, 0)})
	switch {
	case err != nil && !apierrors.IsNotFound(err):
		return fmt.Errorf("record of %s: %w", r.App, err)
	case err != nil && r.versions[0] != "", err == nil && version != r.versions[0]:
		return ErrBusy
	}
	return nil
}

func (r *Record) Unsaved() bool {
	shards, err := r.encode()
	if err != nil || len(shards) != len(r.written) {
		return true
	}
	for n, sh := range shards {
		if old := r.written[n]; string(old.header) != string(sh.header) || string(old.rows) != string(sh.rows) {
			return true
		}
	}
	return false
}
