package promotion

import (
	"strings"
	"testing"
	"time"
)

// gatedChain is chain with gates in front of prod.
func gatedChain(gates string) string {
	return strings.Replace(chain, "{name: prod, path: clusters/prod}", "{name: prod, path: clusters/prod, gates: {"+gates+"}}", 1)
}

func TestWindow(t *testing.T) {
	parse := func(window string) *Window {
		p, err := Parse([]byte(gatedChain("window: {" + window + "}")))
		if err != nil {
			t.Fatal(err)
		}
		return p.Environments[2].Gates.Window
	}
	const office, night = `days: [mon, tue, wed, thu], hours: "09:00-16:00", timeZone: Europe/Vienna`, `days: [fri], hours: "22:00-02:00"`
	cases := []struct {
		window, now string
		open        bool
		possible    string
	}{
		{office, "2026-11-25T08:00:00Z", true, ""}, // Wednesday, 09:00 in Vienna
		{office, "2026-11-25T07:59:00Z", false, "2026-11-25T08:00:00Z"},
		{office, "2026-11-25T15:00:00Z", false, "2026-11-26T08:00:00Z"},
		{office, "2026-11-27T10:00:00Z", false, "2026-11-30T08:00:00Z"},
		{office, "2026-03-27T10:00:00Z", false, "2026-03-30T07:00:00Z"}, // the clock changes in between
		{night, "2026-11-28T01:59:00Z", true, ""},                       // Saturday morning still belongs to Friday
		{night, "2026-11-28T02:00:00Z", false, "2026-12-04T22:00:00Z"},
		{"days: [sun]", "2026-11-28T23:59:59Z", false, "2026-11-29T00:00:00Z"},
		{`hours: "00:00-24:00"`, "2026-11-28T23:59:59Z", true, ""},
	}
	for _, c := range cases {
		now, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		if got := parse(c.window).gate(now); got.Met != c.open || got.Possible != c.possible {
			t.Errorf("%s at %s: %+v, want %v %s", c.window, c.now, got, c.open, c.possible)
		}
	}
}

func TestPromotionFileErrorsHaveTheirLine(t *testing.T) {
	const head = "apiVersion: kubectl-gitops.dev/v1alpha1\nkind: Promotion\n"
	two := head + "environments:\n- {name: a, path: a}\n"
	cases := []struct{ file, want string }{
		{"", "promotion.yaml:1: the file is empty"},
		{"a: [", "promotion.yaml: line 1"},
		{head, "promotion.yaml:1: environments is missing"},
		{strings.Replace(chain, "v1alpha1", "v2", 1), `promotion.yaml:1: apiVersion: "kubectl-gitops.dev/v2" is unknown`},
		{head + "enviroments: []\n", `promotion.yaml:3: unknown key "enviroments"; did you mean "environments"?`},
		{two, "needs at least two"},
		{two + "- {name: b, path: b, gate: {}}\n", `promotion.yaml:5: unknown key "gate"; did you mean "gates"?`},
		{two + "- {name: a, path: b}\n", "promotion.yaml:5: a: the name is taken, first in line 4"},
		{two + "- {name: b, path: a/b}\n", "overlap"},
		{two + "- {name: b, path: ../b}\n", "is not a directory"},
		{two + "- {name: b, path: b, from: c}\n", `no environment before it is called "c"`},
		{two + "- {name: b, path: b, gates: {soak: 1h}}\n", "soak counts from a success"},
		{two + "- {name: b, path: b, gates: {statuses: [x], soak: soon}}\n", "is not a duration"},
		{two + "- {name: b, path: b, gates: {approvals: two}}\n", "approvals must be a whole number"},
		{two + "- {name: b, path: b, gates: {window: {hours: 9-17}}}\n", "is not like 09:00-16:00"},
		{two + "- {name: b, path: b, gates: {window: {timeZone: Mars}}}\n", "is not a time zone"},
		{two + "- {name: b, path: b, gates: {window: {days: [monday]}}}\n", `days: "monday" is unknown; use sun, mon`},
		{two + "- {name: b, path: b, also: [x]}\n", "is not file:path"},
		{two + "- {name: b, path: b}\nsources: [{image: a, repository: 'javascript:alert(1)'}]\n", "is not a web address"},
		{two + "- {name: b, path: b}\n---\na: 1\n", "more than one document"},
		{"x: &a {}\n" + two + "- {name: b, path: b, gates: *a}\n", "unknown key"},
	}
	for _, c := range cases {
		_, err := Parse([]byte(c.file))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\n%v, want %q", c.file, err, c.want)
		}
	}
}

func FuzzPromotionFile(f *testing.F) {
	f.Add([]byte(chain))
	f.Add([]byte(holdsHead + "- image: a\n  tag: b\n  path: .\n"))
	f.Add([]byte(strings.TrimSuffix(holdsHead, "\n") + " []\n"))
	f.Add([]byte(gatedChain("statuses: [x], soak: 1h, window: {hours: \"22:00-02:00\"}")))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _ = Parse(data)
		for _, all := range []bool{true, false} {
			drop := func(Hold) bool { return all }
			more := []Hold{{Image: "a", Tag: "1", Path: "."}}
			got, err := EditHolds(data, drop, more)
			if err != nil {
				continue
			}
			if _, err := EditHolds(got, func(h Hold) bool { return h.Equal(more[0]) }, nil); err != nil {
				t.Errorf("%q: what was added cannot be taken out: %v", got, err)
			}
		}
	})
}
