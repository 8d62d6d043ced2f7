package apply

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// renameVersion rewrites managedFields entries of other versions of the object's kind to the version that is applied, and
// reports whether there were any. An entry keeps the version at which it was written. Once the kind has a version with
// fields that the old one lacks, the server cannot convert the entry and refuses every apply.
func (a renaming) renameVersion(ctx context.Context, s *plan.Step) bool {
	if a.DryRun {
		return false
	}
	live, err := a.Client.Get(ctx, s.Ref)
	if err != nil {
		return false
	}
	want := s.GVK().GroupVersion().String()
	patch := []map[string]any{{"op": "test", "path": "/metadata/resourceVersion", "value": live.GetResourceVersion()}}
	for i, e := range live.GetManagedFields() {
		if e.APIVersion != want {
			patch = append(patch, map[string]any{"op": "replace", "path": fmt.Sprintf("/metadata/managedFields/%d/apiVersion", i), "value": want})
		}
	}
	raw, err := json.Marshal(patch)
	if err != nil || len(patch) == 1 {
		return false
	}
	_, err = a.Client.PatchJSON(ctx, s.Ref, raw, record.Manager)
	return err == nil
}
