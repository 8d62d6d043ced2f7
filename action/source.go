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

// textAt is a file of a commit, "" when there is none.
func (c *client) textAt(ctx context.Context, commit, name string) (string, error) {
	var data struct {
		Repository *struct{ Object *struct{ Text *string } }
	}
	vars := map[string]any{"owner": c.owner, "name": c.name, "file": commit + ":" + name}
	err := c.query(ctx, "read "+name, promotionQuery, vars, &data)
	if err != nil || data.Repository == nil || data.Repository.Object == nil || data.Repository.Object.Text == nil {
		return "", err
	}
	return *data.Repository.Object.Text, nil
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

	files  []bumper.File
	beside []bumper.File // files of today that may say what the values of files are for
}

// images are the references in the files of the revision, by image.
func (r revision) images() (map[string][]bumper.Reference, error) {
	return byImage(r.files, r.beside...)
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

// revisions reads the newest commits that touch a directory or a file, up to head, with the contents of files in each.
func (c *client) revisions(ctx context.Context, head, dir string, files []string, most int) ([]revision, error) {
	out, err := c.histories(ctx, head, []strand{{from: dir, carriers: files}}, most)
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

// maxHistories is how many histories one request asks for.
const maxHistories = 10

// histories reads the newest commits that touch the source of each strand, up to head, with the contents of its carriers in each.
func (c *client) histories(ctx context.Context, head string, strands []strand, most int) ([][]revision, error) {
	var out [][]revision
	for list := range slices.Chunk(strands, maxHistories) {
		some, err := c.someHistories(ctx, head, list, most)
		if err != nil {
			return nil, err
		}
		out = append(out, some...)
	}
	return out, nil
}

func (c *client) someHistories(ctx context.Context, head string, strands []strand, most int) ([][]revision, error) {
	var params, fields strings.Builder
	vars := map[string]any{"owner": c.owner, "name": c.name, "head": head, "most": most}
	for i, s := range strands {
		fmt.Fprintf(&params, ", $dir%d: String!", i)
		fmt.Fprintf(&fields, " h%d: history(first: $most, path: $dir%d) { nodes { %s", i, i, historyFields)
		vars[fmt.Sprintf("dir%d", i)] = s.from
		for j, f := range s.carriers[:min(len(s.carriers), maxCarriers)] {
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
	what := "read the history of " + strands[0].from
	if err := c.query(ctx, what, doc, vars, &data); err != nil {
		return nil, err
	}
	if data.Repository.Object == nil {
		return nil, fmt.Errorf("%w: %s", errMoved, what)
	}
	out := make([][]revision, len(strands))
	for i, s := range strands {
		for _, n := range data.Repository.Object[fmt.Sprintf("h%d", i)].Nodes {
			out[i] = append(out[i], n.with(s.carriers, s.beside))
		}
	}
	return out, nil
}

// with is the revision with the contents of the files that were asked for.
func (n rawRevision) with(files []string, beside []bumper.File) revision {
	r := n.revision
	r.beside = beside
	for i, f := range files {
		if e := n.entries[fmt.Sprintf("f%d", i)]; e != nil && e.Object != nil && e.Object.Text != nil && !e.Object.IsTruncated {
			r.files = append(r.files, bumper.File{Path: f, Data: []byte(*e.Object.Text)})
		}
	}
	return r
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
	refs, err := r.images()
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
