package apply

import (
	"context"
	"encoding/json"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/fields"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/owners"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// formerManagers are the field managers of tools that an object may have belonged to. We end their ownership of our fields:
// otherwise a field that leaves Git would stay in the object.
func formerManagers() []string {
	return []string{fieldKeeper, "helm", "Helm", "helm-controller", "kustomize-controller", "flux", "flux-client-side-apply", "argocd-controller", "argocd-application-controller",
		"fleetagent", "kapp", "kapp-server-side-apply"}
}

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// traces are the labels and annotations by which other tools know their objects. They must go from an object that is ours
// now, or those tools delete it when they clean up.
func traces() (labels, annotations []string) {
	return []string{owners.FluxGroup + "/name", owners.FluxGroup + "/namespace", owners.FluxHelmGroup + "/name", owners.FluxHelmGroup + "/namespace", owners.ArgoLabel,
			"objectset.rio.cattle.io/hash", owners.KappLabel, "kapp.k14s.io/association"},
		[]string{owners.ArgoTracking, "argocd.argoproj.io/installation-id", owners.HelmName, owners.HelmNamespace, owners.FleetID, "objectset.rio.cattle.io/applied",
			"objectset.rio.cattle.io/owner-gvk", "objectset.rio.cattle.io/owner-name", "objectset.rio.cattle.io/owner-namespace",
			"kapp.k14s.io/identity", "kapp.k14s.io/original", "kapp.k14s.io/original-diff-md5"}
}

// adopting reports whether an apply made an object ours that somebody else had made, or had removed our label from.
func adopting(s *plan.Step, created bool) bool {
	return !created && (s.Row == nil || s.Row.UID == "" || s.State == live.Replaced || s.State == live.Missing)
}

// soleOwner makes us the only owner of the fields that we apply: others would keep a field in the object after it left Git.
// It removes the ownership of kubectl, of former tools, and of the manager that the server makes up for an object without
// managedFields. It also removes kubectl's last-applied annotation, and the marks of former tools from an adopted object. It
// returns u when somebody changes those fields meanwhile: the object has drifted then, and the next run does this again.
func (a *Applier) soleOwner(ctx context.Context, s *plan.Step, u *unstructured.Unstructured, adopted bool) (*unstructured.Unstructured, error) {
	const tries = 5 // a controller that reports status is enough for a conflict
	live := u
	for range tries {
		entries, shared, err := fields.SoleOwner(live, record.Manager, formerManagers()...)
		if err != nil {
			return u, err
		}
		patch := []map[string]any{{"op": "test", "path": "/metadata/resourceVersion", "value": live.GetResourceVersion()}}
		if shared {
			patch = append(patch, map[string]any{"op": "replace", "path": "/metadata/managedFields", "value": entries})
		}
		patch = append(patch, leftovers(s, live, adopted)...)
		if len(patch) == 1 {
			return u, nil
		}
		raw, err := json.Marshal(patch)
		if err != nil {
			return nil, err
		}
		after, err := a.Client.PatchJSON(ctx, s.Ref, raw, record.Manager)
		if err == nil && a.ownedDigest(s, after) == a.ownedDigest(s, u) {
			return after, nil
		}
		if err == nil || !apierrors.IsConflict(err) && !apierrors.IsInvalid(err) {
			return u, err
		}
		if live, err = a.Client.Get(ctx, s.Ref); err != nil {
			return nil, err
		}
	}
	return u, nil
}

// unmarked returns an object as a dry run shows it after adoption: without what leftovers lists.
func unmarked(s *plan.Step, after *unstructured.Unstructured) *unstructured.Unstructured {
	patch := leftovers(s, after, true)
	if len(patch) == 0 {
		return after
	}
	after = after.DeepCopy()
	for _, op := range patch {
		segments := fields.Pointer(op["path"].(string))
		unstructured.RemoveNestedField(after.Object, segments...)
	}
	return after
}

// leftovers returns the JSON patch that removes the marks of other tools from an object, except those that Git sets too.
func leftovers(s *plan.Step, live *unstructured.Unstructured, adopted bool) []map[string]any {
	labels, annotations := traces()
	if !adopted {
		labels, annotations = nil, nil
	}
	var out []map[string]any
	drop := func(field string, names []string, have, git map[string]string) {
		for _, name := range names {
			_, is := have[name]
			if _, ours := git[name]; is && !ours {
				out = append(out, map[string]any{"op": "remove", "path": "/metadata/" + field + "/" + strings.ReplaceAll(name, "/", "~1")})
			}
		}
	}
	drop("labels", labels, live.GetLabels(), s.Manifest.GetLabels())
	drop("annotations", append(annotations, lastApplied), live.GetAnnotations(), s.Manifest.GetAnnotations())
	return out
}
