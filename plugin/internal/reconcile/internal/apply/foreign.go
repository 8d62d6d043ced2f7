package apply

import (
	"context"
	"encoding/json"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/fields"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// dropForeign removes fields that people added to an object beside Git's fields. It returns the object after that, and the
// removed fields.
func (a releasing) dropForeign(ctx context.Context, ref cluster.Ref, u *unstructured.Unstructured) (*unstructured.Unstructured, []fields.Difference, error) {
	const tries = 5
	for range tries {
		remove, gone := fields.Strip(u, record.Manager)
		if len(remove) == 0 {
			return u, nil, nil
		}
		patch := append([]map[string]any{{"op": "test", "path": "/metadata/resourceVersion", "value": u.GetResourceVersion()}}, remove...)
		raw, err := json.Marshal(patch)
		if err != nil {
			return nil, nil, err
		}
		if a.DryRun {
			return stripped(u, gone), gone, nil
		}
		after, err := a.Client.PatchJSON(ctx, ref, raw, record.Manager)
		if err == nil {
			return after, gone, nil
		}
		if !apierrors.IsConflict(err) && !apierrors.IsInvalid(err) {
			return nil, nil, fmt.Errorf("take away %s: %w", gone[0].Path, err)
		}
		live, getErr := a.Client.Get(ctx, ref)
		if getErr != nil {
			return nil, nil, getErr
		}
		if live.GetResourceVersion() == u.GetResourceVersion() { // not a race: the server refuses it
			return nil, nil, fmt.Errorf("take away %s: %w", gone[0].Path, err)
		}
		u = live
	}
	return u, nil, nil
}

// stripped returns an object as a dry run shows it after dropForeign.
func stripped(u *unstructured.Unstructured, gone []fields.Difference) *unstructured.Unstructured {
	u = u.DeepCopy()
	fields.Drop(u, gone)
	return u
}
