package promotion

import (
	"fmt"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // a window names a time zone, and a runner may have no database of them

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/display"
)

// Gates look at Git alone: commit statuses, check runs and pull requests of the config repository. They ask no cluster.
//
// A reconciler reports on the commit that it applied, which may be later than the commit that changed the source. So reports on
// all commits count at which the source was, byte for byte, what it is now. The source are the directories and files that
// versions are taken from.

// GateResult says whether one gate of a promotion holds.
type GateResult struct {
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

// finished is a report that is not pending, and the commit that it is about.
type finished struct {
	Report
	commit string
}

// AsksForPulls says whether a gate looks at the pull requests that brought the versions.
func (g *Gates) AsksForPulls() bool { return g.Approvals > 0 || len(g.Labels) > 0 }

// reportsOf returns the finished reports of one name, oldest first, and whether another one is pending.
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

// Check says of every gate whether it holds now. line are the commits of the base branch from its head back, as far as the source
// is the same as now. arrivals are the commits that brought the versions to the source.
func (g *Gates) Check(line []Commit, arrivals []Arrival, now time.Time) []GateResult {
	var out []GateResult
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
				text += fmt.Sprintf(" of its last commit, %d of an earlier commit", stale)
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

// statusGate holds when the last finished report is a success. It also returns since when every
// finished report was one.
func statusGate(line []Commit, name string) (GateResult, time.Time) {
	res := GateResult{Gate: "status " + name}
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

// soakGate holds when the successes have lasted long enough. good says whether all statuses are a success, since is when the last
// of them became one.
func (g *Gates) soakGate(good bool, since, now time.Time) GateResult {
	res := GateResult{Gate: "soak " + g.Soak}
	until := since.Add(g.soak)
	switch {
	case !good:
		res.Detail = "starts when all statuses are a success"
	case now.Before(until):
		res.Detail, res.Possible = "ends at "+stamp(until), until.UTC().Format(time.RFC3339)
	default:
		res.Met, res.Detail = true, "ended at "+stamp(until)
	}
	return res
}

// pullGate holds when every pull request that brought one of the versions has something. missing says what a pull request lacks,
// "" for nothing.
func pullGate(name string, arrivals []Arrival, missing func(*Pull) string) GateResult {
	res := GateResult{Gate: name}
	var lacks, has []string
	for _, a := range arrivals {
		p := a.Pull
		if p == nil {
			lacks = append(lacks, display.SHA(a.SHA)+" has no pull request")
		} else if text := missing(p); text != "" {
			lacks = append(lacks, text)
		} else {
			has = append(has, fmt.Sprintf("#%d", p.Number))
		}
	}
	if len(arrivals) == 0 {
		lacks = append(lacks, "found no commit that brought the versions")
	}
	res.Met, res.Detail = len(lacks) == 0, strings.Join(slices.Compact(has), ", ")
	if len(lacks) > 0 {
		res.Detail = strings.Join(slices.Compact(lacks), "; ")
	}
	return res
}

// approvals counts the reviewers who approve the commit that was merged (now), and those who approved an earlier commit (stale):
// they have not seen what was merged.
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

// gate says whether the window is open, and when it opens next.
func (w *Window) gate(now time.Time) GateResult {
	res := GateResult{Gate: "window " + w.String(), Met: w.open(now), Detail: "open"}
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

// String is the days, the hours and the zone: "mon,tue 09:00-16:00 Europe/Vienna".
func (w *Window) String() string {
	parts := []string{strings.Join(w.Days, ","), w.Hours, w.zone.String()}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " ")
}

// Unmet returns the gates that do not hold as one text, with the time from which they could hold. It returns "" when all hold.
func Unmet(gates []GateResult) string {
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
