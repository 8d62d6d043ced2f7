package githubtest

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

func (r *Repo) pullJSON(p *Pull) map[string]any {
	end := func(branch, sha string) map[string]any {
		return map[string]any{"ref": branch, "label": r.owner() + ":" + branch, "sha": sha, "repo": r.json()}
	}
	var labels, assignees, reviewers, teams []any
	for _, l := range p.Labels {
		labels = append(labels, map[string]any{"name": l})
	}
	for _, a := range p.Assignees {
		assignees = append(assignees, map[string]any{"login": a})
	}
	for _, a := range p.Reviewers {
		reviewers = append(reviewers, map[string]any{"login": a})
	}
	for _, t := range p.Teams {
		teams = append(teams, map[string]any{"slug": t, "name": t})
	}
	return map[string]any{
		"number": p.Number, "node_id": r.pullID(p), "title": p.Title, "body": p.Body, "state": p.State, "draft": p.Draft,
		"merged": p.Merged, "html_url": r.pullURL(p), "user": map[string]any{"login": r.author(p)}, "head": end(p.Head, r.headOf(p)), "base": end(p.Base, r.refs["refs/heads/"+p.Base]),
		"labels": orEmpty(labels), "assignees": orEmpty(assignees), "requested_reviewers": orEmpty(reviewers), "requested_teams": orEmpty(teams),
		"mergeable": nil, "mergeable_state": "unknown", "auto_merge": nil, "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
	}
}

func (r *Repo) author(p *Pull) string { return cmp.Or(p.Author, "gitops[bot]") }

// getPull answers for one pull request: only then does GitHub find out whether it can be merged.
func (c *call) getPull() *answer {
	p := c.pull()
	if p == nil {
		return failure(http.StatusNotFound, "Not Found")
	}
	body, mergeable := c.repo.pullJSON(p), c.repo.mergeability(p)
	if mergeable != "UNKNOWN" {
		body["mergeable"] = mergeable == "MERGEABLE"
	}
	body["mergeable_state"] = strings.ToLower(c.repo.mergeState(p, mergeable))
	return &answer{status: http.StatusOK, body: body}
}

func orEmpty(list []any) []any {
	if list == nil {
		return []any{}
	}
	return list
}

func (r *Repo) pullURL(p *Pull) string {
	return fmt.Sprintf("%s/%s/pull/%d", r.s.URL, r.name, p.Number)
}

func (r *Repo) pullID(p *Pull) string { return fmt.Sprintf("PR_%s_%d", r.name, p.Number) }

func (c *call) pull() *Pull {
	n, err := strconv.Atoi(c.params["pull_number"] + c.params["issue_number"])
	if err != nil || n < 1 || n > len(c.repo.pulls) {
		return nil
	}
	return c.repo.pulls[n-1]
}

func (c *call) listPulls() *answer {
	q := c.r.URL.Query()
	list := []any{}
	for _, p := range c.repo.pulls {
		if state := q.Get("state"); state != "all" && p.State != state && (state != "" || p.State != "open") {
			continue
		}
		if head := q.Get("head"); head != "" && head != c.repo.owner()+":"+p.Head {
			continue
		}
		if base := q.Get("base"); base != "" && base != p.Base {
			continue
		}
		list = append(list, c.repo.pullJSON(p))
	}
	return &answer{status: http.StatusOK, body: list}
}

func (c *call) createPull() *answer {
	if c.perm.NoPullRequestSetting {
		return failure(http.StatusForbidden, "GitHub Actions is not permitted to create or approve pull requests.")
	}
	head, base := c.str("head"), c.str("base")
	headSHA, baseSHA := c.repo.refs["refs/heads/"+head], c.repo.refs["refs/heads/"+base]
	switch {
	case headSHA == "":
		return invalid(map[string]any{"resource": "PullRequest", "field": "head", "code": "invalid"})
	case baseSHA == "":
		return invalid(map[string]any{"resource": "PullRequest", "field": "base", "code": "invalid"})
	case c.repo.store.isAncestor(headSHA, baseSHA):
		return invalid(map[string]any{"resource": "PullRequest", "code": "custom", "message": fmt.Sprintf("No commits between %s and %s", base, head)})
	}
	for _, p := range c.repo.pulls {
		if p.Head == head && p.Base == base && p.State == "open" {
			return invalid(map[string]any{"resource": "PullRequest", "code": "custom",
				"message": fmt.Sprintf("A pull request already exists for %s:%s.", c.repo.owner(), head)})
		}
	}
	if a := tooLong(c.str("title"), c.str("body")); a != nil {
		return a
	}
	draft, _ := c.in["draft"].(bool)
	p := &Pull{Number: len(c.repo.pulls) + 1, Title: c.str("title"), Body: c.str("body"), Head: head, Base: base, State: "open", Draft: draft}
	c.repo.pulls = append(c.repo.pulls, p)
	return &answer{status: http.StatusCreated, body: c.repo.pullJSON(p)}
}

func tooLong(title, body string) *answer {
	if utf8.RuneCountInString(title) > 256 {
		return invalid(map[string]any{"resource": "Issue", "code": "custom", "field": "title", "message": "title is too long (maximum is 256 characters)"})
	}
	if utf8.RuneCountInString(body) > 65536 {
		return invalid(map[string]any{"resource": "Issue", "code": "custom", "field": "body", "message": "body is too long (maximum is 65536 characters)"})
	}
	return nil
}

func (c *call) updatePull() *answer {
	p := c.pull()
	if p == nil {
		return failure(http.StatusNotFound, "Not Found")
	}
	if a := tooLong(c.str("title"), c.str("body")); a != nil {
		return a
	}
	if _, ok := c.in["title"]; ok {
		p.Title = c.str("title")
	}
	if _, ok := c.in["body"]; ok {
		p.Body = c.str("body")
	}
	if state := c.str("state"); state != "" && state != p.State {
		if p.closedAt = ""; state == "closed" {
			p.closedAt = c.repo.headOf(p)
		}
		p.State = state
	}
	return &answer{status: http.StatusOK, body: c.repo.pullJSON(p)}
}

func (c *call) strings(key string) []string {
	list, _ := c.in[key].([]any)
	var out []string
	for _, v := range list {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

func union(a, b []string) []string {
	for _, s := range b {
		if !slices.Contains(a, s) {
			a = append(a, s)
		}
	}
	return a
}

// stranger tells who can neither be asked for a review nor be assigned.
func stranger(known []string) func(string) bool {
	return func(name string) bool {
		return known == nil && name == "nobody" || known != nil && !slices.Contains(known, name)
	}
}

// requestReviewers asks all or nobody: one name that cannot be asked is enough for a refusal.
func (c *call) requestReviewers() *answer {
	p := c.pull()
	if p == nil {
		return failure(http.StatusNotFound, "Not Found")
	}
	if c.perm.NoTeams && len(c.strings("team_reviewers")) > 0 {
		return failure(http.StatusUnprocessableEntity, "Could not resolve to a node with the global id of 'T_kw'.")
	}
	if slices.Contains(c.strings("reviewers"), c.repo.author(p)) {
		return failure(http.StatusUnprocessableEntity, "Review cannot be requested from pull request author.")
	}
	o := c.repo.options
	if slices.ContainsFunc(c.strings("reviewers"), stranger(o.Collaborators)) || slices.ContainsFunc(c.strings("team_reviewers"), stranger(o.Teams)) {
		return failure(http.StatusUnprocessableEntity, "Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator of the %s repository.", c.repo.name)
	}
	p.Reviewers = union(p.Reviewers, c.strings("reviewers"))
	p.Teams = union(p.Teams, c.strings("team_reviewers"))
	return &answer{status: http.StatusCreated, body: c.repo.pullJSON(p)}
}

func (c *call) updateIssue() *answer {
	p := c.pull()
	if p == nil {
		return failure(http.StatusNotFound, "Not Found")
	}
	if a := longLabel(c.strings("labels")); a != nil {
		return a
	}
	for _, name := range c.strings("assignees") {
		if stranger(c.repo.options.Collaborators)(name) {
			return invalid(map[string]any{"resource": "Issue", "field": "assignees", "code": "invalid", "value": name})
		}
	}
	if _, ok := c.in["labels"]; ok {
		p.Labels = c.strings("labels")
	}
	if _, ok := c.in["assignees"]; ok {
		p.Assignees = c.strings("assignees")
	}
	return &answer{status: http.StatusOK, body: c.repo.issueJSON(p)}
}

func (r *Repo) issueJSON(p *Pull) map[string]any {
	full := r.pullJSON(p)
	return map[string]any{"number": p.Number, "title": p.Title, "body": p.Body, "state": p.State, "labels": full["labels"], "assignees": full["assignees"]}
}

func (c *call) addLabels() *answer {
	p := c.pull()
	if p == nil {
		return failure(http.StatusNotFound, "Not Found")
	}
	if a := longLabel(c.strings("labels")); a != nil {
		return a
	}
	p.Labels = union(p.Labels, c.strings("labels"))
	return &answer{status: http.StatusOK, body: c.repo.pullJSON(p)["labels"]}
}

func longLabel(names []string) *answer {
	for _, name := range names {
		if utf8.RuneCountInString(name) > 50 {
			return invalid(map[string]any{"resource": "Label", "field": "name", "code": "custom", "message": "name is too long (maximum is 50 characters)"})
		}
	}
	return nil
}

// addAssignees assigns those who can be assigned, and does not mention the others.
func (c *call) addAssignees() *answer {
	p := c.pull()
	if p == nil {
		return failure(http.StatusNotFound, "Not Found")
	}
	can := slices.DeleteFunc(c.strings("assignees"), stranger(c.repo.options.Collaborators))
	p.Assignees = union(p.Assignees, can)
	return &answer{status: http.StatusCreated, body: c.repo.issueJSON(p)}
}

func (c *call) listComments() *answer {
	p := c.pull()
	if p == nil {
		return failure(http.StatusNotFound, "Not Found")
	}
	list := []any{}
	for _, body := range p.Comments {
		list = append(list, map[string]any{"body": body})
	}
	return &answer{status: http.StatusOK, body: list}
}

// commentID names a comment of a pull request; updateComment finds it again.
func commentID(number, index int) int { return number*1000 + index }

func (c *call) updateComment() *answer {
	id, err := strconv.Atoi(c.params["comment_id"])
	number, index := id/1000, id%1000
	if err != nil || number < 1 || number > len(c.repo.pulls) || index >= len(c.repo.pulls[number-1].Comments) {
		return failure(http.StatusNotFound, "Not Found")
	}
	c.repo.pulls[number-1].Comments[index] = c.str("body")
	return &answer{status: http.StatusOK, body: map[string]any{"id": id, "body": c.str("body")}}
}

func (c *call) createComment() *answer {
	p := c.pull()
	if p == nil {
		return failure(http.StatusNotFound, "Not Found")
	}
	p.Comments = append(p.Comments, c.str("body"))
	return &answer{status: http.StatusCreated, body: map[string]any{"body": c.str("body")}}
}
