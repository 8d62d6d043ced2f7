package owners

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// parsed reads one object from YAML.
func parsed(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	raw, err := yaml.YAMLToJSON([]byte(text))
	u := &unstructured.Unstructured{}
	if err == nil {
		err = json.Unmarshal(raw, &u.Object)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return u
}

var deploymentWeb = object.Ref{Kind: object.Kind{Group: "apps", Version: "v1", Kind: "Deployment", Resource: "deployments", Namespaced: true}, Namespace: "shop", Name: "web"}

// TestFieldOwnersOfAnObject: what labels and annotations say of who had an object before.
func TestFieldOwnersOfAnObject(t *testing.T) {
	for _, tc := range []struct{ name, metadata, want string }{
		{"R1 nobody", `{labels: {app: web}}`, ""},
		{"R1 a Kustomization", `{labels: {kustomize.toolkit.fluxcd.io/name: apps, kustomize.toolkit.fluxcd.io/namespace: flux-system}}`, "the Flux Kustomization flux-system/apps"},
		{"R1 a Kustomization that is to leave it alone", `{labels: {kustomize.toolkit.fluxcd.io/name: apps, kustomize.toolkit.fluxcd.io/namespace: f}, annotations: {kustomize.toolkit.fluxcd.io/reconcile: disabled}}`, "the Flux Kustomization f/apps, let go"},
		{"R1 a Kustomization that only creates it", `{labels: {kustomize.toolkit.fluxcd.io/name: apps, kustomize.toolkit.fluxcd.io/namespace: f}, annotations: {kustomize.toolkit.fluxcd.io/ssa: IfNotPresent}}`, "the Flux Kustomization f/apps, let go"},
		{"R1 a HelmRelease, not its Helm release", `{labels: {helm.toolkit.fluxcd.io/name: pod, helm.toolkit.fluxcd.io/namespace: f, app.kubernetes.io/managed-by: Helm}, annotations: {meta.helm.sh/release-name: pod, meta.helm.sh/release-namespace: shop}}`, "the Flux HelmRelease f/pod"},
		{"R1 a Helm release", `{labels: {app.kubernetes.io/managed-by: Helm}, annotations: {meta.helm.sh/release-name: pod, meta.helm.sh/release-namespace: shop}}`, "the Helm release shop/pod"},
		{"R1 a Fleet bundle", `{annotations: {meta.helm.sh/release-name: pod, meta.helm.sh/release-namespace: shop, objectset.rio.cattle.io/id: default-shop}}`, "the Fleet bundle default-shop"},
		{"R1 a kapp app", `{labels: {kapp.k14s.io/app: "1700000000000000000"}}`, "the kapp app 1700000000000000000"},
		{"R1 an Application, by annotation", `{annotations: {argocd.argoproj.io/tracking-id: "shop:apps/Deployment:shop/web"}}`, "the Argo CD application shop"},
		{"R1 an Application in a namespace of its own", `{annotations: {argocd.argoproj.io/tracking-id: "team-a_shop:apps/Deployment:shop/web"}}`, "the Argo CD application team-a/shop"},
		{"R1 the annotation of another object, copied", `{annotations: {argocd.argoproj.io/tracking-id: "shop:apps/Deployment:shop/api"}}`, ""},
		{"R1 an annotation that is no id", `{annotations: {argocd.argoproj.io/tracking-id: "shop"}}`, ""},
		{"R1 an Application, by its own label", `{labels: {argocd.argoproj.io/instance: shop}}`, "the Argo CD application shop, by label"},
		{"R1 the label of any chart", `{labels: {app.kubernetes.io/instance: shop}}`, "the Argo CD application shop, by label, perhaps"},
		{"R1 the label, and its controller wrote it", `{labels: {app.kubernetes.io/instance: shop}, managedFields: [{manager: argocd-controller, operation: Update}]}`, "the Argo CD application shop, by label"},
		{"R1 annotation before label", `{labels: {app.kubernetes.io/instance: other}, annotations: {argocd.argoproj.io/tracking-id: "shop:apps/Deployment:shop/web"}}`, "the Argo CD application shop"},
		{"R1 two at once", `{labels: {kustomize.toolkit.fluxcd.io/name: apps, kustomize.toolkit.fluxcd.io/namespace: f}, annotations: {argocd.argoproj.io/tracking-id: "shop:apps/Deployment:shop/web"}}`, "the Flux Kustomization f/apps; the Argo CD application shop"},
		{"R1 Helm without its annotations", `{labels: {app.kubernetes.io/managed-by: Helm}, managedFields: [{manager: helm, operation: Update}]}`, "the Helm release "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			u := parsed(t, "{apiVersion: apps/v1, kind: Deployment, metadata: "+tc.metadata+"}")
			var got []string
			for _, c := range Claims(deploymentWeb, u) {
				text := c.String()
				for word, is := range map[string]bool{", by label": c.ByLabel, ", let go": c.LetGo} {
					if is {
						text += word
					}
				}
				if c.Doubtful {
					text += ", perhaps"
				}
				got = append(got, text)
			}
			if text := strings.Join(got, "; "); text != tc.want {
				t.Errorf("got %q, want %q", text, tc.want)
			}
		})
	}
}

// TestFieldOwnerState: whether an owner would write or delete its objects, from its definition.
func TestFieldOwnerState(t *testing.T) {
	flux := Claim{Owner: Owner{FluxKustomization, "f", "apps"}}
	helm := Claim{Owner: Owner{FluxHelmRelease, "f", "pod"}}
	argo := Claim{Owner: Owner{ArgoApplication, "", "shop"}}
	label := Claim{Owner: argo.Owner, ByLabel: true}
	const finalizer = `finalizers: [resources-finalizer.argocd.argoproj.io]`
	for _, tc := range []struct {
		name string
		c    Claim
		text string
		want report.OwnerState
	}{
		{"R1 Kustomization", flux, `{spec: {prune: true}}`, report.OwnerActive},
		{"R1 Kustomization without prune", flux, `{spec: {prune: false}}`, report.OwnerActive},
		{"R1 Kustomization suspended", flux, `{spec: {suspend: true}}`, report.OwnerAtRest},
		{"R1 Kustomization that is being deleted", flux, `{metadata: {deletionTimestamp: "2026-01-01T00:00:00Z", finalizers: [finalizers.fluxcd.io]}, spec: {prune: true}}`, report.OwnerActive},
		{"R1 HelmRelease", helm, `{spec: {}}`, report.OwnerActive},
		{"R1 HelmRelease suspended", helm, `{spec: {suspend: true}}`, report.OwnerAtRest},
		{"R1 Application that heals itself", argo, `{spec: {syncPolicy: {automated: {selfHeal: true}}}}`, report.OwnerActive},
		{"R1 Application with automated sync only", argo, `{spec: {syncPolicy: {automated: {}}}}`, report.OwnerActive},
		{"R1 Application with automated sync disabled", argo, `{spec: {syncPolicy: {automated: {enabled: false, selfHeal: true}}}}`, report.OwnerAtRest},
		{"R1 Application with automated sync enabled", argo, `{spec: {syncPolicy: {automated: {enabled: true}}}}`, report.OwnerActive},
		{"R1 Application that is synced by people", argo, `{metadata: {` + finalizer + `}, spec: {syncPolicy: {syncOptions: [CreateNamespace=true]}}}`, report.OwnerAtRest},
		{"R1 Application that is synced right now", argo, `{operation: {sync: {}}, spec: {}}`, report.OwnerActive},
		{"R1 Application that is not reconciled", argo, `{metadata: {annotations: {argocd.argoproj.io/skip-reconcile: "true"}}, spec: {syncPolicy: {automated: {}}}}`, report.OwnerAtRest},
		{"R1 Application that is being deleted with its objects", argo, `{metadata: {deletionTimestamp: "2026-01-01T00:00:00Z", ` + finalizer + `}, spec: {}}`, report.OwnerActive},
		{"R1 Application that is being deleted alone", argo, `{metadata: {deletionTimestamp: "2026-01-01T00:00:00Z", finalizers: [x/y]}, spec: {}}`, report.OwnerAtRest},
		{"R1 Application by label would delete what keeps the label", label, `{metadata: {` + finalizer + `}, spec: {}}`, report.OwnerActive},
		{"R1 Application by label without finalizer", label, `{spec: {}}`, report.OwnerAtRest},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := tc.c.State(parsed(t, tc.text)); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

// TestFieldOwnerAdvice: the command that hands over is one that helps.
func TestFieldOwnerAdvice(t *testing.T) {
	argo := Claim{Owner: Owner{ArgoApplication, "", "shop"}}
	for _, tc := range []struct {
		name string
		c    Claim
		text string
		want []string
	}{
		{"R1 Kustomization", Claim{Owner: Owner{FluxKustomization, "f", "apps"}}, `{metadata: {name: apps, namespace: f}}`,
			[]string{"flux suspend kustomization apps -n f", `kubectl patch kustomizations.kustomize.toolkit.fluxcd.io apps -n f --type=merge -p '{"spec":{"suspend":true}}'`}},
		{"R1 HelmRelease", Claim{Owner: Owner{FluxHelmRelease, "f", "pod"}}, `{metadata: {name: pod, namespace: f}}`,
			[]string{"flux suspend helmrelease pod -n f", "do not delete it before"}},
		{"R1 Application", argo, `{metadata: {name: shop, namespace: argocd}}`,
			[]string{`kubectl patch applications.argoproj.io shop -n argocd --type=merge -p '{"spec":{"syncPolicy":{"automated":null}}}'`}},
		{"R1 Application by label", Claim{Owner: argo.Owner, ByLabel: true}, `{metadata: {name: shop, namespace: argocd}}`, []string{`"finalizers":null`}},
		{"R1 Application of an ApplicationSet", argo, `{metadata: {name: shop, namespace: argocd, ownerReferences: [{kind: ApplicationSet, name: all}]}}`,
			[]string{"the ApplicationSet argocd/all creates it", "docs/from-argo-cd.md"}},
		{"R1 Application of an Application", argo, `{metadata: {name: shop, namespace: argocd, annotations: {argocd.argoproj.io/tracking-id: "root:argoproj.io/Application:argocd/shop"}}}`,
			[]string{"the Argo CD application root creates it"}},
		{"R1 Application of a Kustomization", argo, `{metadata: {name: shop, namespace: argocd, labels: {kustomize.toolkit.fluxcd.io/name: apps, kustomize.toolkit.fluxcd.io/namespace: f}}}`,
			[]string{"the Flux Kustomization f/apps creates it"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := tc.c.LetGoAdvice(parsed(t, tc.text))
			for _, want := range tc.want {
				if !strings.Contains(got, want) {
					t.Errorf("%q lacks %q", got, want)
				}
			}
		})
	}
}

// TestFieldHolders: a name alone says little where charts set the label too.
func TestFieldHolders(t *testing.T) {
	lists := `{metadata: {name: shop, namespace: argocd}, status: {resources: [{group: apps, kind: Deployment, namespace: shop, name: web}]}}`
	silent := `{metadata: {name: shop, namespace: team}, spec: {destination: {namespace: shop}}}`
	elsewhere := `{metadata: {name: shop, namespace: other}, spec: {destination: {namespace: elsewhere}}}`
	for _, tc := range []struct {
		name     string
		doubtful bool
		found    []string
		want     string
	}{
		{"R1 a chart of that name", true, []string{silent}, "[]"},
		{"R1 the Application lists it", true, []string{silent, lists}, "[argocd]"},
		{"R1 tracked, and not listed yet", false, []string{silent}, "[team]"},
		{"R1 two of that name, one lists it", false, []string{silent, lists}, "[argocd]"},
		{"R1 tracked, and deployed elsewhere", false, []string{elsewhere}, "[]"},
		{"R1 two of that name, one deploys elsewhere", false, []string{elsewhere, silent}, "[team]"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := &Claimed{Claim: Claim{Owner: Owner{ArgoApplication, "", "shop"}, Doubtful: tc.doubtful}, Refs: []object.Ref{deploymentWeb}}
			var found []*unstructured.Unstructured
			for _, text := range tc.found {
				found = append(found, parsed(t, text))
			}
			got := []string{}
			for _, u := range g.Holders(found) {
				got = append(got, u.GetNamespace())
			}
			if text := fmt.Sprint(got); text != tc.want {
				t.Errorf("got %s, want %s", text, tc.want)
			}
		})
	}
}

// TestFieldOtherWriter: who else writes an object is named, Flux as well as Argo CD.
func TestFieldOtherWriter(t *testing.T) {
	const ours = `{manager: ` + record.Manager + `, operation: Apply, fieldsV1: {"f:data": {"f:a": {}}}}`
	for _, tc := range []struct{ name, metadata, want string }{
		{"R8 Flux by its labels", `{labels: {kustomize.toolkit.fluxcd.io/name: apps, kustomize.toolkit.fluxcd.io/namespace: f}, managedFields: [` + ours + `]}`, "the Flux Kustomization f/apps"},
		{"R8 HelmRelease by its labels", `{labels: {helm.toolkit.fluxcd.io/name: pod, helm.toolkit.fluxcd.io/namespace: f}, managedFields: [` + ours + `]}`, "the Flux HelmRelease f/pod"},
		{"R8 Argo CD by its annotation", `{annotations: {argocd.argoproj.io/tracking-id: "shop:apps/Deployment:shop/web"}, managedFields: [` + ours + `]}`, "the Argo CD application shop"},
		{"R8 labels that Git sets", `{labels: {kustomize.toolkit.fluxcd.io/name: apps}, managedFields: [{manager: ` + record.Manager + `, operation: Apply, fieldsV1: {"f:metadata": {"f:labels": {"f:kustomize.toolkit.fluxcd.io/name": {}}}}}]}`, ""},
		{"R8 Flux by its manager", `{managedFields: [` + ours + `, {manager: kustomize-controller, operation: Apply, fieldsV1: {"f:data": {"f:b": {}}}}]}`, "Flux (kustomize-controller)"},
		{"R8 Flux' Helm by its manager", `{managedFields: [` + ours + `, {manager: helm-controller, operation: Apply, fieldsV1: {"f:data": {"f:b": {}}}}]}`, "Flux (helm-controller)"},
		{"R8 the flux command", `{managedFields: [` + ours + `, {manager: flux-client-side-apply, operation: Update, fieldsV1: {"f:data": {"f:b": {}}}}]}`, "Flux (flux-client-side-apply)"},
		{"R8 Argo CD by its manager", `{managedFields: [` + ours + `, {manager: argocd-controller, operation: Update, fieldsV1: {"f:data": {"f:b": {}}}}]}`, "Argo CD (argocd-controller)"},
		{"R8 a person", `{managedFields: [` + ours + `, {manager: kubectl-edit, operation: Update, fieldsV1: {"f:data": {"f:b": {}}}}]}`, "kubectl-edit"},
		{"R8 the label of a chart names nobody", `{labels: {app.kubernetes.io/instance: shop}, managedFields: [` + ours + `]}`, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, _ := Writer(deploymentWeb, parsed(t, "{apiVersion: apps/v1, kind: Deployment, metadata: "+tc.metadata+"}"))
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
	if name, _ := Writer(deploymentWeb, nil); name != "" {
		t.Errorf("R8 nobody writes what is not there, got %q", name)
	}
	if o, is := Also(deploymentWeb, nil); is {
		t.Errorf("R8 nobody owns what is not there, got %s", o)
	}
}
