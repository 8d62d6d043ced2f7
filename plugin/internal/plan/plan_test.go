package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired/desiredtest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object/objecttest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

// scene is a record and a cluster to plan against.
type scene struct {
	rec    *record.Record
	live   *live.Snapshot
	states map[object.Key]live.State
}

func newScene() *scene {
	return &scene{rec: &record.Record{Inventory: record.NewInventory("shop")}, live: live.New(), states: map[object.Key]live.State{}}
}

// applied puts o into record and cluster, as it is.
func (s *scene) applied(o *desired.Object, v live.State) *scene {
	k := o.Key()
	s.rec.Applied(record.Row{Ref: o.Ref, UID: types.UID(o.Name), Manifest: s.rec.Hash(o.Body)})
	live := o.Manifest.DeepCopy()
	live.SetUID(types.UID(o.Name))
	live.SetLabels(map[string]string{record.LabelPartOf: objecttest.Set})
	s.live.Add(o.Ref.Kind, live)
	s.states[k] = v
	return s
}

func (s *scene) plan(objects ...*desired.Object) *Plan {
	return Make(Input{Desired: objects, Record: s.rec, Live: s.live, States: s.states, Set: objecttest.Set, Apps: map[string]string{"applyset-web-v1": "web"}})
}

// lines prints a plan: what is applied, then what is pruned, each in order, with its stage.
func (p *Plan) lines() []string {
	var out []string
	for _, s := range p.Steps {
		why := "drift"
		if s.Changed {
			why = "git"
		}
		out = append(out, fmt.Sprintf("apply %d/%d %s %s", s.Stage.Phase, s.Stage.Wave, s.Ref, why))
	}
	for _, r := range p.Prunes {
		out = append(out, fmt.Sprintf("prune %d/%d %s", r.Stage.Phase, r.Stage.Wave, r.Row.Ref))
	}
	for _, o := range p.Unchanged {
		out = append(out, "same "+o.Ref.String())
	}
	for _, f := range p.Refused {
		out = append(out, f.Error())
	}
	return out
}

func TestAPlanAppliesInStages(t *testing.T) {
	p := newScene().plan(
		desiredtest.Object("Deployment", "web"), desiredtest.Object("ValidatingWebhookConfiguration", "check"), desiredtest.Object("Widget", "w"),
		desiredtest.Object("ConfigMap", "late", "argocd.argoproj.io/sync-wave=5"), desiredtest.Object("Service", "web"), desiredtest.Object("ClusterRole", "reader"),
		desiredtest.Object("ConfigMap", "early", desired.Wave+"=-1"), desiredtest.Object("CustomResourceDefinition", "widgets.example.com"),
		desiredtest.Object("ConfigMap", "web"), desiredtest.Object("ServiceAccount", "web"), desiredtest.Object("Namespace", "shop"),
		desiredtest.Object("ClusterRole", "waved", desired.Wave+"=2"), desiredtest.Object("ConfigMap", "odd", desired.Wave+"=first"),
		desiredtest.Object("ConfigMap", "both", desired.Wave+"=1", "argocd.argoproj.io/sync-wave=9"))
	objecttest.Lines(t, p.lines(),
		"apply 0/0 namespace/shop git",
		"apply 1/0 customresourcedefinition.apiextensions.k8s.io/widgets.example.com git",
		"apply 2/0 clusterrole.rbac.authorization.k8s.io/reader git",
		"apply 3/-1 configmap/early git",
		"apply 3/0 serviceaccount/web git",
		"apply 3/0 configmap/web git",
		"apply 3/0 configmap/odd git",
		"apply 3/0 service/web git",
		"apply 3/0 widget.example.com/w git",
		"apply 3/0 deployment.apps/web git",
		"apply 3/1 configmap/both git",
		"apply 3/2 clusterrole.rbac.authorization.k8s.io/waved git",
		"apply 3/5 configmap/late git",
		"apply 4/0 validatingwebhookconfiguration.admissionregistration.k8s.io/check git")
}

func TestAPlanPrunesBackwards(t *testing.T) {
	s := newScene()
	for _, o := range []*desired.Object{desiredtest.Object("Namespace", "shop"), desiredtest.Object("CustomResourceDefinition", "widgets.example.com"), desiredtest.Object("Widget", "w"),
		desiredtest.Object("Service", "web"), desiredtest.Object("Deployment", "web"), desiredtest.Object("ConfigMap", "late", desired.Wave+"=5"),
		desiredtest.Object("ValidatingWebhookConfiguration", "check"), desiredtest.Object("ServiceAccount", "web")} {
		s.applied(o, live.InSync)
	}
	objecttest.Lines(t, s.plan().lines(),
		"prune 4/0 validatingwebhookconfiguration.admissionregistration.k8s.io/check",
		"prune 3/5 configmap/late",
		"prune 3/0 deployment.apps/web",
		"prune 3/0 widget.example.com/w",
		"prune 3/0 service/web",
		"prune 3/0 serviceaccount/web",
		"prune 1/0 customresourcedefinition.apiextensions.k8s.io/widgets.example.com",
		"prune 0/0 namespace/shop")
}

func TestAPlanHoldsOnlyWhatDiffers(t *testing.T) {
	s := newScene()
	s.applied(desiredtest.Object("ConfigMap", "same"), live.InSync).applied(desiredtest.Object("ConfigMap", "drifted"), live.Drifted).
		applied(desiredtest.Object("ConfigMap", "changed"), live.InSync).applied(desiredtest.Object("ConfigMap", "missing"), live.Missing).
		applied(desiredtest.Object("ConfigMap", "old"), live.InSync)
	s.rec.Applied(record.Row{Ref: objecttest.Ref("ConfigMap", "ahead")})
	s.applied(desiredtest.Object("ConfigMap", "taken"), live.InSync)
	taken := s.live.Object(object.KeyOf(objecttest.Ref("ConfigMap", "taken")))
	taken.SetLabels(map[string]string{record.LabelPartOf: "applyset-theirs-v1"})
	p := s.plan(desiredtest.Object("ConfigMap", "same"), desiredtest.Object("ConfigMap", "drifted"), desiredtest.Object("ConfigMap", "changed", "a=b"),
		desiredtest.Object("ConfigMap", "missing"), desiredtest.Object("ConfigMap", "new"), desiredtest.Object("ConfigMap", "taken"))
	objecttest.Lines(t, p.lines(),
		"apply 3/0 configmap/drifted drift",
		"apply 3/0 configmap/changed git",
		"apply 3/0 configmap/missing drift",
		"apply 3/0 configmap/new git",
		"prune 3/0 configmap/ahead",
		"prune 3/0 configmap/old",
		"same configmap/same",
		"app.yaml:7: v1/ConfigMap/shop/taken: already belongs to another ApplySet: applyset-theirs-v1")
}

func TestADefinitionOfAnotherAppIsLeftAloneIfItIsOnlyCreated(t *testing.T) {
	s := newScene()
	one, other := desiredtest.Object("CustomResourceDefinition", "widgets.example.com", desired.CreateOnly+"=enabled"), desiredtest.Object("CustomResourceDefinition", "gears.example.com")
	for _, o := range []*desired.Object{one, other} {
		theirs := o.Manifest.DeepCopy()
		theirs.SetLabels(map[string]string{record.LabelPartOf: "applyset-web-v1"})
		s.live.Add(o.Ref.Kind, theirs)
	}
	objecttest.Lines(t, s.plan(one, other).lines(),
		"same customresourcedefinition.apiextensions.k8s.io/widgets.example.com",
		"app.yaml:7: apiextensions.k8s.io/CustomResourceDefinition/gears.example.com: already belongs to the app web")
}

func TestAnotherVersionOfAKindIsAChange(t *testing.T) {
	s := newScene()
	o := desiredtest.Object("Widget", "w")
	s.applied(o, live.InSync)
	row, _ := s.rec.Row(o.Key())
	row.Ref.Version = "v1beta1"
	s.rec.Applied(row)
	objecttest.Lines(t, s.plan(o).lines(), "apply 3/0 widget.example.com/w git")
}

func TestGuardRefusesToPruneTooMuch(t *testing.T) {
	const keep = desired.Prune + "=disabled"
	many := func(kind string, n int, annotations ...string) []*desired.Object {
		var out []*desired.Object
		for i := range n {
			out = append(out, desiredtest.Object(kind, fmt.Sprintf("%s-%02d", strings.ToLower(kind), i), annotations...))
		}
		return out
	}
	tests := []struct {
		name         string
		stay, go_    []*desired.Object
		ahead        int // rows written ahead whose objects were never created
		message      string
		budget       app.Budget
		wantRefusal  string
		wantContains string
	}{
		{name: "nothing goes", stay: many("ConfigMap", 3)},
		{name: "one of many", stay: many("Service", 10), go_: many("ConfigMap", 1)},
		{name: "a few are free, whatever the percentage", stay: many("Service", 1), go_: many("ConfigMap", 5)},
		{name: "more than the percentage", stay: many("Service", 10), go_: many("ConfigMap", 6), wantRefusal: "the deletion budget is 30 % of 16 objects"},
		{name: "exactly the percentage", stay: many("Service", 14), go_: many("ConfigMap", 6)},
		{name: "more than the count", stay: many("Service", 200), go_: many("ConfigMap", 21), wantRefusal: "the deletion budget is 20 objects",
			wantContains: "  v1/ConfigMap/shop/configmap-19\n  and 1 more"},
		{name: "everything", go_: many("ConfigMap", 2), wantRefusal: "these are all objects of the app"},
		{name: "all Namespaces", stay: many("ConfigMap", 9), go_: many("Namespace", 1), wantRefusal: "they include all Namespaces of the app, with all that is in them"},
		{name: "one Namespace of two", stay: append(many("ConfigMap", 9), desiredtest.Object("Namespace", "stays")), go_: many("Namespace", 1)},
		{name: "all CRDs", stay: many("ConfigMap", 9), go_: many("CustomResourceDefinition", 1),
			wantRefusal: "they include all CustomResourceDefinitions of the app, with all their objects in the cluster"},
		{name: "what is kept does not count", stay: many("Service", 1), go_: many("ConfigMap", 30, keep)},
		{name: "what was never created does not count", stay: many("Service", 1), ahead: 30},
		{name: "allowed by the commit", go_: many("ConfigMap", 30), message: "Clean up\n\nGitops-Allow-Deletions: 30"},
		{name: "not enough allowed", go_: many("ConfigMap", 30), message: "Clean up\n\nGitops-Allow-Deletions: 29", wantRefusal: "these are all objects of the app; commit messages allow 29"},
		{name: "a budget of the app", stay: many("Service", 10), go_: many("ConfigMap", 2), budget: app.Budget{Count: 1, Percent: 100},
			wantRefusal: "the deletion budget is 1 objects"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newScene()
			for _, o := range append(slices.Clone(test.stay), test.go_...) {
				s.applied(o, live.InSync)
			}
			for i := range test.ahead {
				ref := objecttest.Ref("Secret", fmt.Sprintf("ahead-%d", i))
				s.rec.Applied(record.Row{Ref: ref})
			}
			r := s.plan(test.stay...).Guard(s.rec, report.Source{}, cmp.Or(test.budget, app.DefaultBudget))
			a := AllowedBy([]Commit{{Message: test.message}})
			var err error
			if r != nil && a.Deletions < r.N {
				err = r.Refuse(a)
			}
			if test.wantRefusal == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			want := fmt.Sprintf("refused to prune %s: %s\n", report.Plural(len(test.go_), "object"), test.wantRefusal)
			if err == nil || !strings.HasPrefix(err.Error(), want) || !strings.Contains(err.Error(), test.wantContains) {
				t.Fatalf("got %v, want %s", err, want)
			}
			if hints := hint.Of(err); len(hints) != 1 || !strings.HasSuffix(hints[0], fmt.Sprintf("Gitops-Allow-Deletions: %d", len(test.go_))) {
				t.Errorf("the hint is %q", hints)
			}
		})
	}
}

func TestObjectsArePrunedBeforeWhatTheyDependOn(t *testing.T) {
	s := newScene().applied(desiredtest.Object("ConfigMap", "a"), live.InSync).
		applied(desiredtest.Object("ConfigMap", "b", desired.DependsOn+"=/namespaces/shop/Deployment/none"), live.InSync).
		applied(desiredtest.Object("ConfigMap", "z", desired.DependsOn+"=/namespaces/shop/ConfigMap/a"), live.InSync)
	lines := s.plan().lines()
	if z, a := strings.Index(strings.Join(lines, " "), "configmap/z"), strings.Index(strings.Join(lines, " "), "configmap/a"); z > a {
		t.Errorf("got %v", lines)
	}
}
