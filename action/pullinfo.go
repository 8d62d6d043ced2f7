package action

import (
	"context"
	"fmt"
	"net/http"
)

// pullInfo is a pull request of the config repository that is looked at, not one of ours.
type pullInfo struct {
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

// pullInfo reads a pull request and its last comments.
func (c *client) pullInfo(ctx context.Context, number int) (*pullInfo, error) {
	what := fmt.Sprintf("read pull request #%d", number)
	var data struct {
		Repository *struct{ PullRequest *pullInfo }
	}
	if err := c.query(ctx, what, pullInfoQuery, map[string]any{"owner": c.owner, "name": c.name, "number": number}, &data); err != nil {
		return nil, err
	}
	if data.Repository == nil || data.Repository.PullRequest == nil {
		return nil, &apiError{what: what, status: http.StatusNotFound, message: "there is no such pull request"}
	}
	return data.Repository.PullRequest, nil
}
