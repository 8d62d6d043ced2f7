package github

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

// Merged says how a pull request was merged.
type Merged struct {
	Into     string // the base branch; "" when it is not merged
	Fallback string // the default branch of the repository
	Before   string // the base branch just before; "" when the answer does not show it
	After    string // the base branch just after
}

// MergedPull finds the base branch just before and just after a pull request was merged into it, however it was merged. A merge
// commit has the base branch as its first parent. A squash is one commit. A rebase is as many commits as the pull request had.
// Errors begin with what.
func (c *Client) MergedPull(ctx context.Context, what string, number int) (Merged, error) {
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
		return Merged{}, err
	}
	if data.Repository == nil || data.Repository.PullRequest == nil {
		return Merged{}, &Error{what: what, Status: http.StatusNotFound, message: "there is no such pull request"}
	}
	var out Merged
	if d := data.Repository.DefaultBranchRef; d != nil {
		out.Fallback = d.Name
	}
	p := data.Repository.PullRequest
	if !p.Merged || p.MergeCommit == nil {
		return out, nil
	}
	m := p.MergeCommit
	out.Into, out.After = p.BaseRefName, m.OID
	if len(m.Parents.Nodes) == 2 {
		out.Before = m.Parents.Nodes[0].OID
		return out, nil
	}
	out.Before, _ = m.start(number, p.Commits.TotalCount)
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

// FoundCommit is a commit that was asked for by its name.
type FoundCommit struct {
	SHA      string
	Parent   string // the first; "" for the first commit of the repository
	Fallback string // the default branch of the repository
}

// CommitAt finds a commit by its name or the beginning of it. Errors begin with what.
func (c *Client) CommitAt(ctx context.Context, what, commit string) (FoundCommit, error) {
	var data struct {
		Repository *struct {
			DefaultBranchRef *struct{ Name string }
			Object           *mergedCommit
		}
	}
	if err := c.query(ctx, what, commitQuery, map[string]any{"owner": c.owner, "name": c.name, "commit": commit}, &data); err != nil {
		return FoundCommit{}, err
	}
	if data.Repository == nil || data.Repository.Object == nil || data.Repository.Object.OID == "" {
		return FoundCommit{}, &Error{what: what, Status: http.StatusNotFound, message: "there is no such commit"}
	}
	out := FoundCommit{SHA: data.Repository.Object.OID}
	if d := data.Repository.DefaultBranchRef; d != nil {
		out.Fallback = d.Name
	}
	if p := data.Repository.Object.Parents.Nodes; len(p) > 0 {
		out.Parent = p[0].OID
	}
	return out, nil
}
