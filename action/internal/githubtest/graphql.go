package githubtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

// gqlError is one entry of a GraphQL answer's errors; GitHub sends them with status 200.
type gqlError struct{ kind, message, path string }

func (e gqlError) json() map[string]any {
	return map[string]any{"type": e.kind, "message": e.message, "path": []any{e.path}}
}

// lazy is a field that takes arguments.
type lazy func(args map[string]any) (any, *gqlError)

func (s *Server) graphql(r *http.Request, body []byte, perm Permissions) *answer {
	var in struct {
		Query     string         `json:"query"`
		Variables map[string]any `json:"variables"`
	}
	if r.Method != http.MethodPost || json.Unmarshal(body, &in) != nil {
		return failure(http.StatusBadRequest, "Problems parsing JSON")
	}
	doc := s.desc.checkQuery(s.tb, in.Query, in.Variables)
	if doc == nil {
		var err error
		if doc, err = parser.ParseQuery(&ast.Source{Input: in.Query}); err != nil {
			s.tb.Errorf("githubtest: GraphQL: %v", err)
			return failure(http.StatusBadRequest, "Problems parsing GraphQL")
		}
	}
	op := doc.Operations[0]
	x := &execution{s: s, doc: doc, vars: in.Variables}
	root := s.queryRoot(perm)
	if op.Operation == ast.Mutation {
		root = s.mutationRoot(perm)
	}
	data := x.object(root, op.SelectionSet)
	out := map[string]any{"data": data}
	if len(x.errs) > 0 {
		out["errors"] = x.errs
	}
	return &answer{status: http.StatusOK, body: out}
}

// execution evaluates one document over plain maps.
type execution struct {
	s    *Server
	doc  *ast.QueryDocument
	vars map[string]any
	errs []any
}

func (x *execution) object(obj map[string]any, set ast.SelectionSet) map[string]any {
	out := map[string]any{}
	x.collect(obj, set, out)
	return out
}

func (x *execution) collect(obj map[string]any, set ast.SelectionSet, out map[string]any) {
	for _, sel := range set {
		switch sel := sel.(type) {
		case *ast.Field:
			if x.included(sel.Directives) {
				out[sel.Alias] = x.field(obj, sel)
			}
		case *ast.FragmentSpread:
			x.collect(obj, x.doc.Fragments.ForName(sel.Name).SelectionSet, out)
		case *ast.InlineFragment:
			if sel.TypeCondition == obj["__typename"] {
				x.collect(obj, sel.SelectionSet, out)
			}
		}
	}
}

func (x *execution) included(list ast.DirectiveList) bool {
	for _, d := range list {
		on, _ := x.value(d.Arguments.ForName("if").Value).(bool)
		if on != (d.Name == "include") {
			return false
		}
	}
	return true
}

func (x *execution) value(v *ast.Value) any {
	out, err := v.Value(x.vars)
	if err != nil {
		x.s.tb.Errorf("githubtest: GraphQL value: %v", err)
	}
	return out
}

func (x *execution) field(obj map[string]any, f *ast.Field) any {
	v, ok := obj[f.Name]
	if !ok {
		x.s.tb.Errorf("githubtest: GraphQL field %q is not implemented", f.Name)
		return nil
	}
	if call, ok := v.(lazy); ok {
		args := map[string]any{}
		for _, a := range f.Arguments {
			args[a.Name] = x.value(a.Value)
		}
		var err *gqlError
		if v, err = call(args); err != nil {
			x.errs = append(x.errs, err.json())
		}
	}
	out := x.complete(v, f)
	if out == nil && f.Definition != nil && f.Definition.Type.NonNull && len(x.errs) == 0 {
		x.s.tb.Errorf("githubtest: GraphQL field %s.%s must not be null", f.ObjectDefinition.Name, f.Name)
	}
	return out
}

func (x *execution) complete(v any, f *ast.Field) any {
	switch v := v.(type) {
	case map[string]any:
		if v == nil {
			return nil
		}
		return x.object(v, f.SelectionSet)
	case []any:
		list := []any{}
		for _, e := range v {
			list = append(list, x.complete(e, f))
		}
		return list
	}
	return v
}

func (s *Server) queryRoot(perm Permissions) map[string]any {
	return map[string]any{"repository": lazy(func(args map[string]any) (any, *gqlError) {
		name := fmt.Sprintf("%v/%v", args["owner"], args["name"])
		repo := s.visible(name, perm)
		if repo == nil {
			return nil, &gqlError{"NOT_FOUND", fmt.Sprintf("Could not resolve to a Repository with the name '%s'.", name), "repository"}
		}
		return repo.graph(perm), nil
	})}
}

func (r *Repo) graph(perm Permissions) map[string]any {
	return map[string]any{
		"__typename": "Repository", "id": "R_" + r.name, "nameWithOwner": r.name, "url": r.s.URL + "/" + r.name, "isArchived": false,
		"defaultBranchRef": orNil(r.refGraph("refs/heads/" + r.options.DefaultBranch)),
		"ref": lazy(func(args map[string]any) (any, *gqlError) {
			if perm.Contents == "" {
				return nil, &gqlError{"FORBIDDEN", "Resource not accessible by integration", "ref"}
			}
			return orNil(r.refGraph(fmt.Sprint(args["qualifiedName"]))), nil
		}),
		"object": lazy(func(args map[string]any) (any, *gqlError) {
			if perm.Contents == "" {
				return nil, &gqlError{"FORBIDDEN", "Resource not accessible by integration", "object"}
			}
			return r.object(fmt.Sprint(args["expression"]), perm), nil
		}),
		"pullRequest": lazy(func(args map[string]any) (any, *gqlError) {
			if perm.PullRequests == "" {
				return nil, &gqlError{"FORBIDDEN", "Resource not accessible by integration", "pullRequest"}
			}
			n, _ := args["number"].(float64)
			if n < 1 || int(n) > len(r.pulls) {
				return nil, &gqlError{"NOT_FOUND", fmt.Sprintf("Could not resolve to a PullRequest with the number of %v.", n), "pullRequest"}
			}
			return r.mergedGraph(r.pulls[int(n)-1], perm), nil
		}),
		"pullRequests": lazy(func(args map[string]any) (any, *gqlError) {
			if perm.PullRequests == "" {
				return nil, &gqlError{"FORBIDDEN", "Resource not accessible by integration", "pullRequests"}
			}
			return r.pullPage(args), nil
		}),
	}
}

// orNil keeps a nil map from becoming a non-nil interface.
func orNil(m map[string]any) any {
	if m == nil {
		return nil
	}
	return m
}

func (r *Repo) refGraph(ref string) map[string]any {
	c := r.store.commits[r.refs[ref]]
	if c == nil {
		return nil
	}
	var parents []any
	for _, p := range c.Parents {
		before := r.store.commits[p]
		parents = append(parents, map[string]any{"__typename": "Commit", "oid": p, "message": before.Message, "tree": map[string]any{"oid": before.Tree}})
	}
	return map[string]any{"__typename": "Ref", "name": strings.TrimPrefix(ref, "refs/heads/"),
		"target": map[string]any{"__typename": "Commit", "oid": c.SHA, "message": c.Message, "committedDate": c.Date.Format(time.RFC3339),
			"tree": map[string]any{"oid": c.Tree}, "parents": lazy(func(map[string]any) (any, *gqlError) {
				return map[string]any{"nodes": orEmpty(parents)}, nil
			})}}
}

// pullPage is one page of pull requests, newest first. The cursor is the number of the last one.
func (r *Repo) pullPage(args map[string]any) map[string]any {
	limit, _ := args["first"].(int64)
	if limit == 0 {
		limit = 100
	}
	after, nodes, more, cursor := 0, []any{}, false, ""
	if s, _ := args["after"].(string); s != "" {
		_, _ = fmt.Sscan(s, &after)
	}
	states, _ := args["states"].([]any)
	for i := len(r.pulls) - 1; i >= 0; i-- {
		p := r.pulls[i]
		if !slices.Contains(states, any(p.state())) || args["headRefName"] != nil && args["headRefName"] != p.Head || (after > 0 && p.Number >= after) {
			continue
		}
		if int64(len(nodes)) == limit {
			more = true
			break
		}
		nodes, cursor = append(nodes, r.pullGraph(p)), fmt.Sprint(p.Number)
	}
	return map[string]any{"nodes": nodes, "pageInfo": map[string]any{"hasNextPage": more, "endCursor": cursor}}
}

// state is GraphQL's word for how a pull request is doing.
func (p *Pull) state() string {
	if p.Merged {
		return "MERGED"
	}
	return strings.ToUpper(p.State)
}

func (r *Repo) pullGraph(p *Pull) map[string]any {
	names := func(list []string, key string) lazy {
		return func(map[string]any) (any, *gqlError) {
			nodes := []any{}
			for _, n := range list {
				nodes = append(nodes, map[string]any{key: n})
			}
			return map[string]any{"nodes": nodes}, nil
		}
	}
	var auto any
	if p.AutoMerge != "" {
		auto = map[string]any{"enabledAt": "2026-01-01T00:00:00Z", "enabledBy": map[string]any{"login": r.author(p)}}
	}
	return map[string]any{
		"__typename": "PullRequest", "id": r.pullID(p), "number": p.Number, "url": r.pullURL(p), "title": p.Title, "body": p.Body,
		"isDraft": p.Draft, "state": p.state(), "headRefOid": r.headOf(p), "author": map[string]any{"login": r.author(p)}, "viewerDidAuthor": p.Author == "",
		"mergeable": lazy(func(map[string]any) (any, *gqlError) { return r.mergeability(p), nil }),
		"comments":  comments(p), "baseRefName": p.Base, "headRefName": p.Head, "isCrossRepository": p.Fork, "autoMergeRequest": auto,
		"labels":         names(p.Labels, "name"),
		"reviewRequests": count(len(p.Reviewers) + len(p.Teams)), "latestReviews": r.reviews(p), "latestOpinionatedReviews": r.reviews(p), "merged": p.Merged,
		"assignees": names(p.Assignees, "login"), "headRef": orNil(r.refGraph("refs/heads/" + p.Head)),
	}
}

// mergedGraph is a pull request with how it was merged.
func (r *Repo) mergedGraph(p *Pull, perm Permissions) map[string]any {
	out := r.pullGraph(p)
	out["commits"], out["mergeCommit"] = count(p.commits), any(nil)
	out["baseRefOid"] = r.refs["refs/heads/"+p.Base]
	if c := r.store.commits[p.mergeCommit]; c != nil {
		out["mergeCommit"] = r.commitGraph(c, perm)
	}
	return out
}

func comments(p *Pull) lazy {
	return func(map[string]any) (any, *gqlError) {
		nodes := []any{}
		for _, body := range p.ForeignComments {
			nodes = append(nodes, map[string]any{"databaseId": 1, "body": body, "viewerDidAuthor": false})
		}
		for i, body := range p.Comments {
			nodes = append(nodes, map[string]any{"databaseId": commentID(p.Number, i), "body": body, "viewerDidAuthor": true})
		}
		return map[string]any{"nodes": nodes}, nil
	}
}

func (r *Repo) reviews(p *Pull) lazy {
	return func(map[string]any) (any, *gqlError) {
		nodes := []any{}
		for _, who := range p.Approvers {
			at := p.ApprovedAt
			if at == "" {
				at = r.headOf(p)
			}
			nodes = append(nodes, map[string]any{"state": "APPROVED", "author": map[string]any{"login": who}, "commit": map[string]any{"oid": at}})
		}
		return map[string]any{"totalCount": p.Reviews + len(p.Approvers), "nodes": nodes}, nil
	}
}

func count(n int) lazy {
	return func(map[string]any) (any, *gqlError) { return map[string]any{"totalCount": n}, nil }
}

func (s *Server) mutationRoot(perm Permissions) map[string]any {
	return map[string]any{
		"enablePullRequestAutoMerge":    lazy(func(args map[string]any) (any, *gqlError) { return s.enableAutoMerge(args, perm) }),
		"disablePullRequestAutoMerge":   lazy(func(args map[string]any) (any, *gqlError) { return s.disableAutoMerge(args, perm) }),
		"updateRefs":                    lazy(func(args map[string]any) (any, *gqlError) { return s.updateRefs(args, perm) }),
		"convertPullRequestToDraft":     lazy(func(args map[string]any) (any, *gqlError) { return s.setDraft(args, perm, true) }),
		"markPullRequestReadyForReview": lazy(func(args map[string]any) (any, *gqlError) { return s.setDraft(args, perm, false) }),
		"enqueuePullRequest": lazy(func(args map[string]any) (any, *gqlError) {
			in, _ := args["input"].(map[string]any)
			_, p := s.pullByID(fmt.Sprint(in["pullRequestId"]))
			if p == nil {
				return nil, &gqlError{"NOT_FOUND", "Could not resolve to a node", "enqueuePullRequest"}
			}
			p.AutoMerge = "QUEUE"
			return map[string]any{"mergeQueueEntry": map[string]any{"position": 1}}, nil
		}),
	}
}

func (s *Server) pullByID(id string) (*Repo, *Pull) {
	for _, r := range s.repos {
		for _, p := range r.pulls {
			if r.pullID(p) == id {
				return r, p
			}
		}
	}
	return nil, nil
}

func (s *Server) enableAutoMerge(args map[string]any, perm Permissions) (any, *gqlError) {
	const path = "enablePullRequestAutoMerge"
	in, _ := args["input"].(map[string]any)
	r, p := s.pullByID(fmt.Sprint(in["pullRequestId"]))
	switch {
	case p == nil:
		return nil, &gqlError{"NOT_FOUND", "Could not resolve to a node with the global id", path}
	case perm.PullRequests != "write" || perm.Contents != "write":
		return nil, &gqlError{"FORBIDDEN", "Resource not accessible by integration", path}
	case p.State != "open":
		return nil, &gqlError{"UNPROCESSABLE", "Pull request is closed", path}
	case len(r.conflicts(p)) > 0:
		return nil, &gqlError{"UNPROCESSABLE", "Pull request Pull request is in dirty status", path}
	case r.options.MergeState == "CLEAN":
		return nil, &gqlError{"UNPROCESSABLE", "Pull request Pull request is in clean status", path}
	case r.options.MergeState == "UNSTABLE":
		return nil, &gqlError{"UNPROCESSABLE", "Pull request Pull request is in unstable status", path}
	case !r.options.AutoMerge:
		return nil, &gqlError{"UNPROCESSABLE", "Pull request Auto merge is not allowed for this repository", path}
	case in["expectedHeadOid"] != nil && in["expectedHeadOid"] != r.headOf(p):
		return nil, &gqlError{"UNPROCESSABLE", "Expected head OID does not match", path}
	}
	p.AutoMerge, _ = in["mergeMethod"].(string)
	p.mergeTitle, _ = in["commitHeadline"].(string)
	p.mergeText, _ = in["commitBody"].(string)
	return map[string]any{"pullRequest": r.pullGraph(p)}, nil
}

// pullToChange is the pull request that a mutation at path is about, for a token that may change it.
func (s *Server) pullToChange(args map[string]any, perm Permissions, path string) (*Repo, *Pull, *gqlError) {
	in, _ := args["input"].(map[string]any)
	r, p := s.pullByID(fmt.Sprint(in["pullRequestId"]))
	switch {
	case p == nil:
		return nil, nil, &gqlError{"NOT_FOUND", "Could not resolve to a node with the global id", path}
	case perm.PullRequests != "write":
		return nil, nil, &gqlError{"FORBIDDEN", "Resource not accessible by integration", path}
	}
	return r, p, nil
}

func (s *Server) disableAutoMerge(args map[string]any, perm Permissions) (any, *gqlError) {
	r, p, err := s.pullToChange(args, perm, "disablePullRequestAutoMerge")
	if err != nil {
		return nil, err
	}
	p.AutoMerge = ""
	return map[string]any{"pullRequest": r.pullGraph(p)}, nil
}

func (s *Server) setDraft(args map[string]any, perm Permissions, draft bool) (any, *gqlError) {
	r, p, err := s.pullToChange(args, perm, "convertPullRequestToDraft")
	if err != nil {
		return nil, err
	}
	p.Draft = draft
	return map[string]any{"pullRequest": r.pullGraph(p)}, nil
}
