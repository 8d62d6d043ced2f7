package report

import (
	"testing"
	"time"
)

func TestCounts(t *testing.T) {
	var c Counts
	for n, a := range []Action{Created, Configured, Unchanged, Reverted, Pruned, Skipped, Failed, "something else"} {
		c.Add(a, n+1)
	}
	if want := (Counts{Created: 1, Configured: 2, Unchanged: 3, Reverted: 4, Pruned: 5, Skipped: 6, Failed: 7}); c != want || c.Changed() != 1+2+4+5 {
		t.Errorf("got %+v, %d changed", c, c.Changed())
	}
	if Plural(1, "object") != "1 object" || Plural(0, "object") != "0 objects" || Plural(2, "object") != "2 objects" {
		t.Error("plural")
	}
	after, before := Requests{List: 5, Get: 4, Watch: 3, Create: 2, Update: 2, Patch: 2, Delete: 2, Total: 20}, Requests{List: 1, Get: 1, Watch: 1, Create: 1, Update: 1, Patch: 1, Delete: 1, Total: 7}
	if got, want := after.Minus(before), (Requests{List: 4, Get: 3, Watch: 2, Create: 1, Update: 1, Patch: 1, Delete: 1, Total: 13}); got != want {
		t.Errorf("got %+v", got)
	}
}

func TestSuspension(t *testing.T) {
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		s    *Suspension
		at   bool
		text string
	}{
		{nil, false, ""},
		{&Suspension{}, true, "suspended"},
		{&Suspension{By: "jo", Reason: "a freeze"}, true, "suspended by jo: a freeze"},
		{&Suspension{Until: noon.Add(time.Hour)}, true, "suspended until 2026-01-01 13:00 UTC"},
		{&Suspension{Until: noon}, false, "suspended until 2026-01-01 12:00 UTC"},
	} {
		if test.s.At(noon) != test.at {
			t.Errorf("%+v holds: %t", test.s, !test.at)
		}
		if test.s != nil && test.s.String() != test.text {
			t.Errorf("got %q, want %q", test.s, test.text)
		}
	}
}
