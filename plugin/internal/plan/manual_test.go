package plan

import (
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired/desiredtest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object/objecttest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

func TestWhatAManualAppWaitsFor(t *testing.T) {
	row := &record.Row{UID: "1"}
	moved := &Step{Object: desiredtest.Object("ConfigMap", "moved"), From: &Handover{App: "other"}, Changed: true}
	step := func(name string, r *record.Row) *Step {
		return &Step{Object: desiredtest.Object("ConfigMap", name), Row: r, Changed: true}
	}
	web := app.App{Name: "web", Treatment: app.Treatment{Manual: true}}
	const waits = "waits for `kubectl gitops reconcile web` (sync: manual), which would "
	all := &Plan{Steps: []*Step{step("a", nil), step("b", &record.Row{}), step("c", row)}, Prunes: []Prune{{Row: record.Row{Ref: objecttest.Ref("ConfigMap", "d")}}}}
	many := &Plan{Steps: []*Step{step("a", nil), step("b", nil), step("c", nil), step("d", nil)}}
	for _, c := range []struct {
		name   string
		plan   *Plan
		app    app.App
		caller Caller
		hooks  bool
		want   string
	}{
		{"nothing", &Plan{}, web, Caller{}, false, ""},
		{"unchanged objects", &Plan{Unchanged: []*desired.Object{desiredtest.Object("ConfigMap", "a")}}, web, Caller{}, false, ""},
		{"drift only", &Plan{Drifted: []*desired.Object{desiredtest.Object("ConfigMap", "a")}}, web, Caller{}, false, ""},
		{"all of it", all, web, Caller{}, false, waits + "create configmap/a, configmap/b, configure configmap/c, prune configmap/d"},
		{"many", many, web, Caller{}, false, waits + "create configmap/a, configmap/b and 2 more"},
		{"an object of another app", &Plan{Steps: []*Step{moved}}, web, Caller{}, false, waits + "configure configmap/moved"},
		{"hooks", &Plan{}, web, Caller{}, true, waits + "run hooks"},
		{"an object of somebody else", &Plan{RefusedObjects: []*desired.Object{desiredtest.Object("ConfigMap", "a")}}, web, Caller{}, false, waits + "configure configmap/a"},
		{"named", all, web, Caller{Named: true}, true, ""},
		{"a dry run", all, web, Caller{DryRun: true}, true, ""},
		{"sync: auto", all, app.App{Name: "web"}, Caller{}, true, ""},
	} {
		if got := c.plan.Waits(c.app, c.caller, c.hooks); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestWhatKeepsACommitFromAnApp(t *testing.T) {
	for _, c := range []struct {
		treatment app.Treatment
		want      string
	}{
		{app.Treatment{}, ""},
		{app.Treatment{ReportDrift: true}, ""},
		{app.Treatment{Manual: true}, "gitops.yaml says sync: manual: only `kubectl gitops reconcile web` applies this"},
		{app.Treatment{Manual: true, Suspend: true}, "gitops.yaml says suspend: true: no run applies this"},
	} {
		if got := Withheld(app.App{Name: "web", Treatment: c.treatment}); got != c.want {
			t.Errorf("%+v: %q", c.treatment, got)
		}
	}
}
