package githubtest

import (
	"net/http"
	"regexp"
	"strings"
)

// call is one REST request with what the handlers need.
type call struct {
	s      *Server
	repo   *Repo
	perm   Permissions
	params map[string]string
	in     map[string]any
	r      *http.Request
}

func (c *call) str(key string) string {
	v, _ := c.in[key].(string)
	return v
}

// route is one operation of GitHub's REST API.
type route struct {
	method   string
	template string // the path as the OpenAPI description writes it
	need     string // "contents=write" and the like
	handle   func(*call) *answer

	pattern *regexp.Regexp
	names   []string
}

const repoPath = "/repos/{owner}/{repo}"

var routes = compile([]route{
	{method: "GET", template: repoPath, handle: (*call).getRepo},
	{method: "GET", template: repoPath + "/git/ref/{ref}", need: "contents=read", handle: (*call).getRef},
	{method: "POST", template: repoPath + "/git/refs", need: "contents=write", handle: (*call).createRef},
	{method: "PATCH", template: repoPath + "/git/refs/{ref}", need: "contents=write", handle: (*call).updateRef},
	{method: "DELETE", template: repoPath + "/git/refs/{ref}", need: "contents=write", handle: (*call).deleteRef},
	{method: "GET", template: repoPath + "/tarball/{ref}", need: "contents=read", handle: (*call).tarball},
	{method: "POST", template: repoPath + "/git/trees", need: "contents=write", handle: (*call).createTree},
	{method: "POST", template: repoPath + "/git/commits", need: "contents=write", handle: (*call).createCommit},
	{method: "GET", template: repoPath + "/compare/{basehead}", need: "contents=read", handle: (*call).compare},
	{method: "POST", template: repoPath + "/statuses/{sha}", need: "statuses=write", handle: (*call).createStatus},
	{method: "GET", template: repoPath + "/pulls", need: "pull_requests=read", handle: (*call).listPulls},
	{method: "POST", template: repoPath + "/pulls", need: "pull_requests=write", handle: (*call).createPull},
	{method: "GET", template: repoPath + "/pulls/{pull_number}", need: "pull_requests=read", handle: (*call).getPull},
	{method: "PATCH", template: repoPath + "/pulls/{pull_number}", need: "pull_requests=write", handle: (*call).updatePull},
	{method: "PUT", template: repoPath + "/pulls/{pull_number}/merge", need: "contents=write", handle: (*call).mergePull},
	{method: "POST", template: repoPath + "/pulls/{pull_number}/requested_reviewers", need: "pull_requests=write", handle: (*call).requestReviewers},
	{method: "PATCH", template: repoPath + "/issues/{issue_number}", need: "pull_requests=write", handle: (*call).updateIssue},
	{method: "POST", template: repoPath + "/issues/{issue_number}/labels", need: "pull_requests=write", handle: (*call).addLabels},
	{method: "POST", template: repoPath + "/issues/{issue_number}/assignees", need: "pull_requests=write", handle: (*call).addAssignees},
	{method: "PATCH", template: repoPath + "/issues/comments/{comment_id}", need: "pull_requests=write", handle: (*call).updateComment},
	{method: "GET", template: repoPath + "/issues/{issue_number}/comments", need: "pull_requests=read", handle: (*call).listComments},
	{method: "POST", template: repoPath + "/issues/{issue_number}/comments", need: "pull_requests=write", handle: (*call).createComment},
})

var placeholder = regexp.MustCompile(`\{(\w+)\}`)

func compile(list []route) []route {
	for i := range list {
		rt := &list[i]
		rt.pattern = regexp.MustCompile("^" + placeholder.ReplaceAllStringFunc(rt.template, func(m string) string {
			name := strings.Trim(m, "{}")
			rt.names = append(rt.names, name)
			if name == "ref" { // a ref spans slashes
				return `(.+)`
			}
			return `([^/]+)`
		}) + "$")
	}
	return list
}

func (rt *route) match(method, path string) (map[string]string, bool) {
	if rt.method != method {
		return nil, false
	}
	m := rt.pattern.FindStringSubmatch(path)
	if m == nil {
		return nil, false
	}
	params := map[string]string{}
	for i, name := range rt.names {
		params[name] = m[i+1]
	}
	return params, true
}

// missing is the permission that perm lacks for this route, in the form GitHub reports it.
func (rt *route) missing(perm Permissions) string {
	if rt.need == "" {
		return ""
	}
	scope, level, _ := strings.Cut(rt.need, "=")
	have := perm.Contents
	switch scope {
	case "pull_requests":
		have = perm.PullRequests
	case "statuses":
		have = perm.Statuses
	}
	if have == "write" || have == level {
		return ""
	}
	return rt.need
}
