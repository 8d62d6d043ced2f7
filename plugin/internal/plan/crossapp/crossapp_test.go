package crossapp

import (
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired/desiredtest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/live"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object/objecttest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/plan"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

func TestRemovalOrder(t *testing.T) {
	namespace := object.Kind{Version: "v1", Kind: "Namespace", Resource: "namespaces"}
	configMap := object.Kind{Version: "v1", Kind: "ConfigMap", Resource: "configmaps", Namespaced: true}
	one := func(name string, needs ...string) *Removal {
		rec := &record.Record{Inventory: record.NewInventory(name)}
		return &Removal{App: app.App{Name: name, DependsOn: needs}, Record: rec}
	}
	with := func(l *Removal, ref object.Ref) *Removal {
		l.Record.Applied(record.Row{Ref: ref})
		return l
	}
	holder := func(l *Removal) *Removal { return with(l, object.Ref{Kind: namespace, Name: "shop"}) }
	hooked := func(l *Removal) *Removal {
		l.Record.Kept = []byte("hooks")
		return with(l, object.Ref{Kind: configMap, Namespace: "shop", Name: "settings"})
	}
	for name, c := range map[string]struct {
		apps []*Removal
		want string // each with those that it waits for
	}{
		"by name":                     {[]*Removal{one("b"), one("a")}, "a, b"},
		"dependents first":            {[]*Removal{one("a"), one("b", "a"), one("c", "b")}, "c, b(c), a(b)"},
		"two dependents":              {[]*Removal{one("a"), one("c", "a"), one("b", "a")}, "b, c, a(b c)"},
		"of one that stays":           {[]*Removal{one("a", "stays"), one("b")}, "a, b"},
		"holders last":                {[]*Removal{holder(one("a")), one("b")}, "b, a"},
		"unless others depend on it":  {[]*Removal{one("a"), holder(one("b", "a"))}, "b, a(b)"},
		"hooks inside first":          {[]*Removal{holder(one("a")), hooked(one("b"))}, "b, a(b)"},
		"hooks against a dependency":  {[]*Removal{holder(one("a", "b")), hooked(one("b"))}, "b, a(b)"},
		"a circle ends somewhere":     {[]*Removal{one("a", "b"), one("b", "a"), one("c")}, "c, a, b(a)"},
		"behind a circle, and before": {[]*Removal{one("a", "b"), one("b", "a"), one("c", "a"), one("d"), one("b2", "d")}, "b2, c, d(b2), a(c), b(a)"},
	} {
		var got []string
		for _, l := range RemovalOrder(c.apps) {
			text := l.App.Name
			if len(l.After) > 0 {
				text += "(" + strings.Join(l.After, " ") + ")"
			}
			got = append(got, text)
		}
		if text := strings.Join(got, ", "); text != c.want {
			t.Errorf("%s: %s, want %s", name, text, c.want)
		}
	}
}

func TestConflicts(t *testing.T) {
	web, shared := desiredtest.Object("ConfigMap", "web"), desiredtest.Object("ConfigMap", "shared")
	wrong := Conflicts([]App{{Name: "a", Desired: []*desired.Object{web, shared}}, {Name: "b", Desired: []*desired.Object{shared}}, {Name: "c"}})
	var got []string
	for _, name := range []string{"a", "b", "c"} {
		for _, p := range wrong[name] {
			got = append(got, name+": "+p.Error())
		}
	}
	objecttest.Lines(t, got, "a: app.yaml:7: v1/ConfigMap/shop/shared: is also in the app b, at app.yaml:7",
		"b: app.yaml:7: v1/ConfigMap/shop/shared: is also in the app a, at app.yaml:7")
}

func TestDefinitionsThatAreOnlyCreatedAreShared(t *testing.T) {
	for _, c := range []struct {
		name, kind string
		one, other []string
		want       int // problems
	}{
		{"both only create it", "CustomResourceDefinition", []string{desired.CreateOnly + "=enabled"}, []string{desired.CreateOnly + "=enabled"}, 0},
		{"one changes it", "CustomResourceDefinition", []string{desired.CreateOnly + "=enabled"}, nil, 2},
		{"another kind", "ConfigMap", []string{desired.CreateOnly + "=enabled"}, []string{desired.CreateOnly + "=enabled"}, 2},
	} {
		one, other := desiredtest.Object(c.kind, "widgets.example.com", c.one...), desiredtest.Object(c.kind, "widgets.example.com", c.other...)
		wrong := Conflicts([]App{{Name: "a", Desired: []*desired.Object{one}}, {Name: "b", Desired: []*desired.Object{other}}})
		if got := len(wrong["a"]) + len(wrong["b"]); got != c.want {
			t.Errorf("%s: %d problems, want %d", c.name, got, c.want)
		}
	}
}

// world is a cluster in which objects belong to apps, and what is known of these.
type world struct {
	live *live.Snapshot
	apps []App
}

// app adds an app whose record names objects, and which claims others, as Git says.
func (w *world) app(name string, holds, claims []string, change ...func(*App)) *world {
	rec := &record.Record{Inventory: record.NewInventory(name)}
	a := App{Name: name, Set: "set-" + name, Record: rec, Live: w.live, Complete: true}
	for _, n := range holds {
		o := desiredtest.Object("ConfigMap", n)
		u := o.Manifest.DeepCopy()
		u.SetUID(types.UID(n))
		u.SetLabels(map[string]string{record.LabelPartOf: a.Set})
		w.live.Add(o.Ref.Kind, u)
		rec.Applied(record.Row{Ref: o.Ref, UID: types.UID(n)})
	}
	for _, n := range claims {
		a.Claims = append(a.Claims, desiredtest.Object("ConfigMap", n).Key())
	}
	for _, c := range change {
		c(&a)
	}
	w.apps = append(w.apps, a)
	return w
}

// replaced puts another object of the same name in the place of one.
func (w *world) replaced(name, set string) *world {
	u := objecttest.Manifest("ConfigMap", name)
	u.SetUID("another")
	u.SetLabels(map[string]string{record.LabelPartOf: set})
	w.live.Add(objecttest.Kinds["ConfigMap"], u)
	return w
}

func TestMoves(t *testing.T) {
	failed, waits := func(a *App) { a.Failed = true }, func(a *App) { a.Waits = true }
	left, asRecorded := func(a *App) { a.LeftList = true }, func(a *App) { a.Complete = false }
	confined := func(a *App) { a.Failed, a.Allow = true, app.Allow{Namespaces: []string{"elsewhere"}} }
	new := func() *world { return &world{live: live.New()} }
	for name, c := range map[string]struct {
		world *world
		want  string
	}{
		"nothing moves":                             {new().app("a", []string{"x"}, []string{"x"}).app("b", []string{"y"}, []string{"y"}), ""},
		"one left Git":                              {new().app("a", []string{"x", "y"}, []string{"x"}).app("b", nil, nil), ""},
		"one moves":                                 {new().app("a", []string{"x", "y"}, []string{"x"}).app("b", nil, []string{"y"}), "y: a to b"},
		"two change places":                         {new().app("a", []string{"x"}, []string{"y"}).app("b", []string{"y"}, []string{"x"}), "x: a to b, y: b to a"},
		"from an app that left":                     {new().app("a", []string{"x"}, nil, left).app("b", nil, []string{"x"}), "x: a to b"},
		"it was created anew by somebody":           {new().app("a", []string{"x"}, nil).app("b", nil, []string{"x"}).replaced("x", "set-a"), "x: a to b, unproven"},
		"it belongs to another tool by now":         {new().app("a", []string{"x"}, nil).app("b", nil, []string{"x"}).replaced("x", "set-z"), "x: a to b, unproven"},
		"what b holds is not known":                 {new().app("a", []string{"x"}, nil).app("b", nil, nil, failed), "x: a, perhaps to another: nothing is pruned until it is known what the app b holds"},
		"b is still rendered":                       {new().app("a", []string{"x"}, nil).app("b", nil, nil, waits), "x: a, perhaps to another: nothing is pruned until it is known what the app b holds"},
		"b may not contain it":                      {new().app("a", []string{"x"}, nil).app("b", nil, nil, confined), ""},
		"b left the list, and failed":               {new().app("a", []string{"x"}, nil).app("b", nil, nil, left, failed), ""},
		"the app that would give failed":            {new().app("a", []string{"x"}, nil, failed).app("b", nil, []string{"x"}), ""},
		"the app that would give is as it was":      {new().app("a", []string{"x"}, nil, asRecorded).app("b", nil, []string{"x"}), ""},
		"the record of the giver is another list's": {new().app("a", []string{"x"}, nil, func(a *App) { a.Record = nil }).app("b", nil, []string{"x"}), ""},
	} {
		var got []string
		for _, m := range Moves(c.world.apps) {
			text := m.Key.Name + ": " + m.From + " to " + m.To
			switch {
			case m.To == "":
				text = m.Key.Name + ": " + m.From + ", perhaps to another: " + m.Why
			case m.Handover == nil:
				text += ", unproven"
			case m.Handover.App != m.From || m.Handover.Set != "set-"+m.From:
				t.Errorf("%s: %+v", name, m.Handover)
			}
			got = append(got, text)
		}
		if text := strings.Join(got, ", "); text != c.want {
			t.Errorf("%s: %q, want %q", name, text, c.want)
		}
	}
}

func TestBudgetOfAppsThatLeaveTogether(t *testing.T) {
	objects := func(n int) []plan.Prune { return make([]plan.Prune, n) }
	for name, c := range map[string]struct {
		leaving [][]plan.Prune
		total   int
		want    string
	}{
		"none":                        {nil, 10, ""},
		"one alone has its own":       {[][]plan.Prune{objects(30)}, 30, ""},
		"few are free":                {[][]plan.Prune{objects(2), objects(3)}, 5, ""},
		"within the percentage":       {[][]plan.Prune{objects(3), objects(3)}, 20, ""},
		"beyond the percentage":       {[][]plan.Prune{objects(3), objects(4)}, 20, "7 objects of 2 apps that left gitops.yaml together: the deletion budget is 20 objects and 30 % of 20"},
		"beyond the number":           {[][]plan.Prune{objects(11), objects(10)}, 1000, "21 objects of 2 apps that left gitops.yaml together: the deletion budget is 20 objects and 30 % of 1000"},
		"the number itself is within": {[][]plan.Prune{objects(10), objects(10)}, 1000, ""},
	} {
		got := ""
		if e := Budget(c.leaving, c.total); e != nil {
			got = e.What + ": " + e.Reason
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestOrder prints, for apps a, b and c of which c depends on b and b on a, what c still has to wait for and whether it may start.
func TestOrder(t *testing.T) {
	healthy := func() bool { return false }
	for name, c := range map[string]struct {
		a, b       Standing
		revertOnly bool
		want       string
	}{
		"nothing is done yet":              {Standing{}, Standing{}, false, "undecided b a"},
		"b is done":                        {Standing{}, Standing{Ended: true}, false, "undecided a"},
		"both are done":                    {Standing{Ended: true}, Standing{Ended: true}, false, "starts"},
		"up to date and healthy":           {Standing{UpToDate: true, AllHealthy: true}, Standing{UpToDate: true, AllHealthy: true}, false, "starts"},
		"up to date, health is not known":  {Standing{UpToDate: true}, Standing{Ended: true}, false, "undecided a"},
		"drift alone waits for none":       {Standing{UpToDate: true}, Standing{Ended: true}, true, "starts"},
		"a is not healthy":                 {Standing{Ended: true, Unhealthy: func() bool { return true }}, Standing{Ended: true}, false, "waits until the app a is healthy"},
		"b failed":                         {Standing{Ended: true}, Standing{Failed: true}, false, "skipped: it depends on the app b, which failed"},
		"b was skipped":                    {Standing{Ended: true}, Standing{Failed: true, Skipped: true}, false, "skipped: it depends on the app b, which was skipped"},
		"b waits":                          {Standing{Ended: true}, Standing{Waiting: "x"}, false, "waits for the app b"},
		"a is suspended":                   {Standing{NotSelected: true, Suspended: true}, Standing{Ended: true}, false, "waits for the app a, which is suspended"},
		"a is suspended, applied, healthy": {Standing{NotSelected: true, Suspended: true, AllHealthy: true, AppliedAll: true}, Standing{Ended: true}, false, "starts"},
		"a was not asked for":              {Standing{NotSelected: true}, Standing{Ended: true}, false, "skipped: it depends on the app a, which was not applied and healthy in the last run"},
		"a left the list":                  {Standing{LeftList: true}, Standing{Ended: true}, false, "starts"},
	} {
		standings := map[string]Standing{"a": c.a, "b": c.b, "c": {}}
		for n, s := range standings {
			s.DependsOn = map[string][]string{"b": {"a", "none"}, "c": {"b"}}[n]
			if s.Unhealthy == nil {
				s.Unhealthy = healthy
			}
			standings[n] = s
		}
		o := Order{Apps: []string{"a", "b", "c"}, RevertOnly: c.revertOnly, Of: func(n string) Standing { return standings[n] }}
		got := "undecided " + strings.Join(o.Undecided("c"), " ")
		if got == "undecided " {
			waiting, err := o.MayStart("c")
			got = waiting
			if err != nil {
				got = err.Error()
			} else if waiting == "" {
				got = "starts"
			}
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestOrderOfRemovals: an app that left the list waits for those that are removed before it.
func TestOrderOfRemovals(t *testing.T) {
	for name, c := range map[string]struct {
		first Standing
		want  string
	}{
		"not yet":      {Standing{LeftList: true}, "[first] waits until the app first is removed"},
		"it failed":    {Standing{LeftList: true, Failed: true}, "[] waits until the app first is removed, which failed"},
		"it is paused": {Standing{LeftList: true, NotSelected: true, Suspended: true}, "[] waits until the app first is removed; that one is suspended"},
		"it is gone":   {Standing{LeftList: true, Removed: true}, "[] "},
	} {
		o := Order{Apps: []string{"first", "last"}, Of: func(n string) Standing {
			return map[string]Standing{"first": c.first, "last": {LeftList: true, RemovedAfter: []string{"first"}}}[n]
		}}
		waiting, err := o.MayStart("last")
		if got := fmt.Sprint(o.Undecided("last"), " ", waiting); err != nil || got != c.want {
			t.Errorf("%s: %q, want %q (%v)", name, got, c.want, err)
		}
	}
}
