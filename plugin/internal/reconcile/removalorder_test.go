package reconcile

import (
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

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
