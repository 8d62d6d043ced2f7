package action

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/bumper"
)

// promotionQuery reads one file of the base branch, before it is known what to read in the whole of it.
const promotionQuery = `query Promotion($owner: String!, $name: String!, $file: String!) {
  repository(owner: $owner, name: $name) { object(expression: $file) { ... on Blob { text } } }
}`

// promotionAt reads promotion.yaml, nil when there is none.
func (c *client) promotionAt(ctx context.Context, ref string) (*Promotion, error) {
	at := "HEAD"
	if ref != "" {
		at = "refs/heads/" + ref
	}
	var data struct {
		Repository *struct{ Object *struct{ Text *string } }
	}
	vars := map[string]any{"owner": c.owner, "name": c.name, "file": at + ":" + promotionFile}
	if err := c.query(ctx, "read "+promotionFile, promotionQuery, vars, &data); err != nil {
		return nil, err
	}
	switch {
	case data.Repository == nil:
		return nil, &apiError{what: "read the repository", status: http.StatusNotFound, message: "Could not resolve to a Repository"}
	case data.Repository.Object == nil || data.Repository.Object.Text == nil:
		return nil, nil
	}
	return parsePromotion([]byte(*data.Repository.Object.Text))
}

// revision is one commit of a directory's history, newest first in a list, with the contents of some files.
type revision struct {
	OID             string `json:"oid"`
	MessageHeadline string
	CommittedDate   time.Time
	Author          struct {
		Name string
		User *struct{ Login string }
	}
	AssociatedPullRequests struct{ Nodes []sourcePull }

	files []bumper.File
}

// sourcePull is the pull request that brought a commit.
type sourcePull struct {
	Number int
	URL    string `json:"url"`
	Merged bool
	Labels names
	// LatestOpinionatedReviews are the last reviews of people who may write.
	LatestOpinionatedReviews struct{ Nodes []struct{ State string } }
}

const historyFields = `oid messageHeadline committedDate author { name user { login } }
  associatedPullRequests(first: 5) { nodes { number url merged labels(first: 50) { nodes { name } } latestOpinionatedReviews(first: 50, writersOnly: true) { nodes { state } } } }`

// revisions reads the newest commits that touch a directory, up to head, with the contents of files in each.
func (c *client) revisions(ctx context.Context, head, dir string, files []string, most int) ([]revision, error) {
	var params, fields strings.Builder
	vars := map[string]any{"owner": c.owner, "name": c.name, "head": head, "dir": dir, "most": most}
	for i, f := range files {
		fmt.Fprintf(&params, ", $f%d: String!", i)
		fmt.Fprintf(&fields, " f%d: file(path: $f%d) { object { ... on Blob { text isTruncated } } }", i, i)
		vars[fmt.Sprintf("f%d", i)] = f
	}
	doc := "query Revisions($owner: String!, $name: String!, $head: String!, $dir: String!, $most: Int!" + params.String() + ") { repository(owner: $owner, name: $name) { object(expression: $head) { ... on Commit { history(first: $most, path: $dir) { nodes { " +
		historyFields + fields.String() + " } } } } } }"
	var data struct {
		Repository struct {
			Object *struct {
				History struct{ Nodes []rawRevision }
			}
		}
	}
	if err := c.query(ctx, "read the history of "+dir, doc, vars, &data); err != nil {
		return nil, err
	}
	if data.Repository.Object == nil {
		return nil, fmt.Errorf("%w: read the history of %s", errMoved, dir)
	}
	var out []revision
	for _, n := range data.Repository.Object.History.Nodes {
		r := n.revision
		for i, f := range files {
			if e := n.entries[fmt.Sprintf("f%d", i)]; e != nil && e.Object != nil && e.Object.Text != nil && !e.Object.IsTruncated {
				r.files = append(r.files, bumper.File{Path: f, Data: []byte(*e.Object.Text)})
			}
		}
		out = append(out, r)
	}
	return out, nil
}

// exact is a version with both of its parts, to be compared.
func exact(img bumper.Image) string { return img.Tag + "@" + img.Digest }

// shown is an exact version as people read it.
func shown(version string) string {
	tag, digest, _ := strings.Cut(version, "@")
	if tag != "" {
		return tag
	}
	return digest[:min(len(digest), 19)]
}

// versions are the exact versions of an image in the files of a revision.
func (r revision) versions(image string) []string {
	refs, err := byImage(r.files)
	if err != nil {
		return nil
	}
	var out []string
	for _, ref := range deciding(refs[image]) {
		if v := exact(ref.Image); !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	slices.Sort(out)
	return out
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
