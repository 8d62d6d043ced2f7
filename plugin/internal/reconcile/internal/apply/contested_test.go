package apply

import (
	"strings"
	"testing"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// TestFieldFightNamesTheOther: who sets a field again and again is named, and how to stop them.
func TestFieldFightNamesTheOther(t *testing.T) {
	const ours = `{manager: ` + record.Manager + `, operation: Apply, fieldsV1: {"f:data": {"f:a": {}}}}`
	field := func(manager string) []report.FieldChange {
		c := report.FieldChange{Path: "spec.replicas"}
		if manager != "" {
			c.By = &report.Owner{Manager: manager}
		}
		return []report.FieldChange{c}
	}
	for _, tc := range []struct {
		name, before string
		changes      []report.FieldChange
		want, advice string
	}{
		{"R8 a Kustomization, fields and all", `{labels: {kustomize.toolkit.fluxcd.io/name: apps, kustomize.toolkit.fluxcd.io/namespace: f}, managedFields: [` + ours + `]}`,
			field("kustomize-controller"), "spec.replicas was reverted 5 times in 10m0s, and the Flux Kustomization f/apps sets it again each time", "flux suspend kustomization apps -n f"},
		{"R8 a Kustomization that takes our label off", `{labels: {kustomize.toolkit.fluxcd.io/name: apps, kustomize.toolkit.fluxcd.io/namespace: f}}`,
			nil, "the object was reverted 5 times in 10m0s, and the Flux Kustomization f/apps sets it again", "flux suspend kustomization apps -n f"},
		{"R8 a HelmRelease", `{labels: {helm.toolkit.fluxcd.io/name: pod, helm.toolkit.fluxcd.io/namespace: f}, managedFields: [` + ours + `]}`,
			field(""), "and the Flux HelmRelease f/pod sets it again", "flux suspend helmrelease pod -n f"},
		{"R8 Flux by its manager alone", `{managedFields: [` + ours + `]}`, field("kustomize-controller"), "and Flux (kustomize-controller) sets it again", "leave it to Flux (kustomize-controller)"},
		{"R8 Argo CD by its annotation", `{annotations: {argocd.argoproj.io/tracking-id: "shop:apps/Deployment:shop/web"}, managedFields: [` + ours + `]}`,
			field("argocd-controller"), "and the Argo CD application shop sets it again", "argocd app set shop --sync-policy none"},
		{"R8 a field that a manager took away", `{managedFields: [` + ours + `, {manager: helm-controller, operation: Apply, fieldsV1: {"f:data": {"f:b": {}}}}]}`,
			field(""), "and Flux (helm-controller) sets it again", "leave it to Flux (helm-controller)"},
		{"R8 nobody knows", `{managedFields: [` + ours + `]}`, field(""), "and somebody else sets it again", "leave it to somebody else"},
		{"R8 the object is gone each time", "", nil, "and somebody else sets it again", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var f Contested
			s := &plan.Step{Object: &desired.Object{Ref: deploymentWeb}}
			now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			for i := range contestedAfter {
				before := parsed(t, "{apiVersion: apps/v1, kind: Deployment, metadata: "+tc.before+"}")
				if tc.before == "" {
					before = nil
				}
				if err := f.GiveUp(now, s); err != nil {
					t.Fatalf("given up after %d: %v", i, err)
				}
				f.Reverted(now.Add(time.Duration(i)*time.Second), s, before, tc.changes)
			}
			err := f.GiveUp(now.Add(time.Minute), s)
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(strings.Join(hint.Of(err), "\n"), tc.advice) {
				t.Errorf("got %v, hints %q; want %q and %q", err, hint.Of(err), tc.want, tc.advice)
			}
		})
	}
}

var deploymentWeb = cluster.Ref{Kind: cluster.Kind{Group: "apps", Version: "v1", Kind: "Deployment", Resource: "deployments", Namespaced: true}, Namespace: "shop", Name: "web"}
