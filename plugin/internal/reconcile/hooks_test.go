package reconcile

import (
	"reflect"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

func TestHooksOfArgoAndHelm(t *testing.T) {
	type phases = map[string][]record.HookCause
	install, upgrade := []record.HookCause{record.HooksInstall}, []record.HookCause{record.HooksUpgrade}
	tests := []struct {
		annotations []string
		want        *hook
		err         string
	}{
		{nil, nil, ""},
		{[]string{"argocd.argoproj.io/sync-wave=1"}, nil, ""},
		{[]string{"argocd.argoproj.io/hook=PreSync"}, &hook{phases: phases{phasePreSync: everyTime}, replace: true}, ""},
		{[]string{"kubectl-gitops.dev/hook=pre-sync, PostSync", "kubectl-gitops.dev/wave=3"},
			&hook{phases: phases{phasePreSync: everyTime, phasePostSync: everyTime}, weight: 3, replace: true}, ""},
		{[]string{"argocd.argoproj.io/hook=Sync,SyncFail", "argocd.argoproj.io/hook-delete-policy=HookSucceeded, HookFailed"},
			&hook{phases: phases{phaseSync: everyTime, phaseSyncFail: everyTime}, dropOK: true, dropBad: true}, ""},
		{[]string{"argocd.argoproj.io/hook=Skip"}, &hook{phases: phases{}, skip: true, replace: true}, ""},
		{[]string{"argocd.argoproj.io/hook=PreDelete,PostDelete"},
			&hook{phases: phases{phasePreDelete: onDelete, phasePostDelete: onDelete}, replace: true}, ""},
		{[]string{"helm.sh/hook=pre-install,pre-delete", "helm.sh/hook-weight=2"},
			&hook{phases: phases{phasePreSync: install, phasePreDelete: onDelete}, weight: 2, replace: true}, ""},
		{[]string{"argocd.argoproj.io/hook=PreSnyc"}, nil, `annotation argocd.argoproj.io/hook: there is no hook "PreSnyc"`},
		{[]string{"helm.sh/hook=pre-install", "helm.sh/hook-weight=-5"}, &hook{phases: phases{phasePreSync: install}, weight: -5, replace: true}, ""},
		{[]string{"helm.sh/hook=pre-install,pre-upgrade,post-upgrade,pre-rollback", "helm.sh/hook-delete-policy=before-hook-creation,hook-succeeded"},
			&hook{phases: phases{phasePreSync: everyTime, phasePostSync: upgrade}, replace: true, dropOK: true}, ""},
		{[]string{"helm.sh/hook=test"}, &hook{phases: phases{}, replace: true}, ""},
		{[]string{"helm.sh/hook=crd-install"}, nil, ""},
		{[]string{"helm.sh/hook=pre-install", "argocd.argoproj.io/hook=PostSync"}, &hook{phases: phases{phasePostSync: everyTime}, replace: true}, ""},
	}
	for _, test := range tests {
		got, err := hookOf(pairs(test.annotations))
		text := ""
		if err != nil {
			text = err.Error()
		}
		if !reflect.DeepEqual(got, test.want) || text != test.err {
			t.Errorf("%v: got %+v, %q, want %+v, %q", test.annotations, got, text, test.want, test.err)
		}
	}
}

func TestNamespacesAndCRDsAreNeverRun(t *testing.T) {
	objects := rendered(t,
		`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"shop","annotations":{"helm.sh/hook":"pre-install,pre-upgrade"}}}`,
		crdOf("as.example.com", "example.com", "A", "as", "Cluster", `,"annotations":{"argocd.argoproj.io/hook":"PreSync"}`),
		`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"left-alone","annotations":{"argocd.argoproj.io/hook":"Skip"}}}`,
		`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","annotations":{"argocd.argoproj.io/hook":"PreSync"}}}`,
		`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"left-out","annotations":{"helm.sh/hook":"pre-delete"}}}`)
	got, err := reconcilerOf(t).prepare(t.Context(), App{Name: "shop"}, objects)
	if err != nil {
		t.Fatal(err)
	}
	for i, run := range []bool{false, false, true, true, true} {
		if (got[i].hook != nil) != run {
			t.Errorf("%s is a hook: %v", got[i].ID(), got[i].hook != nil)
		}
	}
}
