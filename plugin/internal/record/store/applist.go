package store

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// SaveList writes l when it differs from what was loaded. It is a compare-and-set like the saving of a record.
func (s *Store) SaveList(ctx context.Context, l *record.AppList) error {
	raw, err := json.Marshal(l)
	if err != nil || string(raw) == l.Stored.Written {
		return err
	}
	ref := cluster.Ref{Kind: secrets, Namespace: s.Namespace, Name: record.ListName(l.Source)}
	meta := map[string]any{"name": ref.Name, "namespace": ref.Namespace,
		"labels": map[string]string{record.LabelApp: "", record.LabelList: "true", "app.kubernetes.io/managed-by": record.Tool}}
	if l.Stored.Version != "" {
		meta["resourceVersion"] = l.Stored.Version
		if l.Stored.Renamed != nil {
			meta["managedFields"] = l.Stored.Renamed
		}
	}
	body, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "Secret", "type": record.ListType, "metadata": meta,
		"data": map[string]string{"list": base64.StdEncoding.EncodeToString(raw)}})
	if err != nil {
		return err
	}
	var saved *unstructured.Unstructured
	if l.Stored.Version != "" {
		saved, err = s.Cluster.Update(ctx, ref, body, record.Manager)
	} else {
		saved, err = saving{s}.firstWrite(ctx, func() (*unstructured.Unstructured, error) {
			return s.Cluster.Create(ctx, ref, body, record.Manager)
		})
	}
	if apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) || (l.Stored.Version != "" && apierrors.IsNotFound(err)) {
		saved, err = saving{s}.ownWrite(ctx, ref, body)
	}
	if err != nil {
		return fmt.Errorf("list of apps: %w", err)
	}
	l.Stored.Version, l.Stored.Written, l.Stored.Renamed = saved.GetResourceVersion(), string(raw), nil
	return nil
}
