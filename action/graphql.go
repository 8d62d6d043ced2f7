package action

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/hint"
)

// stateQuery reads everything that a decision needs in one request: the base branch, the branch of the
// pull request, the open pull requests, and those that came from the branch before.
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

// branchHead is a branch and the commit it points to.
type branchHead struct {
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

// isOn says whether the commit is one on top of sha.
func (b *branchHead) isOn(sha string) bool {
	return len(b.Target.Parents.Nodes) == 1 && b.descendsFrom(sha)
}

// descendsFrom says whether sha is a parent of the commit.
func (b *branchHead) descendsFrom(sha string) bool {
	for _, p := range b.Target.Parents.Nodes {
		if p.OID == sha {
			return true
		}
	}
	return false
}

// commitText is a commit as a comparison or a branch shows it.
type commitText struct {
	oid, tree, message string
	parents            []string
}

func (b *branchHead) text() commitText {
	c := commitText{oid: b.Target.OID, tree: b.Target.Tree.OID, message: b.Target.Message}
	for _, p := range b.Target.Parents.Nodes {
		c.parents = append(c.parents, p.OID)
	}
	return c
}

// before is the first parent of a branch's last commit, nil when there is none.
func (b *branchHead) before() *commitText {
	if len(b.Target.Parents.Nodes) == 0 {
		return nil
	}
	p := b.Target.Parents.Nodes[0]
	return &commitText{oid: p.OID, tree: p.Tree.OID, message: p.Message}
}

type names struct {
	Nodes []struct{ Name, Login string }
}

func (n names) list() []string {
	var out []string
	for _, e := range n.Nodes {
		out = append(out, e.Name+e.Login)
	}
	return out
}

// pullRequest is a pull request.
type pullRequest struct {
	ID                string `json:"id"`
	Number            int
	URL               string `json:"url"`
	Title, Body       string
	IsDraft           bool
	BaseRefName       string
	HeadRefName       string
	IsCrossRepository bool
	Mergeable         string // MERGEABLE, CONFLICTING, or UNKNOWN while GitHub finds out
	Merged            bool
	HeadRefOid        string
	ViewerDidAuthor   bool
	Author            *struct{ Login string }
	AutoMergeRequest  *struct {
		EnabledAt string
		EnabledBy *struct{ Login string }
	}
	Labels, Assignees names
	ReviewRequests    struct{ TotalCount int }
	LatestReviews     struct{ TotalCount int }
	HeadRef           *branchHead

	// Opened says that this value comes from open: nobody else has changed the pull request yet.
	Opened bool `json:"-"`
}

// state is what one read of the repository found.
type state struct {
	name   string // the repository's present name, after a rename too
	base   branchHead
	branch *branchHead // nil when it does not exist
	pulls  []pullRequest
	past   []pullRequest // from the branch, merged or closed, newest first
}

// readState reads the base branch and, when pulls is set, the branch and the open pull requests.
func (c *client) readState(ctx context.Context, base, branch string, pulls bool) (*state, error) {
	vars := map[string]any{"owner": c.owner, "name": c.name, "base": "refs/heads/" + base, "named": base != "", "branch": "refs/heads/" + branch, "head": branch, "pulls": pulls, "after": nil}
	st := &state{}
	for {
		var data struct {
			Repository *struct {
				ID                     string `json:"id"`
				NameWithOwner          string
				IsArchived             bool
				DefaultBranchRef, Base *branchHead
				Branch                 *branchHead
				PullRequests           struct {
					PageInfo struct {
						HasNextPage bool
						EndCursor   string
					}
					Nodes []pullRequest
				}
				Past struct{ Nodes []pullRequest }
			}
		}
		if err := c.query(ctx, "read the repository "+c.owner+"/"+c.name, stateQuery, vars, &data); err != nil {
			return nil, err
		}
		r := data.Repository
		if r == nil {
			return nil, &apiError{what: "read the repository", status: http.StatusNotFound, message: "Could not resolve to a Repository"}
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
		c.id, st.name, st.base, st.branch = r.ID, r.NameWithOwner, *head, r.Branch
		st.pulls, st.past = append(st.pulls, r.PullRequests.Nodes...), r.Past.Nodes
		if !r.PullRequests.PageInfo.HasNextPage {
			return st, nil
		}
		vars["after"] = r.PullRequests.PageInfo.EndCursor
	}
}

// blobNames asks for Git's names of files at a commit, in the order of paths; "" where there is none.
func (c *client) blobNames(ctx context.Context, commit string, paths []string) ([]string, error) {
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

const autoMergeMutation = `mutation AutoMerge($id: ID!, $method: PullRequestMergeMethod!, $head: GitObjectID!, $headline: String, $body: String) {
  enablePullRequestAutoMerge(input: {pullRequestId: $id, mergeMethod: $method, expectedHeadOid: $head, commitHeadline: $headline, commitBody: $body}) { pullRequest { number } }
}`

const noAutoMergeMutation = `mutation NoAutoMerge($id: ID!) {
  disablePullRequestAutoMerge(input: {pullRequestId: $id}) { pullRequest { number } }
}`

const enqueueMutation = `mutation Enqueue($id: ID!, $head: GitObjectID!) {
  enqueuePullRequest(input: {pullRequestId: $id, expectedHeadOid: $head}) { mergeQueueEntry { position } }
}`

// deleteMutation is a compare-and-set: the branch goes only if it still points to $before. The REST call
// has no such condition.
const deleteMutation = `mutation Delete($repository: ID!, $name: GitRefname!, $before: GitObjectID!, $nothing: GitObjectID!) {
  updateRefs(input: {repositoryId: $repository, refUpdates: [{name: $name, beforeOid: $before, afterOid: $nothing}]}) { clientMutationId }
}`

func (c gitWriter) deleteBranch(ctx context.Context, branch, sha string) error {
	vars := map[string]any{"repository": c.id, "name": "refs/heads/" + branch, "before": sha, "nothing": strings.Repeat("0", len(sha))}
	err := c.query(ctx, "delete the branch "+branch, deleteMutation, vars, nil)
	if a, ok := answered(err); ok && a.status == 0 && !a.says("not accessible") {
		return fmt.Errorf("%w: %w", errMoved, err)
	}
	return err
}

// replaceMutation is the compare-and-set for a branch that starts anew. The REST call has force, but no condition.
const replaceMutation = `mutation Replace($repository: ID!, $name: GitRefname!, $before: GitObjectID!, $after: GitObjectID!) {
  updateRefs(input: {repositoryId: $repository, refUpdates: [{name: $name, beforeOid: $before, afterOid: $after, force: true}]}) { clientMutationId }
}`

// replaceBranch moves a branch from one commit to another that need not descend from it. It fails with errMoved when the
// branch is somewhere else by now, and when GitHub refuses for another reason.
func (c gitWriter) replaceBranch(ctx context.Context, branch, before, after string) error {
	vars := map[string]any{"repository": c.id, "name": "refs/heads/" + branch, "before": before, "after": after}
	err := c.query(ctx, "update the branch "+branch, replaceMutation, vars, nil)
	if a, ok := answered(err); ok && a.status == 0 && !a.says("not accessible") {
		return fmt.Errorf("%w: %w", errMoved, err)
	}
	return err
}

// conflicting is GitHub's word for a pull request that has conflicts, unknown for one of which it does not know yet.
const (
	conflicting = "CONFLICTING"
	unknown     = "UNKNOWN"
)

const mergeableQuery = `query Mergeable($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) { pullRequest(number: $number) { mergeable } }
}`

// mergeable asks whether a pull request has conflicts. The first question makes GitHub find out.
func (c *client) mergeable(ctx context.Context, number int) (string, error) {
	var data struct {
		Repository *struct{ PullRequest *struct{ Mergeable string } }
	}
	vars := map[string]any{"owner": c.owner, "name": c.name, "number": number}
	err := c.query(ctx, fmt.Sprintf("read pull request #%d", number), mergeableQuery, vars, &data)
	if err != nil || data.Repository == nil || data.Repository.PullRequest == nil {
		return unknown, err
	}
	return data.Repository.PullRequest.Mergeable, nil
}

func (c pullWriter) enableAutoMerge(ctx context.Context, id, head, method string, text mergeText) error {
	vars := map[string]any{"id": id, "head": head, "method": method, "headline": nil, "body": nil}
	if text.headline != "" {
		vars["headline"], vars["body"] = text.headline, text.body
	}
	return c.query(ctx, "enable auto-merge", autoMergeMutation, vars, nil)
}

func (c pullWriter) disableAutoMerge(ctx context.Context, id string) error {
	return c.query(ctx, "switch auto-merge off", noAutoMergeMutation, map[string]any{"id": id}, nil)
}

func (c pullWriter) markDraft(ctx context.Context, id string) error {
	return c.query(ctx, "make the pull request a draft", `mutation Draft($id: ID!) { convertPullRequestToDraft(input: {pullRequestId: $id}) { pullRequest { number } } }`, map[string]any{"id": id}, nil)
}

func (c pullWriter) markReady(ctx context.Context, id string) error {
	return c.query(ctx, "make the pull request ready", `mutation Ready($id: ID!) { markPullRequestReadyForReview(input: {pullRequestId: $id}) { pullRequest { number } } }`, map[string]any{"id": id}, nil)
}

func (c pullWriter) enqueue(ctx context.Context, id, head string) error {
	return c.query(ctx, "add to the merge queue", enqueueMutation, map[string]any{"id": id, "head": head}, nil)
}

// query posts one GraphQL document. GitHub reports errors with status 200.
func (c *conn) query(ctx context.Context, what, document string, vars map[string]any, out any) error {
	body, err := json.Marshal(map[string]any{"query": document, "variables": vars})
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.graphqlURL, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "gitops-action")
	res, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("%s: %w", what, withoutURL(err))
	}
	defer res.Body.Close()
	var answer struct {
		Data    json.RawMessage
		Message string // of a REST error
		Errors  []struct{ Type, Message string }
	}
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	decodeErr := json.Unmarshal(data, &answer)
	switch {
	case res.StatusCode != http.StatusOK:
		if answer.Message == "" {
			answer.Message = http.StatusText(res.StatusCode)
		}
		return &apiError{what: what, status: res.StatusCode, message: answer.Message, need: res.Header.Get("X-Accepted-Github-Permissions")}
	case decodeErr != nil:
		return fmt.Errorf("%s: read GitHub's answer: %w", what, decodeErr)
	case len(answer.Errors) > 0:
		var list []string
		for _, e := range answer.Errors {
			list = append(list, e.Message)
		}
		return &apiError{what: what, message: strings.Join(list, "; ")}
	case out == nil:
		return nil
	}
	if err := json.Unmarshal(answer.Data, out); err != nil {
		return fmt.Errorf("%s: read GitHub's answer: %w", what, err)
	}
	return nil
}
