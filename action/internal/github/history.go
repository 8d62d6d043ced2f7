package github

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

const fileQuery = `query File($owner: String!, $name: String!, $file: String!) {
  repository(owner: $owner, name: $name) { object(expression: $file) { ... on Blob { text } } }
}`

// FileAt returns a file of a commit or a branch, and whether there is such a file.
func (c *Client) FileAt(ctx context.Context, revision, name string) (text string, found bool, err error) {
	var data struct {
		Repository *struct{ Object *struct{ Text *string } }
	}
	vars := map[string]any{"owner": c.owner, "name": c.name, "file": revision + ":" + name}
	if err := c.query(ctx, "read "+name, fileQuery, vars, &data); err != nil {
		return "", false, err
	}
	switch {
	case data.Repository == nil:
		return "", false, &Error{what: "read the repository", Status: http.StatusNotFound, message: "Could not resolve to a Repository"}
	case data.Repository.Object == nil || data.Repository.Object.Text == nil:
		return "", false, nil
	}
	return *data.Repository.Object.Text, true, nil
}

// Contents is a file of a commit.
type Contents struct {
	Path string
	Data []byte
}

// Path is a directory or a file whose history is read, with the files whose contents are wanted in each commit.
type Path struct {
	Name  string
	Files []string
}

// Revision is one commit of a history, with the contents of the files that were asked for.
type Revision struct {
	OID             string `json:"oid"`
	MessageHeadline string
	CommittedDate   time.Time
	Author          struct {
		Name string
		User *struct{ Login string }
	}
	AssociatedPullRequests struct{ Nodes []MergedPull }

	Files []Contents `json:"-"` // that were asked for, and are there
}

// MergedPull is a pull request that a commit belongs to.
type MergedPull struct {
	Number int
	URL    string `json:"url"`
	Merged bool
	Labels Names
	// HeadRefOid is the last commit of the pull request, which was merged.
	HeadRefOid string
	// LatestOpinionatedReviews are the last reviews by people with write access. Each names the commit that was reviewed.
	LatestOpinionatedReviews struct {
		Nodes []struct {
			State  string
			Commit *struct {
				OID string `json:"oid"`
			}
		}
	}
}

const historyFields = `oid messageHeadline committedDate author { name user { login } }
  associatedPullRequests(first: 5) { nodes { number url merged headRefOid labels(first: 50) { nodes { name } } latestOpinionatedReviews(first: 50, writersOnly: true) { nodes { state commit { oid } } } } }`

// maxHistories is how many histories one request asks for.
const maxHistories = 10

// Histories returns the commits that touch each path, from head back, newest first, and at most so many for each path.
func (c *Client) Histories(ctx context.Context, head string, paths []Path, most int) ([][]Revision, error) {
	var out [][]Revision
	for list := range slices.Chunk(paths, maxHistories) {
		some, err := c.someHistories(ctx, head, list, most)
		if err != nil {
			return nil, err
		}
		out = append(out, some...)
	}
	return out, nil
}

func (c *Client) someHistories(ctx context.Context, head string, paths []Path, most int) ([][]Revision, error) {
	var params, fields strings.Builder
	vars := map[string]any{"owner": c.owner, "name": c.name, "head": head, "most": most}
	for i, s := range paths {
		fmt.Fprintf(&params, ", $dir%d: String!", i)
		fmt.Fprintf(&fields, " h%d: history(first: $most, path: $dir%d) { nodes { %s", i, i, historyFields)
		vars[fmt.Sprintf("dir%d", i)] = s.Name
		for j, f := range s.Files {
			fmt.Fprintf(&params, ", $f%d_%d: String!", i, j)
			fmt.Fprintf(&fields, " f%d: file(path: $f%d_%d) { object { ... on Blob { text isTruncated } } }", j, i, j)
			vars[fmt.Sprintf("f%d_%d", i, j)] = f
		}
		fields.WriteString(" } }")
	}
	doc := "query Revisions($owner: String!, $name: String!, $head: String!, $most: Int!" + params.String() + ") { repository(owner: $owner, name: $name) { object(expression: $head) { ... on Commit {" + fields.String() + " } } } }"
	var data struct {
		Repository struct {
			Object map[string]struct{ Nodes []rawRevision }
		}
	}
	what := "read the history of " + paths[0].Name
	if err := c.query(ctx, what, doc, vars, &data); err != nil {
		return nil, err
	}
	if data.Repository.Object == nil {
		return nil, fmt.Errorf("%w: %s", ErrMoved, what)
	}
	out := make([][]Revision, len(paths))
	for i, s := range paths {
		for _, n := range data.Repository.Object[fmt.Sprintf("h%d", i)].Nodes {
			out[i] = append(out[i], n.with(s.Files))
		}
	}
	return out, nil
}

// with returns the revision with the contents of the files that were asked for.
func (n rawRevision) with(files []string) Revision {
	r := n.Revision
	for i, f := range files {
		if e := n.entries[fmt.Sprintf("f%d", i)]; e != nil && e.Object != nil && e.Object.Text != nil && !e.Object.IsTruncated {
			r.Files = append(r.Files, Contents{Path: f, Data: []byte(*e.Object.Text)})
		}
	}
	return r
}

// rawRevision is a revision as GraphQL answers it: the fields of a revision, and one field for each file.
type rawRevision struct {
	Revision
	entries map[string]*treeEntry
}

type treeEntry struct {
	Object *struct {
		Text        *string
		IsTruncated bool
	}
}

// UnmarshalJSON decodes the known fields, then those whose names are made up for the query.
func (r *rawRevision) UnmarshalJSON(data []byte) error {
	if err := json.Unmarshal(data, &r.Revision); err != nil {
		return err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		return err
	}
	r.entries = map[string]*treeEntry{}
	for name, raw := range all {
		if !strings.HasPrefix(name, "f") {
			continue
		}
		var e *treeEntry
		if err := json.Unmarshal(raw, &e); err != nil {
			return err
		}
		r.entries[name] = e
	}
	return nil
}
