package github

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

const autoMergeMutation = `mutation AutoMerge($id: ID!, $method: PullRequestMergeMethod!, $head: GitObjectID!, $headline: String, $body: String) {
  enablePullRequestAutoMerge(input: {pullRequestId: $id, mergeMethod: $method, expectedHeadOid: $head, commitHeadline: $headline, commitBody: $body}) { pullRequest { number } }
}`

const noAutoMergeMutation = `mutation NoAutoMerge($id: ID!) {
  disablePullRequestAutoMerge(input: {pullRequestId: $id}) { pullRequest { number } }
}`

const enqueueMutation = `mutation Enqueue($id: ID!, $head: GitObjectID!) {
  enqueuePullRequest(input: {pullRequestId: $id, expectedHeadOid: $head}) { mergeQueueEntry { position } }
}`

// deleteMutation deletes a branch if it still points to $before. The REST call has no such condition.
const deleteMutation = `mutation Delete($repository: ID!, $name: GitRefname!, $before: GitObjectID!, $nothing: GitObjectID!) {
  updateRefs(input: {repositoryId: $repository, refUpdates: [{name: $name, beforeOid: $before, afterOid: $nothing}]}) { clientMutationId }
}`

// deleteBranch deletes a branch if it still points to sha. It fails with ErrMoved when GitHub refuses.
func (c Git) deleteBranch(ctx context.Context, branch, sha string) error {
	vars := map[string]any{"repository": c.id, "name": "refs/heads/" + branch, "before": sha, "nothing": strings.Repeat("0", len(sha))}
	err := c.query(ctx, "delete the branch "+branch, deleteMutation, vars, nil)
	if a, ok := Answered(err); ok && a.Status == 0 && !a.Says("not accessible") {
		return fmt.Errorf("%w: %w", ErrMoved, err)
	}
	return err
}

// replaceMutation moves a branch that starts anew if it still points to $before. The REST call has force, but no condition.
const replaceMutation = `mutation Replace($repository: ID!, $name: GitRefname!, $before: GitObjectID!, $after: GitObjectID!) {
  updateRefs(input: {repositoryId: $repository, refUpdates: [{name: $name, beforeOid: $before, afterOid: $after, force: true}]}) { clientMutationId }
}`

// ReplaceBranch moves a branch from one commit to another that need not descend from it. It fails with ErrMoved when the branch
// is somewhere else by now, and when GitHub refuses for another reason.
func (c Git) ReplaceBranch(ctx context.Context, branch, before, after string) error {
	vars := map[string]any{"repository": c.id, "name": "refs/heads/" + branch, "before": before, "after": after}
	err := c.query(ctx, "update the branch "+branch, replaceMutation, vars, nil)
	if a, ok := Answered(err); ok && a.Status == 0 && !a.Says("not accessible") {
		return fmt.Errorf("%w: %w", ErrMoved, err)
	}
	return err
}

// EnableAutoMerge lets GitHub merge a pull request once its requirements are met, if its head is still head.
func (c Pulls) EnableAutoMerge(ctx context.Context, id, head, method string, text MergeText) error {
	vars := map[string]any{"id": id, "head": head, "method": method, "headline": nil, "body": nil}
	if text.Headline != "" {
		vars["headline"], vars["body"] = text.Headline, text.Body
	}
	return c.query(ctx, "enable auto-merge", autoMergeMutation, vars, nil)
}

// DisableAutoMerge takes EnableAutoMerge back.
func (c Pulls) DisableAutoMerge(ctx context.Context, id string) error {
	return c.query(ctx, "switch auto-merge off", noAutoMergeMutation, map[string]any{"id": id}, nil)
}

// MarkDraft makes a pull request a draft.
func (c Pulls) MarkDraft(ctx context.Context, id string) error {
	return c.query(ctx, "make the pull request a draft", `mutation Draft($id: ID!) { convertPullRequestToDraft(input: {pullRequestId: $id}) { pullRequest { number } } }`, map[string]any{"id": id}, nil)
}

// MarkReady ends the draft of a pull request.
func (c Pulls) MarkReady(ctx context.Context, id string) error {
	return c.query(ctx, "make the pull request ready", `mutation Ready($id: ID!) { markPullRequestReadyForReview(input: {pullRequestId: $id}) { pullRequest { number } } }`, map[string]any{"id": id}, nil)
}

// Enqueue adds a pull request to the merge queue if its head is still head.
func (c Pulls) Enqueue(ctx context.Context, id, head string) error {
	return c.query(ctx, "add to the merge queue", enqueueMutation, map[string]any{"id": id, "head": head}, nil)
}

// query posts one GraphQL document. GitHub reports errors with status 200. Errors begin with what.
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
		return &Error{what: what, Status: res.StatusCode, message: answer.Message, Need: res.Header.Get("X-Accepted-Github-Permissions")}
	case decodeErr != nil:
		return fmt.Errorf("%s: read GitHub's answer: %w", what, decodeErr)
	case len(answer.Errors) > 0:
		var list []string
		for _, e := range answer.Errors {
			list = append(list, e.Message)
		}
		return &Error{what: what, message: strings.Join(list, "; ")}
	case out == nil:
		return nil
	}
	if err := json.Unmarshal(answer.Data, out); err != nil {
		return fmt.Errorf("%s: read GitHub's answer: %w", what, err)
	}
	return nil
}
