package reconcile

import (
	"strings"
	"testing"
)

func TestAnnotationsOfOtherToolsAreUnderstood(t *testing.T) {
	for annotation, want := range map[string]policy{
		"kubectl-gitops.dev/prune=disabled":                                      {keep: true},
		"kubectl-gitops.dev/prune=enabled":                                       {},
		"kubectl-gitops.dev/recreate=enabled":                                    {recreate: true},
		"kubectl-gitops.dev/replace=enabled":                                     {replace: true},
		"kubectl-gitops.dev/create-only=enabled":                                 {createOnly: true},
		"kubectl-gitops.dev/ignore=enabled":                                      {ignore: true},
		"kubectl-gitops.dev/force-conflicts=disabled":                            {yield: true},
		"kustomize.toolkit.fluxcd.io/prune=disabled":                             {keep: true},
		"kustomize.toolkit.fluxcd.io/force=Enabled":                              {recreate: true},
		"kustomize.toolkit.fluxcd.io/force=disabled":                             {},
		"kustomize.toolkit.fluxcd.io/ssa=IfNotPresent":                           {createOnly: true},
		"kustomize.toolkit.fluxcd.io/ssa=Ignore":                                 {ignore: true},
		"kustomize.toolkit.fluxcd.io/ssa=Merge":                                  {},
		"kustomize.toolkit.fluxcd.io/reconcile=disabled":                         {ignore: true},
		"helm.sh/resource-policy=keep":                                           {keep: true},
		"argocd.argoproj.io/sync-options=Prune=false":                            {keep: true},
		"argocd.argoproj.io/sync-options=Prune=confirm":                          {keep: true},
		"argocd.argoproj.io/sync-options=ServerSideApply=true, Delete=false":     {keep: true},
		"argocd.argoproj.io/sync-options=Prune=falsehood":                        {},
		"argocd.argoproj.io/sync-options=Force=true":                             {recreate: true},
		"argocd.argoproj.io/sync-options=SkipDryRunOnMissingResource=true":       {patient: true},
		"argocd.argoproj.io/sync-options=Replace=true,Force=true,Validate=false": {replace: true, recreate: true, unchecked: true},
	} {
		if got := policyOf(pairs([]string{annotation})); got != want {
			t.Errorf("%s: got %+v, want %+v", annotation, got, want)
		}
	}
	if (policyOf(nil) != policy{}) {
		t.Error("an object without annotations asks for nothing")
	}
	if p := policyOf(pairs([]string{"kubectl-gitops.dev/prune=enabled", "helm.sh/resource-policy=keep"})); p.keep {
		t.Error("our annotation has the last word")
	}
}

func TestUnknownValuesAreWarnedOf(t *testing.T) {
	for annotation, want := range map[string]string{
		"kubectl-gitops.dev/prune=false":                        `app.yaml:7: v1/ConfigMap/shop/x: annotation kubectl-gitops.dev/prune: "false" means nothing here; understood: disabled, enabled`,
		"kubectl-gitops.dev/prnue=disabled":                     `app.yaml:7: v1/ConfigMap/shop/x: annotation kubectl-gitops.dev/prnue is not known`,
		"kubectl-gitops.dev/wave=first":                         `app.yaml:7: v1/ConfigMap/shop/x: annotation kubectl-gitops.dev/wave: "first" is not a whole number, it counts as 0`,
		"kubectl-gitops.dev/wave=-3":                            "",
		"argocd.argoproj.io/sync-options=PruneLast=true,Fast=":  `"Fast=" means nothing here`,
		"argocd.argoproj.io/sync-options=ServerSideApply=true,": "",
		"argocd.argoproj.io/compare-options=IgnoreExtraneous":   "",
		"kustomize.toolkit.fluxcd.io/ssa=Sometimes":             `"Sometimes" means nothing here; understood: Override, Merge, IfNotPresent, Ignore`,
		"example.com/prune=never":                               "",
	} {
		var got []string
		for _, problem := range misunderstood(wanted("ConfigMap", "x", annotation)) {
			got = append(got, problem.Error())
		}
		if text := strings.Join(got, "\n"); (text == "") != (want == "") || !strings.Contains(text, want) {
			t.Errorf("%s: got %q, want %q", annotation, text, want)
		}
	}
}
