package preview_test

import (
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/preview"
)

// A preview reads annotations as a run does: the table is the one of package desired.
func TestFieldAnnotations(t *testing.T) {
	const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n  annotations: {ANNOTATION}\ndata: {a: VALUE}\n"
	const job = "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: x\n  annotations: {ANNOTATION}\nspec: {a: VALUE}\n"
	const namespace = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: x\n  labels: {a: VALUE}\n  annotations: {ANNOTATION}\n"
	for _, tt := range []struct{ name, manifest, annotation, removed, changed string }{
		{"none", configMap, ``, "deleted", "changed"},
		{"ours", configMap, `kubectl-gitops.dev/prune: disabled`, "kept", "changed"},
		{"ours in other letters", configMap, `kubectl-gitops.dev/prune: Disabled`, "kept", "changed"},
		{"ours with spaces", configMap, `kubectl-gitops.dev/prune: " disabled "`, "kept", "changed"},
		{"ours wins", configMap, `kubectl-gitops.dev/prune: enabled, helm.sh/resource-policy: keep`, "deleted", "changed"},
		{"a typing error", configMap, `kubectl-gitops.dev/prune: "false"`, "deleted", "changed"},
		{"Helm", configMap, `helm.sh/resource-policy: keep`, "kept", "changed"},
		{"Flux", configMap, `kustomize.toolkit.fluxcd.io/prune: disabled`, "kept", "changed"},
		{"Flux in other letters", configMap, `kustomize.toolkit.fluxcd.io/prune: Disabled`, "kept", "changed"},
		{"Argo CD Prune=false", configMap, `argocd.argoproj.io/sync-options: Prune=false`, "kept", "changed"},
		{"Argo CD Delete=false", configMap, `argocd.argoproj.io/sync-options: Delete=false`, "kept", "changed"},
		{"Argo CD Prune=confirm", configMap, `argocd.argoproj.io/sync-options: Prune=confirm`, "kept", "changed"},
		{"Argo CD Delete=confirm", configMap, `argocd.argoproj.io/sync-options: Delete=confirm`, "kept", "changed"},
		{"Argo CD, a list with spaces", configMap, `argocd.argoproj.io/sync-options: "ServerSideApply=true , Delete=false"`, "kept", "changed"},
		{"Argo CD, the default", configMap, `argocd.argoproj.io/sync-options: "Prune=true,Delete=true"`, "deleted", "changed"},
		{"ignored", configMap, `kubectl-gitops.dev/ignore: enabled`, "left alone", "left alone"},
		{"ignored by Flux", configMap, `kustomize.toolkit.fluxcd.io/reconcile: disabled`, "left alone", "left alone"},
		{"ignored by Flux' apply", configMap, `kustomize.toolkit.fluxcd.io/ssa: Ignore`, "left alone", "left alone"},
		{"created only", configMap, `kubectl-gitops.dev/create-only: enabled`, "deleted", "left alone"},
		{"created only by Flux", configMap, `kustomize.toolkit.fluxcd.io/ssa: IfNotPresent`, "deleted", "left alone"},
		{"merged by Flux", configMap, `kustomize.toolkit.fluxcd.io/ssa: Merge`, "deleted", "changed"},
		{"a hook", job, `argocd.argoproj.io/hook: PreSync`, "left alone", "changed"},
		{"Helm's hook", job, `helm.sh/hook: "pre-install,pre-upgrade"`, "left alone", "changed"},
		{"a skipped hook", job, `argocd.argoproj.io/hook: Skip`, "left alone", "left alone"},
		{"a Namespace is never a hook", namespace, `argocd.argoproj.io/hook: PreSync`, "deleted", "changed"},
	} {
		t.Run("P16 "+tt.name, func(t *testing.T) {
			text := strings.Replace(tt.manifest, "ANNOTATION", tt.annotation, 1)
			before := rendering(t, "shop", strings.Replace(text, "VALUE", "old", 1))
			after := rendering(t, "shop", strings.Replace(text, "VALUE", "new", 1))
			if got := fateOf(preview.CompareApp(before, preview.Rendering{Name: "shop", Present: true}, nil)); got != tt.removed {
				t.Errorf("removed: %s, want %s", got, tt.removed)
			}
			if got := fateOf(preview.CompareApp(before, after, nil)); got != tt.changed {
				t.Errorf("changed: %s, want %s", got, tt.changed)
			}
		})
	}
}

// fateOf is what the Markdown of a preview says of the one object of an app.
func fateOf(a preview.App) string {
	text := preview.Markdown(sum([]preview.App{a}), 0)
	for _, mark := range [][2]string{{"Deleted from the cluster: 1", "deleted"}, {"Left alone: 1", "left alone"}, {"Not deleted: 1", "kept"}} {
		if strings.Contains(text, mark[0]) {
			return mark[1]
		}
	}
	return string(a.Objects[0].Change)
}
