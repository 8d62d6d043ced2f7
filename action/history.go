package action

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

// fileAt returns a file of a commit or a branch. There need not be such a file: found says whether there is.
func (c *client) fileAt(ctx context.Context, revision, name string) (text string, found bool, err error) {
	var data struct {
		Repository *struct{ Object *struct{ Text *string } }
	}
	vars := map[string]any{"owner": c.owner, "name": c.name, "file": revision + ":" + name}
	if err := c.query(ctx, "read "+name, fileQuery, vars, &data); err != nil {
		return "", false, err
	}
	switch {
	case data.Repository == nil:
		return "", false, &apiError{what: "read the repository", status: http.StatusNotFound, message: "Could not resolve to a Repository"}
	case data.Repository.Object == nil || data.Repository.Object.Text == nil:
		return "", false, nil
	}
	return *data.Repository.Object.Text, true, nil
}

// contents are a file of a commit.
type contents struct {
	Path string
	Data []byte
}

// wantedHistory is a directory or a file whose history is read, with the contents that some files had in each commit.
type wantedHistory struct {
	path  string
	files []string
}

// revision is one commit of a history, with the contents of the files that were asked for.
type revision struct {
	OID             string `json:"oid"`
	MessageHeadline string
	CommittedDate   time.Time
	Author          struct {
		Name string
		User *struct{ Login string }
	}
	AssociatedPullRequests struct{ Nodes []sourcePull }

	Files []contents `json:"-"` // that were asked for, and are there
}

// sourcePull is the pull request that brought a commit.
type sourcePull struct {
	Number int
	URL    string `json:"url"`
	Merged bool
	Labels names
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

// histories reads the newest commits that touch each path, newest first, up to head and so many of each.
func (c *client) histories(ctx context.Context, head string, paths []wantedHistory, most int) ([][]revision, error) {
	var out [][]revision
	for list := range slices.Chunk(paths, maxHistories) {
		some, err := c.someHistories(ctx, head, list, most)
		if err != nil {
			return nil, err
		}
		out = append(out, some...)
	}
	return out, nil
}

func (c *client) someHistories(ctx context.Context, head string, paths []wantedHistory, most int) ([][]revision, error) {
	var params, fields strings.Builder
	vars := map[string]any{"owner": c.owner, "name": c.name, "head": head, "most": most}
	for i, s := range paths {
		fmt.Fprintf(&params, ", $dir%d: String!", i)
		fmt.Fprintf(&fields, " h%d: history(first: $most, path: $dir%d) { nodes { %s", i, i, historyFields)
		vars[fmt.Sprintf("dir%d", i)] = s.path
		for j, f := range s.files {
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
	what := "read the history of " + paths[0].path
	if err := c.query(ctx, what, doc, vars, &data); err != nil {
		return nil, err
	}
	if data.Repository.Object == nil {
		return nil, fmt.Errorf("%w: %s", errMoved, what)
	}
	out := make([][]revision, len(paths))
	for i, s := range paths {
		for _, n := range data.Repository.Object[fmt.Sprintf("h%d", i)].Nodes {
			out[i] = append(out[i], n.with(s.files))
		}
	}
	return out, nil
}

// with is the revision with the contents of the files that were asked for.
func (n rawRevision) with(files []string) revision {
	r := n.revision
	for i, f := range files {
		if e := n.entries[fmt.Sprintf("f%d", i)]; e != nil && e.Object != nil && e.Object.Text != nil && !e.Object.IsTruncated {
			r.Files = append(r.Files, contents{Path: f, Data: []byte(*e.Object.Text)})
		}
	}
	return r
}

// rawRevision is a revision as GraphQL answers it: the fields of a revision, and one field for each file.
type rawRevision struct {
	revision
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
	if err := json.Unmarshal(data, &r.revision); err != nil {
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
