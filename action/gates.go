package action

import (
	"fmt"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // a window names a time zone, and a runner may have no database of them

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/display"
)

// Gates are asked of Git alone: commit statuses, check runs and pull requests of the config repository. No cluster is
// asked. What counts are the commits of the base branch at which the source (the directories and files that versions are
// taken from) was, byte for byte, what it is now: a reconciler reports on the commit it applied, which need not be the one
// that changed the source.

// gateResult is one gate of a promotion.
type gateResult struct {
	Gate   string `json:"gate"`
	Met    bool   `json:"met"`
	Detail string `json:"detail"`
	// Possible is when the gate could be met if nothing else happens; empty when somebody has to do something.
	Possible string `json:"possible,omitempty"`
}

// Commit is a commit of the base branch with what was reported on it.
type Commit struct {
	SHA     string
	Reports []Report
}

// Report is a commit status or a check run.
type Report struct {
	Name    string
	Pending bool
	Outcome string    // success, failure, error, cancelled, ...; not known while it is pending
	At      time.Time // when it was reported; not known while it is pending
}

// finished is a report with the commit that it is about.
type finished struct {
	Report
	commit string
}

// askPulls says whether a gate asks for the pull requests that brought the versions.
func (g *Gates) askPulls() bool { return g.Approvals > 0 || len(g.Labels) > 0 }

// reportsOf are the finished reports of one name, oldest first, and whether another one is pending.
func reportsOf(line []Commit, name string) (done []finished, pending bool) {
	for i := len(line) - 1; i >= 0; i-- {
		for _, r := range line[i].Reports {
			switch {
			case r.Name != name:
			case r.Pending:
				pending = true
			default:
				done = append(done, finished{r, line[i].SHA})
			}
		}
	}
	slices.SortStableFunc(done, func(a, b finished) int { return a.At.Compare(b.At) })
	return done, pending
}

// check says of every gate whether it holds now. line are the commits of the base branch from its head back, as far as the source
// was what it is now, and arrivals the commits that brought the versions to the source.
func (g *Gates) check(line []Commit, arrivals []Arrival, now time.Time) []gateResult {
	var out []gateResult
	var since time.Time
	good := true
	for _, name := range g.Statuses {
		res, from := statusGate(line, name)
		out = append(out, res)
		good = good && res.Met
		if from.After(since) {
			since = from
		}
	}
	if g.soak > 0 {
		out = append(out, g.soakGate(good, since, now))
	}
	if g.Approvals > 0 {
		out = append(out, pullGate(fmt.Sprintf("approvals %d", g.Approvals), arrivals, func(p *Pull) string {
			have, stale := p.approvals()
			if have >= g.Approvals {
				return ""
			}
			text := fmt.Sprintf("#%d has %s", p.Number, display.Count(have, "approval"))
			if stale > 0 {
				text += fmt.Sprintf(" of its last commit, %d of an earlier one", stale)
			}
			return text
		}))
	}
	for _, label := range g.Labels {
		out = append(out, pullGate("label "+label, arrivals, func(p *Pull) string {
			if !slices.ContainsFunc(p.Labels, func(l string) bool { return strings.EqualFold(l, label) }) {
				return fmt.Sprintf("#%d has no such label", p.Number)
			}
			return ""
		}))
	}
	if g.Window != nil {
		out = append(out, g.Window.gate(now))
	}
	return out
}

// statusGate wants the last finished report to be a success, and says since when there was no other.
func statusGate(line []Commit, name string) (gateResult, time.Time) {
	res := gateResult{Gate: "status " + name}
	done, pending := reportsOf(line, name)
	first := len(done)
	for first > 0 && done[first-1].Outcome == "success" {
		first--
	}
	switch {
	case first < len(done):
		e := done[first]
		res.Met, res.Detail = true, fmt.Sprintf("success since %s on %s", stamp(e.At), display.SHA(e.commit))
		return res, e.At
	case len(done) > 0:
		e := done[len(done)-1]
		res.Detail = fmt.Sprintf("%s at %s on %s", e.Outcome, stamp(e.At), display.SHA(e.commit))
	case pending:
		res.Detail = "pending"
	case len(line) > 0:
		res.Detail = fmt.Sprintf("nothing reported on %s or later", display.SHA(line[len(line)-1].SHA))
	default:
		res.Detail = "nothing reported"
	}
	return res, time.Time{}
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

func (g *Gates) soakGate(good bool, since, now time.Time) gateResult {
	res := gateResult{Gate: "soak " + g.Soak}
	until := since.Add(g.soak)
	switch {
	case !good:
		res.Detail = "counts from the success"
	case now.Before(until):
		res.Detail, res.Possible = "over at "+stamp(until), until.UTC().Format(time.RFC3339)
	default:
		res.Met, res.Detail = true, "over since "+stamp(until)
	}
	return res
}

// pullGate wants something of every pull request that brought one of the versions.
func pullGate(name string, arrivals []Arrival, missing func(*Pull) string) gateResult {
	res := gateResult{Gate: name}
	var lacks, has []string
	for _, a := range arrivals {
		p := a.Pull
		if p == nil {
			lacks = append(lacks, display.SHA(a.SHA)+" came without a pull request")
		} else if text := missing(p); text != "" {
			lacks = append(lacks, text)
		} else {
			has = append(has, fmt.Sprintf("#%d", p.Number))
		}
	}
	if len(arrivals) == 0 {
		lacks = append(lacks, "no commit found that brought the versions")
	}
	res.Met, res.Detail = len(lacks) == 0, strings.Join(slices.Compact(has), ", ")
	if len(lacks) > 0 {
		res.Detail = strings.Join(slices.Compact(lacks), "; ")
	}
	return res
}

// approvals counts reviewers with write access to the repository. now are those whose last review approves the commit that was
// merged, stale those who approved an earlier commit: they have not seen what was merged.
func (p *Pull) approvals() (now, stale int) {
	for _, r := range p.Reviews {
		switch {
		case !r.Approved:
		case r.Commit != "" && r.Commit == p.Head:
			now++
		default:
			stale++
		}
	}
	return now, stale
}

// gate says whether now is in the window, and when it opens.
func (w *Window) gate(now time.Time) gateResult {
	res := gateResult{Gate: "window " + w.String(), Met: w.open(now), Detail: "open"}
	if res.Met {
		return res
	}
	local := now.In(w.zone)
	for day := range 9 {
		opens := time.Date(local.Year(), local.Month(), local.Day()+day, w.from/60, w.from%60, 0, 0, w.zone)
		if opens.After(now) && w.open(opens) {
			res.Detail, res.Possible = "opens at "+stamp(opens), opens.UTC().Format(time.RFC3339)
			return res
		}
	}
	res.Detail = "closed"
	return res
}

func (w *Window) open(now time.Time) bool {
	local := now.In(w.zone)
	minute := local.Hour()*60 + local.Minute()
	today, yesterday := w.day(local.Weekday()), w.day((local.Weekday()+6)%7)
	switch {
	case w.from == w.to:
		return today
	case w.from < w.to:
		return today && w.from <= minute && minute < w.to
	}
	return today && minute >= w.from || yesterday && minute < w.to
}

func (w *Window) day(d time.Weekday) bool {
	return len(w.Days) == 0 || slices.Contains(w.Days, weekdays[d])
}

// String is "mon-thu words": the days, the hours and the zone.
func (w *Window) String() string {
	parts := []string{strings.Join(w.Days, ","), w.Hours, w.zone.String()}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " ")
}

// unmet are the gates that do not hold, as one text, with when they could.
func unmet(gates []gateResult) string {
	var missing []string
	latest, known := "", true
	for _, g := range gates {
		if g.Met {
			continue
		}
		missing = append(missing, g.Gate+" ("+g.Detail+")")
		known = known && g.Possible != ""
		latest = max(latest, g.Possible)
	}
	text := strings.Join(missing, ", ")
	if len(missing) > 0 && known {
		text += "; possible at " + latest
	}
	return text
}
