package desired

import (
	"strings"
	"testing"
)

func TestAnnotationsOfOtherToolsAreUnderstood(t *testing.T) {
	for annotation, want := range map[string]Policy{
		"kubectl-gitops.dev/prune=disabled":                                      {Keep: true},
		"kubectl-gitops.dev/prune=enabled":                                       {},
		"kubectl-gitops.dev/recreate=enabled":                                    {Recreate: true},
		"kubectl-gitops.dev/replace=enabled":                                     {Replace: true},
		"kubectl-gitops.dev/create-only=enabled":                                 {CreateOnly: true},
		"kubectl-gitops.dev/ignore=enabled":                                      {Ignore: true},
		"kubectl-gitops.dev/force-conflicts=disabled":                            {Yield: true},
		"kustomize.toolkit.fluxcd.io/prune=disabled":                             {Keep: true},
		"kustomize.toolkit.fluxcd.io/force=Enabled":                              {Recreate: true},
		"kustomize.toolkit.fluxcd.io/force=disabled":                             {},
		"kustomize.toolkit.fluxcd.io/ssa=IfNotPresent":                           {CreateOnly: true},
		"kustomize.toolkit.fluxcd.io/ssa=Ignore":                                 {Ignore: true},
		"kustomize.toolkit.fluxcd.io/ssa=Merge":                                  {},
		"kustomize.toolkit.fluxcd.io/reconcile=disabled":                         {Ignore: true},
		"helm.sh/resource-policy=keep":                                           {Keep: true},
		"argocd.argoproj.io/sync-options=Prune=false":                            {Keep: true},
		"argocd.argoproj.io/sync-options=Prune=confirm":                          {Keep: true},
		"argocd.argoproj.io/sync-options=ServerSideApply=true, Delete=false":     {Keep: true},
		"argocd.argoproj.io/sync-options=Prune=falsehood":                        {},
		"argocd.argoproj.io/sync-options=Force=true":                             {Recreate: true},
		"argocd.argoproj.io/sync-options=SkipDryRunOnMissingResource=true":       {Patient: true},
		"argocd.argoproj.io/sync-options=Replace=true,Force=true,Validate=false": {Replace: true, Recreate: true, Unchecked: true},
	} {
		if got := PolicyOf(pairs([]string{annotation})); got != want {
			t.Errorf("%s: got %+v, want %+v", annotation, got, want)
		}
	}
	if (PolicyOf(nil) != Policy{}) {
		t.Error("an object without annotations asks for nothing")
	}
	if p := PolicyOf(pairs([]string{"kubectl-gitops.dev/prune=enabled", "helm.sh/resource-policy=keep"})); p.Keep {
		t.Error("our annotation has the last word")
	}
}

func TestUnknownValuesAreWarnedOf(t *testing.T) {
	for annotation, want := range map[string]string{
		"kubectl-gitops.dev/prune=false":                        `annotation kubectl-gitops.dev/prune: "false" means nothing here; understood: disabled, enabled`,
		"kubectl-gitops.dev/prnue=disabled":                     `annotation kubectl-gitops.dev/prnue is not known`,
		"kubectl-gitops.dev/wave=first":                         `annotation kubectl-gitops.dev/wave: "first" is not a whole number, it counts as 0`,
		"kubectl-gitops.dev/wave=-3":                            "",
		"kubectl-gitops.dev/substitute=disabled":                "",
		"kustomize.toolkit.fluxcd.io/substitute=disabled":       "",
		"argocd.argoproj.io/sync-options=PruneLast=true,Fast=":  `"Fast=" means nothing here`,
		"argocd.argoproj.io/sync-options=ServerSideApply=true,": "",
		"argocd.argoproj.io/compare-options=IgnoreExtraneous":   "",
		"kustomize.toolkit.fluxcd.io/ssa=Sometimes":             `"Sometimes" means nothing here; understood: Override, Merge, IfNotPresent, Ignore`,
		"example.com/prune=never":                               "",
	} {
		var got []string
		got = append(got, Misunderstood(pairs([]string{annotation}))...)
		if text := strings.Join(got, "\n"); (text == "") != (want == "") || !strings.Contains(text, want) {
			t.Errorf("%s: got %q, want %q", annotation, text, want)
		}
	}
}

// pairs makes annotations of "name=value".
func pairs(list []string) map[string]string {
	set := map[string]string{}
	for _, pair := range list {
		name, value, _ := strings.Cut(pair, "=")
		set[name] = value
	}
	return set
}

func TestWhichAnnotationMakesAHook(t *testing.T) {
	for _, test := range []struct {
		set        map[string]string
		name, text string
		hook       bool
	}{
		{nil, "", "", false},
		{map[string]string{ArgoHook: "PreSync"}, ArgoHook, "PreSync", true},
		{map[string]string{ArgoHook: "PreSync", Hook: "PostSync"}, Hook, "PostSync", true},
		{map[string]string{ArgoHook: "PreSync", HelmHook: "test"}, ArgoHook, "PreSync", true},
		{map[string]string{HelmHook: "crd-install"}, HelmHook, "crd-install", false},
	} {
		if name, text, hook := HookOf(test.set); name != test.name || text != test.text || hook != test.hook {
			t.Errorf("%v: got %q, %q, %t", test.set, name, text, hook)
		}
	}
	if got := HookWord(" Pre-Install "); got != "preinstall" {
		t.Errorf("got %q", got)
	}
}

// What the page lists is what the code understands.
func TestEachValueOfTheTableMeansSomething(t *testing.T) {
	for _, v := range AnnotationValues() {
		if v.Name == "" || v.Meaning == "" || v.Values == "" {
			t.Errorf("%+v", v)
		}
		for value := range strings.SplitSeq(strings.Trim(v.Values, "`"), "`, `") {
			if !strings.HasPrefix(v.Values, "`") {
				continue
			}
			if wrong := Misunderstood(map[string]string{v.Name: value}); len(wrong) > 0 {
				t.Errorf("%s=%s: %v", v.Name, value, wrong)
			}
		}
	}
}
