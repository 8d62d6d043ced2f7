package action

import (
	"context"
	"net/http"
)

const mergedQuery = `query Merged($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) {
    defaultBranchRef { name }
    pullRequest(number: $number) {
      merged baseRefName commits { totalCount }
      mergeCommit { oid parents(first: 2) { nodes { oid } } history(first: 100) { nodes { oid parents(first: 1) { nodes { oid } } associatedPullRequests(first: 5) { nodes { number } } } } }
    }
  }
}`

// mergedCommit is a commit with the pull requests it belongs to.
type mergedCommit struct {
	OID     string `json:"oid"`
	Parents struct {
		Nodes []struct {
			OID string `json:"oid"`
		}
	}
	AssociatedPullRequests struct{ Nodes []struct{ Number int } }
	History                struct{ Nodes []mergedCommit }
}

// merged is how a pull request was merged.
type merged struct {
	into     string // the base branch; "" when it is not merged
	fallback string // the default branch of the repository
	before   string // the base branch just before; "" when the answer does not show it
	after    string // the base branch just after
}

// mergedPull finds the base branch just before and just after a pull request was merged into it, however it was merged: a
// merge commit has the branch as its first parent, a squash is one commit, a rebase is as many as the pull request had, one on
// top of the other. Errors begin with what.
func (c *client) mergedPull(ctx context.Context, what string, number int) (merged, error) {
	var data struct {
		Repository *struct {
			DefaultBranchRef *struct{ Name string }
			PullRequest      *struct {
				Merged      bool
				BaseRefName string
				Commits     struct{ TotalCount int }
				MergeCommit *mergedCommit
			}
		}
	}
	vars := map[string]any{"owner": c.owner, "name": c.name, "number": number}
	if err := c.query(ctx, what, mergedQuery, vars, &data); err != nil {
		return merged{}, err
	}
	if data.Repository == nil || data.Repository.PullRequest == nil {
		return merged{}, &apiError{what: what, status: http.StatusNotFound, message: "there is no such pull request"}
	}
	var out merged
	if d := data.Repository.DefaultBranchRef; d != nil {
		out.fallback = d.Name
	}
	p := data.Repository.PullRequest
	if !p.Merged || p.MergeCommit == nil {
		return out, nil
	}
	m := p.MergeCommit
	out.into, out.after = p.BaseRefName, m.OID
	if len(m.Parents.Nodes) == 2 {
		out.before = m.Parents.Nodes[0].OID
		return out, nil
	}
	out.before, _ = m.start(number, p.Commits.TotalCount)
	return out, nil
}

// start follows the first parents from the merge commit over the commits that belong to the pull request.
func (m *mergedCommit) start(number, most int) (string, bool) {
	next := m.OID
	for n := 0; ; n++ {
		var at *mergedCommit
		for i, c := range m.History.Nodes {
			if c.OID == next {
				at = &m.History.Nodes[i]
			}
		}
		if at != nil && n > 0 && (n == most || !at.belongsTo(number)) {
			return next, true
		}
		if at == nil || len(at.Parents.Nodes) == 0 {
			return "", false
		}
		next = at.Parents.Nodes[0].OID
	}
}

func (m *mergedCommit) belongsTo(number int) bool {
	for _, p := range m.AssociatedPullRequests.Nodes {
		if p.Number == number {
			return true
		}
	}
	return false
}

const commitQuery = `query Commit($owner: String!, $name: String!, $commit: String!) {
  repository(owner: $owner, name: $name) {
    defaultBranchRef { name }
    object(expression: $commit) { __typename ... on Commit { oid parents(first: 1) { nodes { oid } } } }
  }
}`

// foundCommit is a commit of the repository.
type foundCommit struct {
	oid      string
	parent   string // the first; "" for the first commit of the repository
	fallback string // the default branch of the repository
}

// commitAt finds a commit by its name or the beginning of it. Errors begin with what.
func (c *client) commitAt(ctx context.Context, what, commit string) (foundCommit, error) {
	var data struct {
		Repository *struct {
			DefaultBranchRef *struct{ Name string }
			Object           *mergedCommit
		}
	}
	if err := c.query(ctx, what, commitQuery, map[string]any{"owner": c.owner, "name": c.name, "commit": commit}, &data); err != nil {
		return foundCommit{}, err
	}
	if data.Repository == nil || data.Repository.Object == nil || data.Repository.Object.OID == "" {
		return foundCommit{}, &apiError{what: what, status: http.StatusNotFound, message: "there is no such commit"}
	}
	out := foundCommit{oid: data.Repository.Object.OID}
	if d := data.Repository.DefaultBranchRef; d != nil {
		out.fallback = d.Name
	}
	if p := data.Repository.Object.Parents.Nodes; len(p) > 0 {
		out.parent = p[0].OID
	}
	return out, nil
}
