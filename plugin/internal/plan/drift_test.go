package plan

import (
	"fmt"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired/desiredtest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object/objecttest"
)

func TestWhichRunLeavesDrift(t *testing.T) {
	for _, c := range []struct {
		treatment app.Treatment
		caller    Caller
		leaves    bool
	}{
		{app.Treatment{}, Caller{}, false},
		{app.Treatment{ReportDrift: true}, Caller{}, true},
		{app.Treatment{ReportDrift: true}, Caller{Named: true}, false},
		{app.Treatment{ReportDrift: true}, Caller{DryRun: true}, false},
		{app.Treatment{Manual: true}, Caller{}, true},
		{app.Treatment{Manual: true}, Caller{Named: true}, false},
	} {
		if leaves := LeavesDrift(app.App{Treatment: c.treatment}, c.caller); leaves != c.leaves {
			t.Errorf("%+v, %+v: %t", c.treatment, c.caller, leaves)
		}
	}
}

func TestDriftOfARecord(t *testing.T) {
	key := func(name string) object.Key { return object.Key{Kind: "ConfigMap", Namespace: "shop", Name: name} }
	drifted := map[object.Key]live.State{key("b"): live.Drifted, key("a"): live.Missing, key("c"): live.Replaced, key("d"): live.Terminating, key("e"): live.KindGone, key("f"): live.InSync}
	for _, c := range []struct {
		name   string
		leave  bool
		states map[object.Key]live.State
		want   string
	}{
		{"nothing", true, map[object.Key]live.State{key("a"): live.InSync}, "[] false"},
		{"all that is drift is left", true, drifted, "[a b c d e] false"},
		{"or reverted", false, drifted, "[] true"},
		{"what was never applied is applied", true, map[object.Key]live.State{key("a"): live.NotApplied, key("b"): live.Drifted}, "[b] true"},
		{"what must be read is no drift yet", true, map[object.Key]live.State{key("a"): live.NeedsRead}, "[] true"},
	} {
		left, work := Drift(c.leave, c.states)
		names := []string{}
		for _, k := range left {
			names = append(names, k.Name)
		}
		if got := fmt.Sprint(names, work); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// TestAPlanLeavesDrift: a change from Git is applied, to an object that has drifted, too.
func TestAPlanLeavesDrift(t *testing.T) {
	s := newScene()
	for name, state := range map[string]live.State{"same": live.InSync, "drifted": live.Drifted, "missing": live.Missing, "changed": live.Drifted} {
		s.applied(desiredtest.Object("ConfigMap", name), state)
	}
	created := desiredtest.Object("ConfigMap", "created", desired.Prune+"=disabled")
	created.Policy.CreateOnly = true
	s.applied(created, live.Drifted)
	objects := []*desired.Object{desiredtest.Object("ConfigMap", "changed", "a=b"), created, desiredtest.Object("ConfigMap", "drifted"), desiredtest.Object("ConfigMap", "missing"),
		desiredtest.Object("ConfigMap", "new"), desiredtest.Object("ConfigMap", "same")}
	p := Make(Input{Desired: objects, Record: s.rec, Live: s.live, States: s.states, Set: objecttest.Set, LeaveDrift: true})
	lines := p.lines()
	for _, o := range p.Drifted {
		lines = append(lines, "left "+o.Ref.String())
	}
	objecttest.Lines(t, lines,
		"apply 3/0 configmap/changed git",
		"apply 3/0 configmap/new git",
		"same configmap/created",
		"same configmap/same",
		"left configmap/drifted",
		"left configmap/missing")
}

func TestWhatADryRunSays(t *testing.T) {
	drift, change, prune := &Step{State: live.Drifted}, &Step{State: live.Drifted, Changed: true}, Prune{}
	manual, report := app.App{Name: "web", Treatment: app.Treatment{Manual: true}}, app.App{Name: "web", Treatment: app.Treatment{ReportDrift: true}}
	for _, c := range []struct {
		name   string
		plan   *Plan
		app    app.App
		caller Caller
		want   string
	}{
		{"nothing to do", &Plan{}, manual, Caller{DryRun: true}, ""},
		{"manual", &Plan{Steps: []*Step{change}}, manual, Caller{DryRun: true}, "gitops.yaml says sync: manual: only `kubectl gitops reconcile web` does this"},
		{"manual prune", &Plan{Prunes: []Prune{prune}}, manual, Caller{DryRun: true}, "gitops.yaml says sync: manual: only `kubectl gitops reconcile web` does this"},
		{"drift", &Plan{Steps: []*Step{change, drift}}, report, Caller{DryRun: true}, "gitops.yaml says drift: report: only `kubectl gitops reconcile web` reverts what drifted"},
		{"a change", &Plan{Steps: []*Step{change}, Prunes: []Prune{prune}}, report, Caller{DryRun: true}, ""},
		{"any other app", &Plan{Steps: []*Step{change, drift}}, app.App{Name: "web"}, Caller{DryRun: true}, ""},
		{"named", &Plan{Steps: []*Step{change}}, manual, Caller{DryRun: true, Named: true}, ""},
		{"a run", &Plan{Steps: []*Step{change}}, manual, Caller{}, ""},
	} {
		if got := c.plan.Reserved(c.app, c.caller); got != c.want {
			t.Errorf("%s: %q", c.name, got)
		}
	}
}

func TestWhatIsSaidOfDrift(t *testing.T) {
	for _, c := range []struct {
		app        app.App
		n          int
		text, hint string
	}{
		{app.App{Name: "web", Treatment: app.Treatment{ReportDrift: true}}, 1, "1 object drifted, not reverted: gitops.yaml says drift: report", "kubectl gitops reconcile web reverts it"},
		{app.App{Name: "web", Treatment: app.Treatment{Manual: true}}, 2, "2 objects drifted, not reverted: gitops.yaml says sync: manual", "kubectl gitops reconcile web reverts it"},
	} {
		if text, hint := DriftText(c.app, c.n); text != c.text || hint != c.hint {
			t.Errorf("%q, %q", text, hint)
		}
	}
}
