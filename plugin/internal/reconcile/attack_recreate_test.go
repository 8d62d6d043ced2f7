package reconcile

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired/desiredtest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/apply"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/pass"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// TestAttackRecreate: in no spelling is anything recreated that takes others' data along, whatever the label that changes.
func TestAttackRecreate(t *testing.T) {
	stateful := cluster.Kind{Group: "apps", Version: "v1", Kind: "StatefulSet"}
	for _, annotations := range []map[string]string{
		{desired.Recreate: "enabled", desired.Replace: "enabled"},
		{desired.ArgoOptions: "Force=true,Replace=true"},
		{desired.ArgoOptions: "Replace=true, Force=true"},
		{desired.FluxForce: "Enabled", desired.Replace: "enabled"},
		{desired.FluxForce: "enabled", desired.ArgoOptions: "Replace=true"},
	} {
		for _, test := range []struct {
			name  string
			kind  cluster.Kind
			row   record.Row
			spec  string
			anew  bool // at each change
			never bool // not even when the server refuses the change
		}{
			{"X5 a Namespace of the app", cluster.Kind{Version: "v1", Kind: "Namespace"}, record.Row{UID: "u"}, "", false, true},
			{"X5 a definition of the app", cluster.Kind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"}, record.Row{UID: "u"}, "", false, true},
			{"X5 a claim that was there before", cluster.Kind{Version: "v1", Kind: "PersistentVolumeClaim"}, record.Row{UID: "u", Adopted: true}, "", false, true},
			{"X5 a volume that was there before", cluster.Kind{Version: "v1", Kind: "PersistentVolume"}, record.Row{UID: "u", Adopted: true}, "", false, true},
			{"X5 a snapshot that was there before", cluster.Kind{Group: "snapshot.storage.k8s.io", Version: "v1", Kind: "VolumeSnapshot"}, record.Row{UID: "u", Adopted: true}, "", false, true},
			{"X5 a StatefulSet whose claims go with it", stateful, record.Row{UID: "u"}, "Delete", false, true},
			{"X5 an object that was written ahead", stateful, record.Row{}, "", false, true},
			{"X5 beside it: a claim of the app", cluster.Kind{Version: "v1", Kind: "PersistentVolumeClaim"}, record.Row{UID: "u"}, "", false, false},
			{"X5 beside it: a StatefulSet whose claims stay", stateful, record.Row{UID: "u"}, "Retain", true, false},
			{"X5 beside it: a claim of another group", cluster.Kind{Group: "example.com", Version: "v1", Kind: "PersistentVolumeClaim"}, record.Row{UID: "u", Adopted: true}, "", true, false},
			{"X5 beside it: a Job that was there before", cluster.Kind{Group: "batch", Version: "v1", Kind: "Job"}, record.Row{UID: "u", Adopted: true}, "", true, false},
		} {
			t.Run(fmt.Sprint(test.name, annotations), func(t *testing.T) {
				live := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{
					"persistentVolumeClaimRetentionPolicy": map[string]any{"whenDeleted": test.spec}}}}
				live.SetUID("u")
				s := &plan.Step{Object: &desired.Object{Ref: cluster.Ref{Kind: test.kind}, Policy: desired.PolicyOf(annotations)}, Row: &test.row, Live: live}
				if !s.Policy.Recreate || !s.Policy.Replace {
					t.Fatalf("the annotations do not ask for it: %+v", s.Policy)
				}
				if apply.IsReplaced(s) != test.anew || (apply.WhyKept(s, live) != "") != test.never {
					t.Errorf("recreated at each change: %v; kept: %q", apply.IsReplaced(s), apply.WhyKept(s, live))
				}
			})
		}
	}
}

// TestAttackRecreateBudget: a recreation that nobody foresaw counts in the deletion budget, with those that were.
func TestAttackRecreateBudget(t *testing.T) {
	r := reconcilerOf(t)
	r.Now = time.Now
	p := pass.New(t.Context(), r.env(), app.App{Name: "shop", Budget: app.Budget{Count: 3, Percent: 100, Free: 5}}, pass.Options{})
	p.Record, p.Plan = &record.Record{Inventory: record.NewInventory("shop")}, &plan.Plan{}
	for n := range 8 {
		s := &plan.Step{Object: desiredtest.Object("ConfigMap", fmt.Sprint("c", n)), Row: &record.Row{UID: "u"}}
		if n == 0 {
			s.Recreate = apply.AsAsked // foreseen
		}
		p.Record.Applied(record.Row{Ref: s.Ref, UID: "u"})
		p.Plan.Steps = append(p.Plan.Steps, s)
	}
	for n := 1; n <= 2; n++ {
		if err := p.Execution().GuardUnplanned(t.Context(), p.Plan.Steps[n]); err != nil {
			t.Fatalf("X5 beside it: within the budget: %v", err)
		}
	}
	for n := 3; n < 8; n++ {
		if err := p.Execution().GuardUnplanned(t.Context(), p.Plan.Steps[n]); err == nil || !strings.Contains(err.Error(), "refused to delete and recreate 4 objects: the deletion budget is 3 objects") {
			t.Errorf("X5 number %d: %v", n, err)
		}
	}
}
