package github

import (
	"context"
	"fmt"
	"net/http"
)

// PullInfo is what there is to know about a pull request before its changes are looked at.
type PullInfo struct {
	Number      int
	HeadRefOid  string
	BaseRefOid  string
	BaseRefName string
	Comments    struct {
		Nodes []struct {
			DatabaseID      int64 `json:"databaseId"`
			Body            string
			ViewerDidAuthor bool
		}
	}
}

const pullInfoQuery = `query PullInfo($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) { pullRequest(number: $number) {
    number headRefOid baseRefOid baseRefName
    comments(last: 100) { nodes { databaseId body viewerDidAuthor } }
  } }
}`

// PullInfo reads a pull request and its last comments.
func (c *Client) PullInfo(ctx context.Context, number int) (*PullInfo, error) {
	what := fmt.Sprintf("read pull request #%d", number)
	var data struct {
		Repository *struct{ PullRequest *PullInfo }
	}
	if err := c.query(ctx, what, pullInfoQuery, map[string]any{"owner": c.owner, "name": c.name, "number": number}, &data); err != nil {
		return nil, err
	}
	if data.Repository == nil || data.Repository.PullRequest == nil {
		return nil, &Error{what: what, Status: http.StatusNotFound, message: "there is no such pull request"}
	}
	return data.Repository.PullRequest, nil
}
