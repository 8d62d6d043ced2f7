package reconcile

import (
	"encoding/json"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired/desiredtest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/tell"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

func keeping(t *testing.T, annotations ...string) *pass {
	t.Helper()
	o := desiredtest.Object("Job", "drain", annotations...)
	o.Ref.Kind = cluster.Kind{Group: "batch", Version: "v1", Kind: "Job", Resource: "jobs", Namespaced: true}
	o.Namespace = "shop"
	o.Manifest.SetAPIVersion("batch/v1")
	o.Manifest.SetKind("Job")
	o.Manifest.SetNamespace("shop")
	body, err := json.Marshal(o.Manifest.Object)
	if err != nil {
		t.Fatal(err)
	}
	p := &pass{Teller: &tell.Teller{Report: &report.App{}}, listed: &listed{retired: true}, known: known{rec: &record.Record{Inventory: record.NewInventory("shop")}, live: live.New()}}
	if p.rec.Kept, err = record.PackHooks([]record.KeptHook{{Object: o.Ref, Manifest: body}}); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestHooksOfARemovalRunWithoutDoubtOnly(t *testing.T) {
	const hook = "kubectl-gitops.dev/hook=PreDelete"
	key := record.Key{Kind: "ConfigMap", Name: "a"}
	for name, test := range map[string]struct {
		change func(*pass)
		runs   bool
	}{
		"removed":                       {func(*pass) {}, true},
		"everything stays":              {func(p *pass) { p.app.KeepRemoved = true }, false},
		"an app is not known":           {func(p *pass) { p.listed.keeps = "perhaps" }, false},
		"another app takes an object":   {func(p *pass) { p.HandsOver = map[record.Key]bool{key: true} }, false},
		"another app was asked for":     {func(p *pass) { p.listed.aside = true }, false},
		"its hooks are all of the past": {func(p *pass) { p.rec.Kept = nil }, false},
	} {
		p := keeping(t, hook)
		test.change(p)
		if err := p.planning().planRemoval(); err != nil || p.hooks.AreDue() != test.runs || len(p.hooks.List) > 0 != test.runs {
			t.Errorf("%s: %v, due %v, %v", name, err, p.hooks.AreDue(), p.hooks.List)
		}
	}
}

func TestHooksOfARemovalAreConfined(t *testing.T) {
	p := keeping(t, "kubectl-gitops.dev/hook=PreDelete")
	p.app.Allow.Namespaces = []string{"other"}
	if err := p.planning().planRemoval(); err == nil || p.hooks.AreDue() {
		t.Errorf("a hook in a namespace of others runs: %v", err)
	}
	for name, change := range map[string]func(*record.KeptHook){
		"X3 another namespace than the manifest's": func(h *record.KeptHook) { h.Object.Namespace = "other" },
		"X3 another kind than the manifest's": func(h *record.KeptHook) {
			h.Object.Kind = cluster.Kind{Version: "v1", Kind: "ConfigMap", Resource: "configmaps", Namespaced: true}
		},
		"X3 another name than the manifest's": func(h *record.KeptHook) { h.Object.Name = "other" },
		"X1 a resource that leads up":         func(h *record.KeptHook) { h.Object.Resource = "../x" },
	} {
		p := keeping(t, "kubectl-gitops.dev/hook=PreDelete")
		list, err := p.rec.KeptHooks()
		if err != nil {
			t.Fatal(err)
		}
		change(&list[0])
		if p.rec.Kept, err = record.PackHooks(list); err != nil {
			t.Fatal(err)
		}
		if err := p.planning().planRemoval(); err == nil || p.hooks.AreDue() {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := keeping(t).planning().planRemoval(); err == nil {
		t.Error("what is no hook is taken for one")
	}
}
