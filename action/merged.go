package action

import (
	"context"
	"fmt"
	"net/http"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/display"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/hint"
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

// mergedRange returns the base branch just before and just after a pull request was merged into it, however it was
// merged: a merge commit has the branch as its first parent, a squash is one commit, a rebase is as many as the pull
// request had, one on top of the other.
func (c *client) mergedRange(ctx context.Context, number int, ref string) (before, after string, err error) {
	what := fmt.Sprintf("roll back #%d", number)
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
		return "", "", err
	}
	if data.Repository == nil || data.Repository.PullRequest == nil {
		return "", "", &apiError{what: what, status: http.StatusNotFound, message: "there is no such pull request"}
	}
	p := data.Repository.PullRequest
	if ref == "" && data.Repository.DefaultBranchRef != nil {
		ref = data.Repository.DefaultBranchRef.Name
	}
	switch {
	case !p.Merged || p.MergeCommit == nil:
		return "", "", hint.With(fmt.Errorf("%s: it is not merged", what), "close it; there is nothing to roll back")
	case p.BaseRefName != ref:
		return "", "", hint.With(fmt.Errorf("%s: it was merged into %s, not into %s", what, p.BaseRefName, ref), "set the ref input to the branch it was merged into")
	}
	m := p.MergeCommit
	after = m.OID
	if len(m.Parents.Nodes) == 2 {
		return m.Parents.Nodes[0].OID, after, nil
	}
	before, ok := m.start(number, p.Commits.TotalCount)
	if !ok {
		return "", "", fmt.Errorf("%s: where its commits begin cannot be told; give the commit input instead", what)
	}
	return before, after, nil
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

// commitRange returns the commit and its first parent. The commit must be on the branch.
func (c *client) commitRange(ctx context.Context, commit, ref string) (before, after string, err error) {
	what := "roll back " + display.SHA(commit)
	var data struct {
		Repository *struct {
			DefaultBranchRef *struct{ Name string }
			Object           *mergedCommit
		}
	}
	if err := c.query(ctx, what, commitQuery, map[string]any{"owner": c.owner, "name": c.name, "commit": commit}, &data); err != nil {
		return "", "", err
	}
	if data.Repository == nil || data.Repository.Object == nil || data.Repository.Object.OID == "" {
		return "", "", &apiError{what: what, status: http.StatusNotFound, message: "there is no such commit"}
	}
	if ref == "" && data.Repository.DefaultBranchRef != nil {
		ref = data.Repository.DefaultBranchRef.Name
	}
	m := data.Repository.Object
	if len(m.Parents.Nodes) == 0 {
		return "", "", fmt.Errorf("%s: it is the first commit of the repository", what)
	}
	where, err := c.compare(ctx, m.OID, ref)
	if err != nil {
		return "", "", err
	}
	if where.status != "ahead" && where.status != "identical" {
		return "", "", fmt.Errorf("%s: it is not on the branch %s", what, ref)
	}
	return m.Parents.Nodes[0].OID, m.OID, nil
}
