package reconcile

import (
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired/desiredtest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object/objecttest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/build"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/pass"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/tell"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// TestAnAppThatIsPlannedLateHandsOver: the kinds of the giver are installed in the same run, by an app it depends on. What
// it gives to another app is not its to prune then either.
func TestAnAppThatIsPlannedLateHandsOver(t *testing.T) {
	moved, stays := desiredtest.Object("ConfigMap", "moved"), desiredtest.Object("ConfigMap", "stays")
	r := &Reconciler{}
	r.env().Renders.Keep("giver", &build.Build{Objects: []manifest.Object{{Unstructured: stays.Manifest}, {Unstructured: desiredtest.Object("Widget", "new").Manifest}}})
	giver := &pass.Pass{Env: r.env(), Teller: &tell.Teller{Report: &report.App{}}, Listed: &pass.Listed{Way: pass.Way{State: pass.WaitsForKinds}}, Job: pass.Job{App: app.App{Name: "giver"}, Set: objecttest.Set}, Known: pass.Known{Live: live.New(), Record: &record.Record{Inventory: record.NewInventory("giver")}}}
	taker := &pass.Pass{Env: r.env(), Teller: &tell.Teller{Report: &report.App{}}, Listed: &pass.Listed{}, Job: pass.Job{App: app.App{Name: "taker"}, Set: "applyset-takers-v1"}, Known: pass.Known{Live: live.New(), Record: &record.Record{Inventory: record.NewInventory("taker")}}, Wanted: pass.Wanted{Desired: []*desired.Object{moved}}}
	shared := live.New()
	for _, o := range []*desired.Object{moved, stays} {
		live := o.Manifest.DeepCopy()
		live.SetUID("1")
		live.SetLabels(map[string]string{record.LabelPartOf: objecttest.Set})
		shared.Add(o.Ref.Kind, live)
		giver.Record.Applied(record.Row{Ref: o.Ref, UID: "1"})
	}
	for _, p := range []*pass.Pass{giver, taker} {
		p.Live, p.Listed.Shared = shared, shared
	}
	(&run{passes: []*pass.Pass{giver, taker}}).deciding().handovers()
	if !giver.HandsOver[moved.Key()] || giver.HandsOver[stays.Key()] {
		t.Errorf("gives %v", giver.HandsOver)
	}
	if taker.TakesOver[moved.Key()] == nil {
		t.Error("nothing is taken over")
	}
}
