package report

import (
	"fmt"
	"slices"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
)

func TestPushKeepsTheLastRunsAndTellsAFailureOnce(t *testing.T) {
	ok := func(commit string) Run { return Run{Revision: Revision{Commit: commit}, Result: ResultSucceeded} }
	failed := func(commit, message string) Run {
		return Run{Revision: Revision{Commit: commit}, Result: ResultFailed, Message: message}
	}
	tests := []struct {
		name string
		runs []Run
		want []string // ids and commits, newest first
	}{
		{"first", []Run{ok("a")}, []string{"1 a"}},
		{"newest first", []Run{ok("a"), ok("b")}, []string{"2 b", "1 a"}},
		{"success is never a repetition", []Run{ok("a"), ok("a")}, []string{"2 a", "1 a"}},
		{"a failure that repeats", []Run{ok("a"), failed("b", "x"), failed("b", "x"), failed("b", "x")}, []string{"2 b", "1 a"}},
		{"a failure with another message", []Run{failed("b", "x"), failed("b", "y")}, []string{"2 b", "1 b"}},
		{"a failure of another commit", []Run{failed("b", "x"), failed("c", "x")}, []string{"2 c", "1 b"}},
		{"a failure after a success", []Run{failed("b", "x"), ok("b"), failed("b", "x")}, []string{"3 b", "2 b", "1 b"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var history []Run
			for _, r := range test.runs {
				history, _ = Push(history, r)
			}
			var got []string
			for _, r := range history {
				got = append(got, fmt.Sprintf("%d %s", r.ID, r.Revision.Commit))
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
	var history []Run
	for i := range 3 * MaxHistory {
		var news bool
		if history, news = Push(history, ok(fmt.Sprint(i))); !news {
			t.Fatal("a success is news")
		}
	}
	if len(history) != MaxHistory || history[0].ID != 3*MaxHistory {
		t.Errorf("%d entries, the newest is %d", len(history), history[0].ID)
	}
}

func TestWorstHealth(t *testing.T) {
	var o Objects
	if o.Worst() != health.Healthy {
		t.Error("nothing is Healthy")
	}
	for _, h := range []health.State{health.Healthy, health.Suspended, health.Unknown, health.Progressing, health.Missing, health.Degraded} {
		if o.Add(h); o.Worst() != h {
			t.Errorf("with one %s the whole is %s", h, o.Worst())
		}
	}
	if o.Total != 6 {
		t.Errorf("%d objects", o.Total)
	}
}

func TestShortRevision(t *testing.T) {
	sha := "0123456789abcdef"
	for want, r := range map[string]Revision{"": {}, "0123456": {Commit: sha}, "main@0123456": {Commit: sha, Ref: "main"}} {
		if got := r.Short(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := (Revision{Commit: sha, Ref: sha}).Short(); got != "0123456" {
		t.Errorf("a commit as the ref: %q", got)
	}
}
