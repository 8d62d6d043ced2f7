package promotion

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestGates prints what each gate says at noon of the second of January.
func TestGates(t *testing.T) {
	cases := []struct {
		name  string
		gates string
		// line are commits from the head back, "SHA NAME=OUTCOME@HH:MM ...", with the times of that day.
		line string
		// arrivals are "SHA" or "SHA #NUMBER head=SHA label=L approved=SHA ..."
		arrivals string
		want     string
	}{
		{"nothing is reported", "statuses: [e2e]", "c2 | c1", "",
			"no  status e2e: nothing reported on c1 or later\n" + "waits: status e2e (nothing reported on c1 or later)\n"},
		{"there is no commit", "statuses: [e2e]", "", "", "no  status e2e: nothing reported\n" + "waits: status e2e (nothing reported)\n"},
		{"pending", "statuses: [e2e]", "c1 e2e=pending other=success@09:00", "", "no  status e2e: pending\n" + "waits: status e2e (pending)\n"},
		{"a success", "statuses: [e2e]", "c1 e2e=success@09:00", "", "yes status e2e: success since 2026-01-02 09:00 UTC on c1\n"},
		{"a success that lasts counts from the first", "statuses: [e2e]", "c2 e2e=success@11:00 | c1 e2e=success@09:00", "",
			"yes status e2e: success since 2026-01-02 09:00 UTC on c1\n"},
		{"a failure after a success", "statuses: [e2e]", "c2 e2e=failure@10:00 | c1 e2e=success@09:00", "",
			"no  status e2e: failure at 2026-01-02 10:00 UTC on c2\n" + "waits: status e2e (failure at 2026-01-02 10:00 UTC on c2)\n"},
		{"the time of a report counts, not the order of commits", "statuses: [e2e]", "c2 e2e=success@09:00 | c1 e2e=failure@10:00", "",
			"no  status e2e: failure at 2026-01-02 10:00 UTC on c1\n" + "waits: status e2e (failure at 2026-01-02 10:00 UTC on c1)\n"},
		{"a success after a failure starts anew", "statuses: [e2e]", "c3 e2e=success@11:00 | c2 e2e=cancelled@10:00 | c1 e2e=success@09:00", "",
			"yes status e2e: success since 2026-01-02 11:00 UTC on c3\n"},
		{"what runs again does not take a success back", "statuses: [e2e]", "c2 e2e=pending | c1 e2e=success@09:00", "",
			"yes status e2e: success since 2026-01-02 09:00 UTC on c1\n"},

		{"soak is over", "statuses: [e2e], soak: 2h", "c1 e2e=success@10:00", "",
			"yes status e2e: success since 2026-01-02 10:00 UTC on c1\n" + "yes soak 2h: ended at 2026-01-02 12:00 UTC\n"},
		{"soak lasts a second more", "statuses: [e2e], soak: 2h0m1s", "c1 e2e=success@10:00", "",
			"yes status e2e: success since 2026-01-02 10:00 UTC on c1\n" +
				"no  soak 2h0m1s: ends at 2026-01-02 12:00 UTC, possible 2026-01-02T12:00:01Z\n" +
				"waits: soak 2h0m1s (ends at 2026-01-02 12:00 UTC); possible at 2026-01-02T12:00:01Z\n"},
		{"soak counts from the last of several", "statuses: [a, b], soak: 3h", "c1 a=success@08:00 b=success@10:00", "",
			"yes status a: success since 2026-01-02 08:00 UTC on c1\n" + "yes status b: success since 2026-01-02 10:00 UTC on c1\n" +
				"no  soak 3h: ends at 2026-01-02 13:00 UTC, possible 2026-01-02T13:00:00Z\n" +
				"waits: soak 3h (ends at 2026-01-02 13:00 UTC); possible at 2026-01-02T13:00:00Z\n"},
		{"soak without a success", "statuses: [a, b], soak: 1h", "c1 a=success@08:00 b=failure@10:00", "",
			"yes status a: success since 2026-01-02 08:00 UTC on c1\n" + "no  status b: failure at 2026-01-02 10:00 UTC on c1\n" +
				"no  soak 1h: starts when all statuses are a success\n" +
				"waits: status b (failure at 2026-01-02 10:00 UTC on c1), soak 1h (starts when all statuses are a success)\n"},

		{"approvals of the commit that was merged", "approvals: 2", "", "a1 #7 head=h approved=h approved=h", "yes approvals 2: #7\n"},
		{"approvals of an earlier commit do not count", "approvals: 2", "", "a1 #7 head=h approved=h approved=g", "no  approvals 2: #7 has 1 approval of its last commit, 1 of an earlier commit\n" +
			"waits: approvals 2 (#7 has 1 approval of its last commit, 1 of an earlier commit)\n"},
		{"an approval of no commit does not count", "approvals: 1", "", "a1 #7 head=h approved=", "no  approvals 1: #7 has 0 approvals of its last commit, 1 of an earlier commit\n" +
			"waits: approvals 1 (#7 has 0 approvals of its last commit, 1 of an earlier commit)\n"},
		{"a review that asks for changes is none", "approvals: 1", "", "a1 #7 head=h refused=h", "no  approvals 1: #7 has 0 approvals\n" + "waits: approvals 1 (#7 has 0 approvals)\n"},
		{"every pull request needs them", "approvals: 1", "", "a1 #7 head=h approved=h | a2 #8 head=i | a3 #8 head=i", "no  approvals 1: #8 has 0 approvals\n" + "waits: approvals 1 (#8 has 0 approvals)\n"},
		{"a direct commit has no pull request", "approvals: 1, labels: [qa]", "", "abcdef01234 | a1 #7 head=h approved=h label=QA",
			"no  approvals 1: abcdef0 has no pull request\n" + "no  label qa: abcdef0 has no pull request\n" +
				"waits: approvals 1 (abcdef0 has no pull request), label qa (abcdef0 has no pull request)\n"},
		{"labels have no case", "labels: [qa, Signed-Off]", "", "a1 #7 head=h label=QA label=signed-off | a2 #8 head=h label=qa",
			"yes label qa: #7, #8\n" + "no  label Signed-Off: #8 has no such label\n" + "waits: label Signed-Off (#8 has no such label)\n"},
		{"no commit brought it", "approvals: 1", "", "", "no  approvals 1: found no commit that brought the versions\n" + "waits: approvals 1 (found no commit that brought the versions)\n"},

		{"the window is open", `window: {hours: "09:00-16:00"}`, "", "", "yes window 09:00-16:00 UTC: open\n"},
		{"the later of two times counts", `statuses: [e2e], soak: 2h, window: {days: [sat], hours: "09:00-16:00"}`, "c1 e2e=success@11:00", "",
			"yes status e2e: success since 2026-01-02 11:00 UTC on c1\n" +
				"no  soak 2h: ends at 2026-01-02 13:00 UTC, possible 2026-01-02T13:00:00Z\n" +
				"no  window sat 09:00-16:00 UTC: opens at 2026-01-03 09:00 UTC, possible 2026-01-03T09:00:00Z\n" +
				"waits: soak 2h (ends at 2026-01-02 13:00 UTC), window sat 09:00-16:00 UTC (opens at 2026-01-03 09:00 UTC); possible at 2026-01-03T09:00:00Z\n"},
		{"the later of two times counts, whichever gate has it", `statuses: [e2e], soak: 48h, window: {days: [sat]}`, "c1 e2e=success@11:00", "",
			"yes status e2e: success since 2026-01-02 11:00 UTC on c1\n" +
				"no  soak 48h: ends at 2026-01-04 11:00 UTC, possible 2026-01-04T11:00:00Z\n" +
				"no  window sat UTC: opens at 2026-01-03 00:00 UTC, possible 2026-01-03T00:00:00Z\n" +
				"waits: soak 48h (ends at 2026-01-04 11:00 UTC), window sat UTC (opens at 2026-01-03 00:00 UTC); possible at 2026-01-04T11:00:00Z\n"},
		{"a time is of no use when somebody has to act", `approvals: 1, window: {days: [sat]}`, "", "a1 #7 head=h",
			"no  approvals 1: #7 has 0 approvals\n" +
				"no  window sat UTC: opens at 2026-01-03 00:00 UTC, possible 2026-01-03T00:00:00Z\n" +
				"waits: approvals 1 (#7 has 0 approvals), window sat UTC (opens at 2026-01-03 00:00 UTC)\n"},
		{"no gate", "unmet: draft", "", "", ""},
	}
	noon := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC) // a Friday
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p, err := Parse([]byte(gatedChain(c.gates)))
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			results := p.Environment("prod").Gates.Check(lineOf(t, c.line), arrivalsIn(c.arrivals), noon)
			for _, r := range results {
				holds := "no "
				if r.Met {
					holds = "yes"
				}
				got += strings.TrimSuffix(fmt.Sprintf("%s %s: %s, possible %s", holds, r.Gate, r.Detail, r.Possible), ", possible ") + "\n"
			}
			if text := Unmet(results); text != "" {
				got += "waits: " + text + "\n"
			}
			if got != c.want {
				t.Errorf("printed:\n%s\nwant:\n%s", got, c.want)
			}
			if asks := p.Environment("prod").Gates.AsksForPulls(); asks != (strings.Contains(c.gates, "approvals") || strings.Contains(c.gates, "labels")) {
				t.Errorf("asks for pull requests: %v", asks)
			}
		})
	}
}

func lineOf(t *testing.T, text string) []Commit {
	t.Helper()
	var out []Commit
	for part := range strings.SplitSeq(text, "|") {
		words := strings.Fields(part)
		if len(words) == 0 {
			continue
		}
		c := Commit{SHA: words[0]}
		for _, word := range words[1:] {
			name, outcome, _ := strings.Cut(word, "=")
			outcome, clock, _ := strings.Cut(outcome, "@")
			r := Report{Name: name, Outcome: outcome, Pending: outcome == "pending"}
			if clock != "" {
				var err error
				if r.At, err = time.Parse("2006-01-02 15:04", "2026-01-02 "+clock); err != nil {
					t.Fatal(err)
				}
			}
			c.Reports = append(c.Reports, r)
		}
		out = append(out, c)
	}
	return out
}

func arrivalsIn(text string) []Arrival {
	var out []Arrival
	for part := range strings.SplitSeq(text, "|") {
		words := strings.Fields(part)
		if len(words) == 0 {
			continue
		}
		a := Arrival{Revision: Revision{SHA: words[0]}}
		for _, word := range words[1:] {
			if a.Pull == nil {
				a.Pull = &Pull{}
			}
			switch key, value, _ := strings.Cut(word, "="); key {
			case "head":
				a.Pull.Head = value
			case "label":
				a.Pull.Labels = append(a.Pull.Labels, value)
			case "approved", "refused":
				a.Pull.Reviews = append(a.Pull.Reviews, Review{Approved: key == "approved", Commit: value})
			default:
				_, _ = fmt.Sscanf(key, "#%d", &a.Pull.Number)
			}
		}
		out = append(out, a)
	}
	return out
}
