package reconcile

import (
	"encoding/json"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired/desiredtest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/pass"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/tell"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

func keeping(t *testing.T, annotations ...string) *pass.Pass {
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
	p := &pass.Pass{Teller: &tell.Teller{Report: &report.App{}}, Listed: &pass.Listed{LeftList: true}, Known: pass.Known{Record: &record.Record{Inventory: record.NewInventory("shop")}, Live: live.New()}}
	if p.Record.Kept, err = record.PackHooks([]record.KeptHook{{Object: o.Ref, Manifest: body}}); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestHooksOfARemovalRunWithoutDoubtOnly(t *testing.T) {
	const hook = "kubectl-gitops.dev/hook=PreDelete"
	key := object.Key{Kind: "ConfigMap", Name: "a"}
	for name, test := range map[string]struct {
		change func(*pass.Pass)
		runs   bool
	}{
		"removed":                       {func(*pass.Pass) {}, true},
		"everything stays":              {func(p *pass.Pass) { p.App.KeepRemoved = true }, false},
		"an app is not known":           {func(p *pass.Pass) { p.Listed.NotPruned = "perhaps" }, false},
		"another app takes an object":   {func(p *pass.Pass) { p.HandsOver = map[object.Key]bool{key: true} }, false},
		"another app was asked for":     {func(p *pass.Pass) { p.Listed.NotSelected = true }, false},
		"its hooks are all of the past": {func(p *pass.Pass) { p.Record.Kept = nil }, false},
	} {
		p := keeping(t, hook)
		test.change(p)
		if err := p.Planning().PlanRemoval(); err != nil || p.Hooks.AreDue() != test.runs || len(p.Hooks.List) > 0 != test.runs {
			t.Errorf("%s: %v, due %v, %v", name, err, p.Hooks.AreDue(), p.Hooks.List)
		}
	}
}

func TestHooksOfARemovalAreConfined(t *testing.T) {
	p := keeping(t, "kubectl-gitops.dev/hook=PreDelete")
	p.App.Allow.Namespaces = []string{"other"}
	if err := p.Planning().PlanRemoval(); err == nil || p.Hooks.AreDue() {
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
		list, err := p.Record.KeptHooks()
		if err != nil {
			t.Fatal(err)
		}
		change(&list[0])
		if p.Record.Kept, err = record.PackHooks(list); err != nil {
			t.Fatal(err)
		}
		if err := p.Planning().PlanRemoval(); err == nil || p.Hooks.AreDue() {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := keeping(t).Planning().PlanRemoval(); err == nil {
		t.Error("what is no hook is taken for one")
	}
}
