package reconcile

import (
	"slices"
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

func TestRemovalOrder(t *testing.T) {
	namespace := cluster.Kind{Version: "v1", Kind: "Namespace", Resource: "namespaces"}
	configMap := cluster.Kind{Version: "v1", Kind: "ConfigMap", Resource: "configmaps", Namespaced: true}
	app := func(name string, needs ...string) *removal {
		rec := &record.Record{Inventory: record.NewInventory(name)}
		return &removal{app: App{Name: name, DependsOn: needs}, rec: rec}
	}
	with := func(l *removal, ref cluster.Ref) *removal {
		l.rec.Rows[record.KeyOf(ref)] = record.Row{Ref: ref}
		return l
	}
	holder := func(l *removal) *removal { return with(l, cluster.Ref{Kind: namespace, Name: "shop"}) }
	hooked := func(l *removal) *removal {
		l.rec.Kept = []byte("hooks")
		return with(l, cluster.Ref{Kind: configMap, Namespace: "shop", Name: "settings"})
	}
	for name, c := range map[string]struct {
		apps []*removal
		want string // each with those that it waits for
	}{
		"by name":                     {[]*removal{app("b"), app("a")}, "a, b"},
		"dependents first":            {[]*removal{app("a"), app("b", "a"), app("c", "b")}, "c, b(c), a(b)"},
		"two dependents":              {[]*removal{app("a"), app("c", "a"), app("b", "a")}, "b, c, a(b c)"},
		"of one that stays":           {[]*removal{app("a", "stays"), app("b")}, "a, b"},
		"holders last":                {[]*removal{holder(app("a")), app("b")}, "b, a"},
		"unless others depend on it":  {[]*removal{app("a"), holder(app("b", "a"))}, "b, a(b)"},
		"hooks inside first":          {[]*removal{holder(app("a")), hooked(app("b"))}, "b, a(b)"},
		"hooks against a dependency":  {[]*removal{holder(app("a", "b")), hooked(app("b"))}, "b, a(b)"},
		"a circle ends somewhere":     {[]*removal{app("a", "b"), app("b", "a"), app("c")}, "c, a, b(a)"},
		"behind a circle, and before": {[]*removal{app("a", "b"), app("b", "a"), app("c", "a"), app("d"), app("b2", "d")}, "b2, c, d(b2), a(c), b(a)"},
	} {
		slices.SortFunc(c.apps, holdersLast)
		var got []string
		for _, l := range inOrder(c.apps) {
			text := l.app.Name
			if len(l.first) > 0 {
				text += "(" + strings.Join(l.first, " ") + ")"
			}
			got = append(got, text)
		}
		if text := strings.Join(got, ", "); text != c.want {
			t.Errorf("%s: %s, want %s", name, text, c.want)
		}
	}
}

func TestFieldRemovalOrderOfNames(t *testing.T) {
	listed := func(name string, needs string) *record.Record {
		rec := &record.Record{Inventory: record.NewInventory(name)}
		rec.List, rec.Settings = ".", []byte(`{"Name":"`+name+`","DependsOn":[`+needs+`]}`)
		return rec
	}
	for _, c := range []struct {
		name    string
		records map[string]*record.Record
		apps    string
		want    string
	}{
		{"P17 a chain against the names", map[string]*record.Record{"a": listed("a", `"b"`), "b": listed("b", `"c"`), "c": listed("c", "")}, "c b a", "a b c"},
		{"P17 two on one", map[string]*record.Record{"x": listed("x", ""), "y": listed("y", `"x"`), "z": listed("z", `"x"`)}, "x y z", "y z x"},
		{"P17 one is gone already", map[string]*record.Record{"b": listed("b", `"c"`), "c": listed("c", "")}, "b c", "b c"},
		{"P17 one whose inventory is lost", map[string]*record.Record{"b": listed("b", `"lost"`), "lost": {}}, "lost b", "b lost"},
		{"P17 one without a record", map[string]*record.Record{"b": listed("b", `"none"`)}, "b none", "b none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := strings.Join(RemovalOrder(strings.Fields(c.apps), c.records), " "); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}
