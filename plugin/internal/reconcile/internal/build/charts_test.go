package build

import (
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile/internal/tell"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
)

func TestARecordedChartHoldsNoCredentials(t *testing.T) {
	for repository, want := range map[string]string{
		"https://charts.example.com/stable":                          "https://charts.example.com/stable",
		"oci://registry.example.com:5000/a/b":                        "oci://registry.example.com:5000/a/b",
		"https://user:canary@charts.example.com/s?key=canary#canary": "https://charts.example.com/s",
		"https://charts.example.com/%zz":                             "",
	} {
		d := render.Dependency{Digest: "d"}
		d.Name, d.Version, d.Repository, d.Lock = "db", "1.2.3", repository, "l"
		c := chartOf(d)
		if want := (record.Chart{Name: "db", Version: "1.2.3", Repository: want, Digest: "d", Lock: "l"}); c != want {
			t.Errorf("%s: got %+v", repository, c)
		}
	}
}

func TestAChartThatWasPublishedAnew(t *testing.T) {
	was := record.Chart{Name: "db", Version: "1.2.3", Repository: "https://charts.example.com", Digest: "old", Lock: "lock"}
	var told []string
	b := &Builder{Say: &tell.Teller{Report: &report.App{}, Emit: func(e report.Event) { told = append(told, e.Text) }}, Record: &record.Record{Inventory: record.NewInventory("a")}}
	b.Record.Charts = []record.Chart{was}
	with := func(change func(*record.Chart)) record.Chart {
		c := was
		c.Digest = "new"
		change(&c)
		return c
	}
	for name, test := range map[string]struct {
		chart       record.Chart
		error, told string
		locked      bool
	}{
		"accepted by gitops.lock.yaml": {with(func(*record.Chart) {}), "", "old was applied, and now it is new", true},
		"the same":                     {with(func(c *record.Chart) { c.Digest = "old" }), "", "", false},
		"another archive":              {with(func(*record.Chart) {}), "old was applied, and now it is new", "", false},
		"a new lock":                   {with(func(c *record.Chart) { c.Lock = "other" }), "", "old was applied, and now it is new", false},
		"another version":              {with(func(c *record.Chart) { c.Version = "1.2.4" }), "", "", false},
		"another repository":           {with(func(c *record.Chart) { c.Repository = "https://other.example.com" }), "", "", false},
		"another chart":                {with(func(c *record.Chart) { c.Name = "queue" }), "", "", false},
	} {
		told = nil
		err := b.checkChart(test.chart, test.locked)
		if (err != nil) != (test.error != "") || err != nil && !strings.Contains(err.Error(), test.error) {
			t.Errorf("%s: got %v", name, err)
		}
		if text := strings.Join(told, ""); (text == "") != (test.told == "") || !strings.Contains(text, test.told) {
			t.Errorf("%s: told %q", name, text)
		}
	}
}
