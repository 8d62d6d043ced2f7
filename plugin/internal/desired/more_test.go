package desired

import (
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object/objecttest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

func TestHooksInOrder(t *testing.T) {
	objects, err := prepareFor(t, app.App{Name: "shop"}, objecttest.Rendered(t,
		`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"b","annotations":{"argocd.argoproj.io/hook":"PreSync","argocd.argoproj.io/sync-wave":"1"}}}`,
		`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"generateName":"c-","annotations":{"argocd.argoproj.io/hook":"PreSync"}}}`,
		`{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"a","annotations":{"helm.sh/hook":"pre-install"}}}`,
		`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"d","annotations":{"helm.sh/hook":"pre-delete"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	for cause, want := range map[record.HookCause]string{record.HooksInstall: "a c- b", record.HooksUpgrade: "c- b"} {
		var names []string
		for _, o := range HooksOf(objects, PreSync, cause) {
			names = append(names, HookName(o))
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s: %s, want %s", cause, got, want)
		}
	}
	if !objects[3].Hook.OfRemoval() || objects[0].Hook.OfRemoval() || len(HooksOf(objects, PreDelete, record.HooksDelete)) != 1 {
		t.Error("hooks of the removal are not known")
	}
}

// TestKindsThatAreNotKnown: an object may wait for its kind, and is refused otherwise.
func TestKindsThatAreNotKnown(t *testing.T) {
	gadget := `{"apiVersion":"example.com/v1","kind":"Gadget","metadata":{"name":"g","annotations":{"argocd.argoproj.io/sync-options":"SkipDryRunOnMissingResource=true"}}}`
	objects, err := prepareFor(t, app.App{Name: "shop"}, objecttest.Rendered(t, gadget))
	if err != nil || len(objects) != 1 || objects[0].Resource != "" {
		t.Errorf("%v, %v", objects, err)
	}
	_, err = prepareFor(t, app.App{Name: "shop"}, objecttest.Rendered(t, strings.Replace(gadget, "=true", "=false", 1),
		`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","annotations":{"argocd.argoproj.io/hook":"Sometimes"}}}`))
	if err == nil || !strings.Contains(err.Error(), "the cluster has no kind Gadget in example.com/v1") || !strings.Contains(err.Error(), `there is no hook "Sometimes"`) {
		t.Errorf("got %v", err)
	}
	defined := Definitions([]app.App{{}}, [][]manifest.Object{objecttest.Rendered(t, objecttest.CRD("gadgets.example.com", "example.com", "Gadget", "gadgets", "Namespaced", ""))})
	if len(defined) != 1 {
		t.Errorf("defined are %v", defined)
	}
	ref := object.Ref{Kind: object.Kind{Group: "example.com", Version: "v1", Kind: "Gadget", Resource: "gadgets"}, Name: "g"}
	if k := DefinedBy(ref); k.Name != "gadgets.example.com" || KeyText(k) != "apiextensions.k8s.io/CustomResourceDefinition/gadgets.example.com" {
		t.Errorf("defined by %v", k)
	}
}

func TestStages(t *testing.T) {
	for _, c := range []struct {
		kind, wave string
		want       Stage
	}{
		{"Namespace", "5", Stage{Phase: PhaseNamespaces}}, {"CustomResourceDefinition", "", Stage{Phase: PhaseCRDs}},
		{"ClusterRole", "", Stage{Phase: phaseClusterScoped}}, {"ClusterRole", "2", Stage{Phase: PhaseWaves, Wave: 2}},
		{"ConfigMap", "-1", Stage{Phase: PhaseWaves, Wave: -1}}, {"ConfigMap", "first", Stage{Phase: PhaseWaves}},
		{"ValidatingWebhookConfiguration", "3", Stage{Phase: phaseWebhooks}},
	} {
		annotations := map[string]string{}
		if c.wave != "" {
			annotations[Wave] = c.wave
		}
		if got := StageOf(objecttest.Kinds[c.kind], annotations); got.Compare(c.want) != 0 {
			t.Errorf("%s, wave %q: %+v", c.kind, c.wave, got)
		}
	}
}

func TestWarnings(t *testing.T) {
	o := wantedObject("ConfigMap", "a", "argocd.argoproj.io/sync-options=Nonsense=true")
	if w := Warnings(o); len(w) != 1 || w[0].Origin.Line != 7 {
		t.Errorf("got %v", w)
	}
}
