package desired

import (
	"reflect"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object/objecttest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

func TestHooksOfArgoAndHelm(t *testing.T) {
	type phases = map[string][]record.HookCause
	install, upgrade := []record.HookCause{record.HooksInstall}, []record.HookCause{record.HooksUpgrade}
	tests := []struct {
		annotations []string
		want        *HookSettings
		err         string
	}{
		{nil, nil, ""},
		{[]string{"argocd.argoproj.io/sync-wave=1"}, nil, ""},
		{[]string{"argocd.argoproj.io/hook=PreSync"}, &HookSettings{Phases: phases{PreSync: everyTime}, Replace: true}, ""},
		{[]string{"kubectl-gitops.dev/hook=pre-sync, PostSync", "kubectl-gitops.dev/wave=3"},
			&HookSettings{Phases: phases{PreSync: everyTime, PostSync: everyTime}, Weight: 3, Replace: true}, ""},
		{[]string{"argocd.argoproj.io/hook=Sync,SyncFail", "argocd.argoproj.io/hook-delete-policy=HookSucceeded, HookFailed"},
			&HookSettings{Phases: phases{Sync: everyTime, SyncFail: everyTime}, DropSucceeded: true, DropFailed: true}, ""},
		{[]string{"argocd.argoproj.io/hook=Skip"}, &HookSettings{Phases: phases{}, Skip: true, Replace: true}, ""},
		{[]string{"argocd.argoproj.io/hook=PreDelete,PostDelete"},
			&HookSettings{Phases: phases{PreDelete: onDelete, PostDelete: onDelete}, Replace: true}, ""},
		{[]string{"helm.sh/hook=pre-install,pre-delete", "helm.sh/hook-weight=2"},
			&HookSettings{Phases: phases{PreSync: install, PreDelete: onDelete}, Weight: 2, Replace: true}, ""},
		{[]string{"argocd.argoproj.io/hook=PreSnyc"}, nil, `annotation argocd.argoproj.io/hook: there is no hook "PreSnyc"`},
		{[]string{"helm.sh/hook=pre-install", "helm.sh/hook-weight=-5"}, &HookSettings{Phases: phases{PreSync: install}, Weight: -5, Replace: true}, ""},
		{[]string{"helm.sh/hook=pre-install,pre-upgrade,post-upgrade,pre-rollback", "helm.sh/hook-delete-policy=before-hook-creation,hook-succeeded"},
			&HookSettings{Phases: phases{PreSync: everyTime, PostSync: upgrade}, Replace: true, DropSucceeded: true}, ""},
		{[]string{"helm.sh/hook=test"}, &HookSettings{Phases: phases{}, Replace: true}, ""},
		{[]string{"helm.sh/hook=crd-install"}, nil, ""},
		{[]string{"helm.sh/hook=pre-install", "argocd.argoproj.io/hook=PostSync"}, &HookSettings{Phases: phases{PostSync: everyTime}, Replace: true}, ""},
	}
	for _, test := range tests {
		got, err := ParseHook(objecttest.Annotations(test.annotations...))
		text := ""
		if err != nil {
			text = err.Error()
		}
		if !reflect.DeepEqual(got, test.want) || text != test.err {
			t.Errorf("%v: got %+v, %q, want %+v, %q", test.annotations, got, text, test.want, test.err)
		}
	}
}

func TestTestsOfHelmRunWhereTheAppAsksForThem(t *testing.T) {
	type phases = map[string][]record.HookCause
	for _, c := range []struct {
		name, annotation string
		tests            bool
		want             phases
	}{
		{"asked for", `"helm.sh/hook":"test"`, true, phases{Test: everyTime}},
		{"as Helm 2 called them", `"helm.sh/hook":"test-success"`, true, phases{Test: everyTime}},
		{"with another phase", `"helm.sh/hook":"post-install, test"`, true, phases{PostSync: everyTime[:1], Test: everyTime}},
		{"not asked for", `"helm.sh/hook":"test"`, false, phases{}},
		{"no test", `"helm.sh/hook":"pre-rollback"`, true, phases{}},
		{"of another tool", `"argocd.argoproj.io/hook":"PostSync","helm.sh/hook":"test"`, true, phases{PostSync: everyTime}},
	} {
		got, err := prepareFor(t, app.App{Name: "shop", Helm: app.Helm{Tests: c.tests}}, objecttest.Rendered(t,
			`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","annotations":{`+c.annotation+`}}}`))
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got[0].Hook.Phases, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got[0].Hook.Phases, c.want)
		}
	}
}

func TestNamespacesAndCRDsAreNeverRun(t *testing.T) {
	objects := objecttest.Rendered(t,
		`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"shop","annotations":{"helm.sh/hook":"pre-install,pre-upgrade"}}}`,
		objecttest.CRD("as.example.com", "example.com", "A", "as", "Cluster", `,"annotations":{"argocd.argoproj.io/hook":"PreSync"}`),
		`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"left-alone","annotations":{"argocd.argoproj.io/hook":"Skip"}}}`,
		`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","annotations":{"argocd.argoproj.io/hook":"PreSync"}}}`,
		`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"left-out","annotations":{"helm.sh/hook":"pre-delete"}}}`)
	got, err := prepareFor(t, app.App{Name: "shop"}, objects)
	if err != nil {
		t.Fatal(err)
	}
	for i, run := range []bool{false, false, true, true, true} {
		if (got[i].Hook != nil) != run {
			t.Errorf("%s is a hook: %v", got[i].ID(), got[i].Hook != nil)
		}
	}
}
