package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// Suspend writes, or with nil removes, the suspension of an app. It reports whether there is such an app, and whether
// anything had to be changed.
func (s *Store) Suspend(ctx context.Context, app string, as *report.Suspension) (found, changed bool, err error) {
	ref := cluster.Ref{Kind: secrets, Namespace: s.Namespace, Name: shardName(app, 0)}
	const tries = 5 // a pass may just be saving the record
	for range tries {
		live, err := s.Cluster.Get(ctx, ref)
		if apierrors.IsNotFound(err) || err == nil && live.GetLabels()[record.LabelApp] != app {
			return false, false, nil
		}
		if err != nil {
			return false, false, s.refused(err)
		}
		patch, err := suspensionPatch(live.GetAnnotations(), live.GetResourceVersion(), as)
		if err != nil || patch == nil {
			return true, false, err
		}
		_, err = s.Cluster.PatchJSON(ctx, ref, patch, record.Manager)
		if err == nil || !apierrors.IsConflict(err) && !apierrors.IsInvalid(err) {
			return true, err == nil, err
		}
	}
	return true, false, fmt.Errorf("record of %s: %w", app, errors.New("other writers changed it at the same time; try again"))
}

func suspensionPatch(annotations map[string]string, version string, as *report.Suspension) ([]byte, error) {
	path := "/metadata/annotations/kubectl-gitops.dev~1suspended"
	ops := []map[string]any{{"op": "test", "path": "/metadata/resourceVersion", "value": version}}
	_, there := annotations[record.AnnotationSuspended]
	switch {
	case as == nil && !there:
		return nil, nil
	case as == nil:
		ops = append(ops, map[string]any{"op": "remove", "path": path})
	default:
		text, err := json.Marshal(as)
		if err != nil {
			return nil, err
		}
		if annotations == nil {
			ops = append(ops, map[string]any{"op": "add", "path": "/metadata/annotations", "value": map[string]string{}})
		}
		ops = append(ops, map[string]any{"op": "add", "path": path, "value": string(text)})
	}
	return json.Marshal(ops)
}
