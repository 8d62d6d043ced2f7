package action

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // a window names a time zone, and a runner may have no database of them

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/display"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/hint"
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

// lineCommit is a commit of the base branch with what was reported on it.
type lineCommit struct {
	OID     string `json:"oid"`
	Parents struct {
		Nodes []struct {
			OID string `json:"oid"`
		}
	}
	StatusCheckRollup *struct {
		Contexts struct{ Nodes []report }
	}

	state string // what the source was at this commit, "" when a part of it was not there
}

// report is a commit status or a check run.
type report struct {
	Context, State           string // of a status
	CreatedAt                time.Time
	Name, Status, Conclusion string // of a check run
	CompletedAt              time.Time
}

// event is a report in one form for both.
type gateEvent struct {
	at     time.Time
	commit string
	good   bool
	word   string // success, failure, ...
}

// maxLinePaths is how many paths one request follows.
const maxLinePaths = 50

// line reads the commits of the base branch from head back, as far as all paths were what they are at head.
func (c *client) line(ctx context.Context, head string, paths []string) ([]lineCommit, error) {
	var out []lineCommit
	for list := range slices.Chunk(paths, maxLinePaths) {
		nodes, err := c.somePaths(ctx, head, list)
		if err != nil {
			return nil, err
		}
		if same := samePaths(nodes, head); out == nil || len(same) < len(out) {
			out = same
		}
	}
	return out, nil
}

func (c *client) somePaths(ctx context.Context, head string, paths []string) ([]lineCommit, error) {
	var params, fields strings.Builder
	vars := map[string]any{"owner": c.owner, "name": c.name, "head": head}
	for i, p := range paths {
		fmt.Fprintf(&params, ", $p%d: String!", i)
		fmt.Fprintf(&fields, " p%d: file(path: $p%d) { oid }", i, i)
		vars[fmt.Sprintf("p%d", i)] = p
	}
	doc := "query Line($owner: String!, $name: String!, $head: String!" + params.String() + `) {
  repository(owner: $owner, name: $name) { object(expression: $head) { ... on Commit { history(first: 100) { nodes {
    oid
    parents(first: 1) { nodes { oid } }
    statusCheckRollup { contexts(first: 100) { nodes {
      __typename
      ... on StatusContext { context state createdAt }
      ... on CheckRun { name status conclusion completedAt }
    } } }
   ` + fields.String() + " } } } } } }"
	var data struct {
		Repository struct {
			Object *struct {
				History struct{ Nodes []json.RawMessage }
			}
		}
	}
	what := "read the statuses of " + paths[0]
	if err := c.query(ctx, what, doc, vars, &data); err != nil {
		if a, ok := answered(err); ok && a.says("not accessible") {
			return nil, hint.With(err, "gates need a token with statuses: read, checks: read and pull-requests: read")
		}
		return nil, err
	}
	if data.Repository.Object == nil {
		return nil, fmt.Errorf("%w: %s", errMoved, what)
	}
	var out []lineCommit
	for _, raw := range data.Repository.Object.History.Nodes {
		n, err := lineCommitOf(raw, len(paths))
		if err != nil {
			return nil, fmt.Errorf("%s: read GitHub's answer: %w", what, err)
		}
		out = append(out, n)
	}
	return out, nil
}

// lineCommitOf decodes a commit with the names of so many paths.
func lineCommitOf(raw json.RawMessage, paths int) (lineCommit, error) {
	var c lineCommit
	var entries map[string]json.RawMessage
	if err := errors.Join(json.Unmarshal(raw, &c), json.Unmarshal(raw, &entries)); err != nil {
		return c, err
	}
	for i := range paths {
		var e *struct {
			OID string `json:"oid"`
		}
		if err := json.Unmarshal(entries[fmt.Sprintf("p%d", i)], &e); err != nil {
			return c, err
		}
		if e == nil {
			c.state = ""
			return c, nil
		}
		c.state += e.OID + "\n"
	}
	return c, nil
}

// samePaths follows the first parents from head, newest first, while the paths do not change.
func samePaths(nodes []lineCommit, head string) []lineCommit {
	var out []lineCommit
	next := head
	for {
		at := slices.IndexFunc(nodes, func(c lineCommit) bool { return c.OID == next })
		if at < 0 || nodes[at].state == "" || len(out) > 0 && nodes[at].state != out[0].state {
			return out
		}
		out = append(out, nodes[at])
		if len(nodes[at].Parents.Nodes) == 0 {
			return out
		}
		next = nodes[at].Parents.Nodes[0].OID
	}
}

// askPulls says whether a gate asks for the pull requests that brought the versions.
func (g *Gates) askPulls() bool { return g.Approvals > 0 || len(g.Labels) > 0 }

// events are the reports of one name, oldest first. What is still running is told apart.
func events(line []lineCommit, name string) (done []gateEvent, pending bool) {
	for i := len(line) - 1; i >= 0; i-- {
		if line[i].StatusCheckRollup == nil {
			continue
		}
		for _, r := range line[i].StatusCheckRollup.Contexts.Nodes {
			e := gateEvent{commit: line[i].OID}
			switch {
			case r.Context == name && (r.State == "PENDING" || r.State == "EXPECTED"), r.Name == name && r.Status != "COMPLETED":
				pending = true
				continue
			case r.Context == name:
				e.at, e.good, e.word = r.CreatedAt, r.State == "SUCCESS", strings.ToLower(r.State)
			case r.Name == name:
				e.at, e.good, e.word = r.CompletedAt, r.Conclusion == "SUCCESS", strings.ToLower(r.Conclusion)
			default:
				continue
			}
			done = append(done, e)
		}
	}
	slices.SortStableFunc(done, func(a, b gateEvent) int { return a.at.Compare(b.at) })
	return done, pending
}

// check asks every gate.
func (g *Gates) check(line []lineCommit, arrivals []arrival, now time.Time) []gateResult {
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
		out = append(out, pullGate(fmt.Sprintf("approvals %d", g.Approvals), arrivals, func(p *sourcePull) string {
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
		out = append(out, pullGate("label "+label, arrivals, func(p *sourcePull) string {
			if !slices.ContainsFunc(p.Labels.list(), func(l string) bool { return strings.EqualFold(l, label) }) {
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
func statusGate(line []lineCommit, name string) (gateResult, time.Time) {
	res := gateResult{Gate: "status " + name}
	done, pending := events(line, name)
	first := len(done)
	for first > 0 && done[first-1].good {
		first--
	}
	switch {
	case first < len(done):
		e := done[first]
		res.Met, res.Detail = true, fmt.Sprintf("success since %s on %s", stamp(e.at), display.SHA(e.commit))
		return res, e.at
	case len(done) > 0:
		e := done[len(done)-1]
		res.Detail = fmt.Sprintf("%s at %s on %s", e.word, stamp(e.at), display.SHA(e.commit))
	case pending:
		res.Detail = "pending"
	case len(line) > 0:
		res.Detail = fmt.Sprintf("nothing reported on %s or later", display.SHA(line[len(line)-1].OID))
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
func pullGate(name string, arrivals []arrival, missing func(*sourcePull) string) gateResult {
	res := gateResult{Gate: name}
	var lacks, has []string
	for _, a := range arrivals {
		p := a.rev.pull()
		if p == nil {
			lacks = append(lacks, display.SHA(a.rev.OID)+" came without a pull request")
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
func (p *sourcePull) approvals() (now, stale int) {
	for _, r := range p.LatestOpinionatedReviews.Nodes {
		switch {
		case r.State != "APPROVED":
		case r.Commit != nil && r.Commit.OID != "" && r.Commit.OID == p.HeadRefOid:
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

// gateSection is the table of the gates.
func gateSection(gates []gateResult) string {
	if len(gates) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("| Gate | Holds | |\n|---|---|---|\n")
	for _, g := range gates {
		holds := "no"
		if g.Met {
			holds = "yes"
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", display.Code(g.Gate), holds, display.Plain(g.Detail))
	}
	return b.String()
}
