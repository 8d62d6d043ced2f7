package owners

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
)

func TestGroup(t *testing.T) {
	ref := func(name string) object.Ref { r := deploymentWeb; r.Name = name; return r }
	flux := func(more string) string {
		return "{apiVersion: apps/v1, kind: Deployment, metadata: {labels: {kustomize.toolkit.fluxcd.io/name: apps, kustomize.toolkit.fluxcd.io/namespace: f}" + more + "}}"
	}
	refs := []object.Ref{ref("a"), ref("gone"), ref("b"), ref("left"), ref("c")}
	live := map[object.Key]metav1.Object{
		object.KeyOf(ref("a")): parsed(t, flux("")), object.KeyOf(ref("b")): parsed(t, flux("")),
		object.KeyOf(ref("left")): parsed(t, flux(", annotations: {kustomize.toolkit.fluxcd.io/reconcile: disabled}")),
		object.KeyOf(ref("c")):    parsed(t, "{apiVersion: apps/v1, kind: Deployment, metadata: {annotations: {argocd.argoproj.io/tracking-id: 'shop:apps/Deployment:shop/c'}}}"),
	}
	got := Group(refs, live)
	if len(got) != 2 {
		t.Fatalf("%d owners", len(got))
	}
	for i, want := range []string{"deployment.apps/a and 1 other object belong to the Flux Kustomization f/apps", "deployment.apps/c belongs to the Argo CD application shop"} {
		if got[i].String() != want {
			t.Errorf("got %q, want %q", got[i], want)
		}
	}
	for i, want := range []string{"kubectl label deployment.apps/a -n shop kustomize.toolkit.fluxcd.io/name-", "kubectl annotate deployment.apps/c -n shop argocd.argoproj.io/tracking-id-"} {
		if got := got[i].Unmark(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestFormerAndStopCommand(t *testing.T) {
	for metadata, want := range map[string]string{
		`{labels: {app: web}}`:                         "",
		`{labels: {app.kubernetes.io/instance: shop}}`: "",
		`{labels: {kustomize.toolkit.fluxcd.io/name: apps, kustomize.toolkit.fluxcd.io/namespace: f}}`:        ", taken over from the Flux Kustomization f/apps",
		`{labels: {app.kubernetes.io/managed-by: Helm}, managedFields: [{manager: helm, operation: Update}]}`: ", taken over from Helm",
	} {
		if got := Former(deploymentWeb, parsed(t, "{apiVersion: apps/v1, kind: Deployment, metadata: "+metadata+"}")); got != want {
			t.Errorf("%s: got %q, want %q", metadata, got, want)
		}
	}
	for o, want := range map[Owner]string{
		{FluxKustomization, "f", "apps"}: "flux suspend kustomization apps -n f", {FluxHelmRelease, "f", "pod"}: "flux suspend helmrelease pod -n f",
		{ArgoApplication, "", "shop"}: "argocd app set shop --sync-policy none", {FluxKustomization, "", "apps"}: "", {KappApp, "", "x"}: "",
	} {
		if got := o.StopCommand(); got != want {
			t.Errorf("%s: got %q, want %q", o, got, want)
		}
	}
}
