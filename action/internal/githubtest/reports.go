package githubtest

import (
	"net/http"
	"strings"
	"time"
)

// Report is a commit status or a check run.
type Report struct {
	SHA  string
	Name string // the context of a status, the name of a check run
	// State is success, failure, error or pending; of a check run its conclusion, empty while it runs.
	State string
	Check bool
	At    time.Time
}

// Report adds a status or a check run as another program would. It is of now when At is zero.
func (r *Repo) Report(rep Report) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	r.report(rep)
}

func (r *Repo) report(rep Report) {
	if rep.At.IsZero() {
		rep.At = time.Now().UTC()
	}
	r.reports = append(r.reports, &rep)
}

// Reports are the statuses and check runs of a commit, oldest first.
func (r *Repo) Reports(sha string) []Report {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	var out []Report
	for _, rep := range r.reports {
		if rep.SHA == sha {
			out = append(out, *rep)
		}
	}
	return out
}

func (c *call) createStatus() *answer {
	sha, state := c.params["sha"], c.str("state")
	if c.repo.store.commits[sha] == nil {
		return failure(http.StatusUnprocessableEntity, "No commit found for SHA: %s", sha)
	}
	c.repo.report(Report{SHA: sha, Name: c.str("context"), State: state})
	return &answer{status: http.StatusCreated, body: map[string]any{
		"state": state, "context": c.str("context"), "description": c.in["description"], "target_url": c.in["target_url"]}}
}

// rollup is the last status of each context, and every check run.
func (r *Repo) rollup(sha string) map[string]any {
	nodes, at := []any{}, map[string]int{}
	for _, rep := range r.reports {
		if rep.SHA != sha {
			continue
		}
		when := rep.At.Format(time.RFC3339)
		if rep.Check {
			node := map[string]any{"__typename": "CheckRun", "name": rep.Name, "status": "COMPLETED", "conclusion": strings.ToUpper(rep.State), "completedAt": when}
			if rep.State == "" {
				node["status"], node["conclusion"], node["completedAt"] = "IN_PROGRESS", nil, nil
			}
			nodes = append(nodes, node)
			continue
		}
		node := map[string]any{"__typename": "StatusContext", "context": rep.Name, "state": strings.ToUpper(rep.State), "createdAt": when}
		if i, ok := at[rep.Name]; ok {
			nodes[i] = node
			continue
		}
		at[rep.Name] = len(nodes)
		nodes = append(nodes, node)
	}
	if len(nodes) == 0 {
		return nil
	}
	return map[string]any{"__typename": "StatusCheckRollup", "contexts": lazy(func(map[string]any) (any, *gqlError) {
		return map[string]any{"nodes": nodes}, nil
	})}
}
