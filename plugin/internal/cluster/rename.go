package cluster

import (
	"context"
	"encoding/json"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/fields"
)

// RenameManagers rewrites the entries of earlier names of our field managers in managedFields to the names of today, and
// returns the object after that. live is the object, or its metadata alone. Nothing else of the object changes. The patch is a
// compare-and-set that is tried five times, so no write of somebody else is lost.
func (c *Client) RenameManagers(ctx context.Context, r Ref, live metav1.Object, manager string) (*unstructured.Unstructured, error) {
	const tries = 5
	for n := 1; ; n++ {
		entries, err := fields.Renamed(live)
		if err != nil {
			return nil, err
		}
		u, whole := live.(*unstructured.Unstructured)
		switch {
		case entries == nil && whole:
			return u, nil
		case entries == nil:
			return c.Get(ctx, r)
		}
		patch, err := json.Marshal([]map[string]any{
			{"op": "test", "path": "/metadata/resourceVersion", "value": live.GetResourceVersion()},
			{"op": "replace", "path": "/metadata/managedFields", "value": entries},
		})
		if err != nil {
			return nil, err
		}
		after, err := c.PatchJSON(ctx, r, patch, manager)
		if err == nil || !apierrors.IsConflict(err) && !apierrors.IsInvalid(err) {
			return after, err
		}
		now, getErr := c.Get(ctx, r)
		switch {
		case getErr != nil:
			return nil, getErr
		case now.GetUID() != live.GetUID():
			return now, nil // recreated: there is nothing of ours on it
		case n == tries, now.GetResourceVersion() == live.GetResourceVersion(): // not a race: the server refuses it
			return nil, err
		}
		live = now
	}
}
