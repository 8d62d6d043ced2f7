package github

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Reported is a commit with what was reported on it.
type Reported struct {
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

// lineCommit is a commit as GraphQL answers it.
type lineCommit struct {
	OID     string `json:"oid"`
	Parents struct {
		Nodes []struct {
			OID string `json:"oid"`
		}
	}
	StatusCheckRollup *struct {
		Contexts struct{ Nodes []rawReport }
	}

	state string // what the paths were at this commit; "" when one of them was not there
}

// rawReport is a commit status or a check run, with GitHub's words.
type rawReport struct {
	Context, State           string // of a status
	CreatedAt                time.Time
	Name, Status, Conclusion string // of a check run
	CompletedAt              time.Time
}

// maxLinePaths is how many paths one request follows.
const maxLinePaths = 50

// Statuses reads what was reported on the commits from head back, newest first, as far as all paths were what they are at
// head. It follows first parents. It fails with ErrMoved when head is gone.
func (c *Client) Statuses(ctx context.Context, head string, paths []string) ([]Reported, error) {
	var line []lineCommit
	for list := range slices.Chunk(paths, maxLinePaths) {
		nodes, err := c.somePaths(ctx, head, list)
		if err != nil {
			return nil, err
		}
		if same := samePaths(nodes, head); line == nil || len(same) < len(line) {
			line = same
		}
	}
	var out []Reported
	for _, n := range line {
		out = append(out, n.reported())
	}
	return out, nil
}

// reported returns the commit with statuses and check runs in one form.
func (c lineCommit) reported() Reported {
	out := Reported{SHA: c.OID}
	if c.StatusCheckRollup == nil {
		return out
	}
	for _, r := range c.StatusCheckRollup.Contexts.Nodes {
		if r.Context != "" {
			pending := r.State == "PENDING" || r.State == "EXPECTED"
			out.Reports = append(out.Reports, Report{Name: r.Context, Pending: pending, Outcome: strings.ToLower(r.State), At: r.CreatedAt})
			continue
		}
		out.Reports = append(out.Reports, Report{Name: r.Name, Pending: r.Status != "COMPLETED", Outcome: strings.ToLower(r.Conclusion), At: r.CompletedAt})
	}
	return out
}

func (c *Client) somePaths(ctx context.Context, head string, paths []string) ([]lineCommit, error) {
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
		return nil, err
	}
	if data.Repository.Object == nil {
		return nil, fmt.Errorf("%w: %s", ErrMoved, what)
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

// samePaths follows first parents from head, newest first, while the paths stay what they are at head.
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
