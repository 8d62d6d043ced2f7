package github

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/hint"
)

// stateQuery reads everything that a decision needs in one request: the base branch, the branch of the pull request, the open
// pull requests, and the earlier pull requests of the branch.
const stateQuery = `query State($owner: String!, $name: String!, $base: String!, $named: Boolean!, $branch: String!, $head: String!, $pulls: Boolean!, $after: String) {
  repository(owner: $owner, name: $name) {
    id
    nameWithOwner
    isArchived
    defaultBranchRef { ...head }
    base: ref(qualifiedName: $base) @include(if: $named) { ...head }
    branch: ref(qualifiedName: $branch) @include(if: $pulls) { ...head }
    pullRequests(states: [OPEN], first: 100, after: $after, orderBy: {field: CREATED_AT, direction: DESC}) @include(if: $pulls) {
      pageInfo { hasNextPage endCursor }
      nodes {
        id number url title body isDraft baseRefName headRefName isCrossRepository mergeable viewerDidAuthor
        author { login }
        autoMergeRequest { enabledAt enabledBy { login } }
        labels(first: 50) { nodes { name } }
        assignees(first: 20) { nodes { login } }
        reviewRequests(first: 1) { totalCount }
        latestReviews(first: 1) { totalCount }
        headRef { ...head }
      }
    }
    past: pullRequests(states: [CLOSED, MERGED], headRefName: $head, first: 20, orderBy: {field: CREATED_AT, direction: DESC}) @include(if: $pulls) {
      nodes { number url body merged baseRefName headRefName headRefOid isCrossRepository }
    }
  }
}
fragment head on Ref { name target { oid ... on Commit { message committedDate tree { oid } parents(first: 3) { nodes { oid message tree { oid } } } } } }`

// Branch is a branch and the commit it points to.
type Branch struct {
	Name   string
	Target struct {
		OID     string `json:"oid"`
		Message string
		// CommittedDate is when GitHub wrote the commit.
		CommittedDate time.Time
		Tree          struct {
			OID string `json:"oid"`
		}
		Parents struct {
			Nodes []struct {
				OID     string `json:"oid"`
				Message string
				Tree    struct {
					OID string `json:"oid"`
				}
			}
		}
	}
}

// IsOn says whether sha is the only parent of the branch's last commit.
func (b *Branch) IsOn(sha string) bool {
	return len(b.Target.Parents.Nodes) == 1 && b.DescendsFrom(sha)
}

// DescendsFrom says whether sha is a parent of the branch's last commit.
func (b *Branch) DescendsFrom(sha string) bool {
	for _, p := range b.Target.Parents.Nodes {
		if p.OID == sha {
			return true
		}
	}
	return false
}

// Commit is a commit as a comparison or a branch shows it.
type Commit struct {
	SHA, Tree, Message string
	Parents            []string
}

// Commit returns the branch's last commit.
func (b *Branch) Commit() Commit {
	c := Commit{SHA: b.Target.OID, Tree: b.Target.Tree.OID, Message: b.Target.Message}
	for _, p := range b.Target.Parents.Nodes {
		c.Parents = append(c.Parents, p.OID)
	}
	return c
}

// Parent returns the first parent of the branch's last commit, nil when there is none.
func (b *Branch) Parent() *Commit {
	if len(b.Target.Parents.Nodes) == 0 {
		return nil
	}
	p := b.Target.Parents.Nodes[0]
	return &Commit{SHA: p.OID, Tree: p.Tree.OID, Message: p.Message}
}

// Names are the names of labels, or the logins of people.
type Names struct {
	Nodes []struct{ Name, Login string }
}

// List returns the names in GitHub's order.
func (n Names) List() []string {
	var out []string
	for _, e := range n.Nodes {
		out = append(out, e.Name+e.Login)
	}
	return out
}

// PullRef says which pull request one is. Fields are named as in GitHub's GraphQL API, here and below.
type PullRef struct {
	Number            int
	URL               string
	Body              string
	BaseRefName       string
	HeadRefName       string
	IsCrossRepository bool
}

// PastPull is a pull request that is merged or closed.
type PastPull struct {
	PullRef
	Merged     bool
	HeadRefOid string
}

// PullRequest is an open pull request.
type PullRequest struct {
	PullRef
	ID               string `json:"id"`
	Title            string
	IsDraft          bool
	Mergeable        string // MERGEABLE, CONFLICTING, or UNKNOWN while GitHub finds out
	ViewerDidAuthor  bool
	Author           *struct{ Login string }
	AutoMergeRequest *struct {
		EnabledAt string
		EnabledBy *struct{ Login string }
	}
	Labels, Assignees Names
	ReviewRequests    struct{ TotalCount int }
	LatestReviews     struct{ TotalCount int }
	HeadRef           *Branch

	// Opened is set by Pulls.Open: nobody else has changed the pull request yet.
	Opened bool `json:"-"`
}

// State is what one read of the repository found.
type State struct {
	Name   string // the repository's present name, after a rename too
	Base   Branch
	Branch *Branch // nil when it does not exist
	Pulls  []PullRequest
	Past   []PastPull // from the branch, merged or closed, newest first
}

// ReadState reads the base branch, "" for the default branch, and, when pulls is set, the branch and the pull requests.
func (c *Client) ReadState(ctx context.Context, base, branch string, pulls bool) (*State, error) {
	vars := map[string]any{"owner": c.owner, "name": c.name, "base": "refs/heads/" + base, "named": base != "", "branch": "refs/heads/" + branch, "head": branch, "pulls": pulls, "after": nil}
	st := &State{}
	for {
		var data struct {
			Repository *struct {
				ID                     string `json:"id"`
				NameWithOwner          string
				IsArchived             bool
				DefaultBranchRef, Base *Branch
				Branch                 *Branch
				PullRequests           struct {
					PageInfo struct {
						HasNextPage bool
						EndCursor   string
					}
					Nodes []PullRequest
				}
				Past struct{ Nodes []PastPull }
			}
		}
		if err := c.query(ctx, "read the repository "+c.owner+"/"+c.name, stateQuery, vars, &data); err != nil {
			return nil, err
		}
		r := data.Repository
		if r == nil {
			return nil, &Error{what: "read the repository", Status: http.StatusNotFound, message: "Could not resolve to a Repository"}
		}
		head := r.Base
		if base == "" {
			head = r.DefaultBranchRef
		}
		switch {
		case r.IsArchived:
			return nil, fmt.Errorf("%s is archived and cannot be changed", r.NameWithOwner)
		case head == nil && r.DefaultBranchRef == nil:
			return nil, fmt.Errorf("%s has no commits yet", r.NameWithOwner)
		case head == nil:
			return nil, hint.With(fmt.Errorf("%s has no branch %q", r.NameWithOwner, base), fmt.Sprintf("the default branch is %q; leave the ref input empty to use it", r.DefaultBranchRef.Name))
		}
		c.id, st.Name, st.Base, st.Branch = r.ID, r.NameWithOwner, *head, r.Branch
		st.Pulls, st.Past = append(st.Pulls, r.PullRequests.Nodes...), r.Past.Nodes
		if !r.PullRequests.PageInfo.HasNextPage {
			return st, nil
		}
		vars["after"] = r.PullRequests.PageInfo.EndCursor
	}
}

// BlobNames returns Git's names of files at a commit, in the order of paths; "" where there is no file.
func (c *Client) BlobNames(ctx context.Context, commit string, paths []string) ([]string, error) {
	var params, fields strings.Builder
	vars := map[string]any{"owner": c.owner, "name": c.name}
	for i, p := range paths {
		fmt.Fprintf(&params, ", $e%d: String!", i)
		fmt.Fprintf(&fields, " f%d: object(expression: $e%d) { oid }", i, i)
		vars[fmt.Sprintf("e%d", i)] = commit + ":" + p
	}
	doc := "query Blobs($owner: String!, $name: String!" + params.String() + ") { repository(owner: $owner, name: $name) {" + fields.String() + " } }"
	var data struct {
		Repository map[string]*struct {
			OID string `json:"oid"`
		}
	}
	if err := c.query(ctx, "compare the files with Git", doc, vars, &data); err != nil {
		return nil, err
	}
	out := make([]string, len(paths))
	for i := range paths {
		if o := data.Repository[fmt.Sprintf("f%d", i)]; o != nil {
			out[i] = o.OID
		}
	}
	return out, nil
}

// GitHub's words for a pull request that has conflicts, and for one of which it does not know yet.
const (
	Conflicting = "CONFLICTING"
	Unknown     = "UNKNOWN"
)

const mergeableQuery = `query Mergeable($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) { pullRequest(number: $number) { mergeable } }
}`

// Mergeable asks whether a pull request has conflicts. It returns GitHub's word, such as Conflicting. The first question makes
// GitHub find out, and is answered with Unknown.
func (c *Client) Mergeable(ctx context.Context, number int) (string, error) {
	var data struct {
		Repository *struct{ PullRequest *struct{ Mergeable string } }
	}
	vars := map[string]any{"owner": c.owner, "name": c.name, "number": number}
	err := c.query(ctx, fmt.Sprintf("read pull request #%d", number), mergeableQuery, vars, &data)
	if err != nil || data.Repository == nil || data.Repository.PullRequest == nil {
		return Unknown, err
	}
	return data.Repository.PullRequest.Mergeable, nil
}
