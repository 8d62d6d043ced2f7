package reconcile

import (
	"context"
	"encoding/json"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/fields"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// formerManagers are the field managers of tools that an object may have belonged to before: their share in our fields
// ends, so that a field that leaves Git leaves the object.
func formerManagers() []string {
	return []string{keeper, "helm", "Helm", "helm-controller", "kustomize-controller", "argocd-controller", "argocd-application-controller"}
}

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// traces are the labels and annotations by which other tools know their objects. Left on an object that is ours now,
// they let those tools delete it when they clean up.
func traces() (labels, annotations []string) {
	return []string{"kustomize.toolkit.fluxcd.io/name", "kustomize.toolkit.fluxcd.io/namespace", "helm.toolkit.fluxcd.io/name", "helm.toolkit.fluxcd.io/namespace",
			"argocd.argoproj.io/instance"},
		[]string{"argocd.argoproj.io/tracking-id", "argocd.argoproj.io/installation-id", "meta.helm.sh/release-name", "meta.helm.sh/release-namespace"}
}

// adopting tells whether an apply made an object ours that somebody else had made.
func adopting(s *step, created bool) bool {
	return !created && (s.row == nil || s.row.UID == "" || s.verdict == replaced)
}

// formerOwner words who an object belonged to before, "" when that cannot be told.
func formerOwner(u metav1.Object) string {
	l, a := u.GetLabels(), u.GetAnnotations()
	in := func(namespace, name string) string {
		if namespace == "" {
			return name
		}
		return namespace + "/" + name
	}
	switch {
	case l["kustomize.toolkit.fluxcd.io/name"] != "":
		return ", taken over from the Flux Kustomization " + in(l["kustomize.toolkit.fluxcd.io/namespace"], l["kustomize.toolkit.fluxcd.io/name"])
	case l["helm.toolkit.fluxcd.io/name"] != "":
		return ", taken over from the Flux HelmRelease " + in(l["helm.toolkit.fluxcd.io/namespace"], l["helm.toolkit.fluxcd.io/name"])
	case a["argocd.argoproj.io/tracking-id"] != "":
		name, _, _ := strings.Cut(a["argocd.argoproj.io/tracking-id"], ":")
		return ", taken over from the Argo CD application " + name
	case a["meta.helm.sh/release-name"] != "":
		return ", taken over from the Helm release " + in(a["meta.helm.sh/release-namespace"], a["meta.helm.sh/release-name"])
	}
	for _, e := range u.GetManagedFields() {
		switch {
		case strings.HasPrefix(e.Manager, "argocd-") && l["app.kubernetes.io/instance"] != "":
			return ", taken over from the Argo CD application " + l["app.kubernetes.io/instance"]
		case e.Manager == "helm" && l["app.kubernetes.io/managed-by"] == "Helm":
			return ", taken over from Helm"
		}
	}
	return ""
}

// soleOwner takes the share of people's kubectl, of tools that had the object before, and of the owner that the server
// invents for an object without managedFields, out of the fields we own: a field that leaves Git would stay for their
// sake. kubectl's note of what it applied goes too, and with an object that is taken over the marks of its former tool.
// It returns u when somebody changes those fields meanwhile: then the object is drifted, and the next pass repeats this.
func (p *pass) soleOwner(ctx context.Context, s *step, u *unstructured.Unstructured, adopted bool) (*unstructured.Unstructured, error) {
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
		after, err := p.Cluster.PatchJSON(ctx, s.Ref, raw, record.Manager)
		if err == nil && p.ownedDigest(after) == p.ownedDigest(u) {
			return after, nil
		}
		if err == nil || !apierrors.IsConflict(err) && !apierrors.IsInvalid(err) {
			return u, err
		}
		if live, err = p.Cluster.Get(ctx, s.Ref); err != nil {
			return nil, err
		}
	}
	return u, nil
}

// leftovers lists what to take off an object of what other tools noted on it, unless Git says it too.
func leftovers(s *step, live *unstructured.Unstructured, adopted bool) []map[string]any {
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
	drop("labels", labels, live.GetLabels(), s.manifest.GetLabels())
	drop("annotations", append(annotations, lastApplied), live.GetAnnotations(), s.manifest.GetAnnotations())
	return out
}
