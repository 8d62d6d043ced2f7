// Package githubtest is a GitHub for tests: one HTTP server with repositories, refs, commits,
// trees, tarballs, pull requests and the GraphQL calls the action makes, all in memory.
//
// Every request and every response is checked against GitHub's own OpenAPI description and GraphQL
// schema (see description.go), so a test fails when either side says something GitHub would not.
// It answers with GitHub's status codes and messages: a ref update that is not a fast forward is
// refused, a second pull request for one branch is refused, a missing permission is a 403.
//
// It is not a complete GitHub: what the action does not call answers 501 and fails the test.
package githubtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// Permissions is what one token may do.
type Permissions struct {
	Contents     string // "", "read" or "write"
	PullRequests string // "", "read" or "write"
	Statuses     string // of commit statuses and check runs: "", "read" or "write"
	// Repos limits the token to these "owner/name"; nil means all.
	Repos []string
	// NoPullRequestSetting refuses to open pull requests, as the repository setting "Allow GitHub
	// Actions to create and approve pull requests" does when it is off.
	NoPullRequestSetting bool
	// NoTeams refuses team reviewers, as GitHub does for GITHUB_TOKEN.
	NoTeams bool
}

// Request is one API request the server received.
type Request struct {
	Method string
	Path   string // without the /api/v3 prefix
	Status int
	Body   string
	Header http.Header
}

// String is "POST /repos/o/r/pulls 201".
func (r Request) String() string { return fmt.Sprintf("%s %s %d", r.Method, r.Path, r.Status) }

// Fault is what to do to one request instead of answering it properly.
type Fault struct {
	Status int         // answer with this status and never execute the request
	Header http.Header // added to that answer
	Body   string
	// Lost executes the request and then closes the connection without an answer.
	Lost bool
}

// Server is a running GitHub double.
type Server struct {
	// URL is the root; the REST API is served at URL and URL+"/api/v3", GraphQL at URL+"/graphql"
	// and URL+"/api/graphql".
	URL string
	// Before, when set, sees each API request before it is executed, with its index from zero, and may
	// return a fault. It runs without the server's lock, so it may change repositories (a race).
	Before func(n int, r *http.Request) *Fault
	// After, when set, is called after each API request that may have changed something, before its answer is sent.
	After func()
	// ArchiveFilter, when set, rewrites files in tarballs as git archive does for some .gitattributes.
	ArchiveFilter func(path, data string) string
	// ArchiveOmits is a file that tarballs leave out, as export-ignore in .gitattributes does.
	ArchiveOmits string

	tb     testing.TB
	http   *httptest.Server
	mu     sync.Mutex
	repos  map[string]*Repo
	tokens map[string]Permissions
	log    []Request
	count  int
	desc   *description
}

// Token is the token that New accepts.
const Token = "ghs_token-of-the-tests"

// New starts a server that is closed with the test. The token Token may do everything.
func New(tb testing.TB) *Server {
	tb.Helper()
	s := &Server{tb: tb, repos: map[string]*Repo{}, tokens: map[string]Permissions{}, desc: loaded()}
	s.tokens[Token] = Permissions{Contents: "write", PullRequests: "write", Statuses: "write"}
	s.http = httptest.NewServer(http.HandlerFunc(s.serve))
	s.URL = s.http.URL
	tb.Cleanup(s.http.Close)
	return s
}

// Validated says whether requests and responses are checked against GitHub's description.
func (s *Server) Validated() bool { return s.desc != nil }

// SetToken defines what a token may do.
func (s *Server) SetToken(token string, p Permissions) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens[token] = p
}

// Requests are the API requests so far. Downloads from the tarball host are not API requests.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.log...)
}

// Writes are the requests so far that asked to change something.
func (s *Server) Writes() []Request {
	var out []Request
	for _, r := range s.Requests() {
		if r.Method != http.MethodGet && !(strings.HasSuffix(r.Path, "/graphql") && !strings.Contains(r.Body, "mutation")) {
			out = append(out, r)
		}
	}
	return out
}

// ResetRequests forgets the log and restarts the request index.
func (s *Server) ResetRequests() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log, s.count = nil, 0
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/codeload/") {
		s.codeload(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	s.mu.Lock()
	n := s.count
	s.count++
	s.mu.Unlock()
	lost := false
	if s.Before != nil {
		if f := s.Before(n, r); f != nil {
			if !f.Lost {
				s.refuse(w, r, string(body), f)
				return
			}
			lost = true
		}
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	a := s.answer(r, body)
	s.record(r, string(body), a.status)
	if s.After != nil && r.Method != http.MethodGet {
		s.After()
	}
	if lost {
		panic(http.ErrAbortHandler) // net/http's documented way to drop a connection
	}
	a.write(w)
}

func (s *Server) refuse(w http.ResponseWriter, r *http.Request, body string, f *Fault) {
	s.record(r, body, f.Status)
	for k, v := range f.Header {
		w.Header()[k] = v
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(f.Status)
	_, _ = io.WriteString(w, f.Body)
}

func (s *Server) record(r *http.Request, body string, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, Request{Method: r.Method, Path: apiPath(r), Status: status, Body: body, Header: r.Header.Clone()})
}

func apiPath(r *http.Request) string {
	return strings.TrimPrefix(r.URL.Path, "/api/v3")
}

// answer is a response before it is written, so that it can be checked first.
type answer struct {
	status int
	header http.Header
	body   any
}

func (a *answer) write(w http.ResponseWriter) {
	for k, v := range a.header {
		w.Header()[k] = v
	}
	if a.body == nil {
		w.WriteHeader(a.status)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(a.status)
	_ = json.NewEncoder(w).Encode(a.body)
}

// failure is GitHub's error body.
func failure(status int, format string, args ...any) *answer {
	body := map[string]any{
		"message":           fmt.Sprintf(format, args...),
		"documentation_url": "https://docs.github.com/rest",
		"status":            fmt.Sprint(status),
	}
	return &answer{status: status, body: body}
}

// invalid is a 422 with an error list.
func invalid(errs ...map[string]any) *answer {
	a := failure(http.StatusUnprocessableEntity, "Validation Failed")
	list := make([]any, 0, len(errs))
	for _, e := range errs {
		list = append(list, e)
	}
	a.body.(map[string]any)["errors"] = list
	return a
}

func (s *Server) answer(r *http.Request, body []byte) *answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	perm, ok := s.tokens[bearer(r)]
	if !ok {
		return failure(http.StatusUnauthorized, "Bad credentials")
	}
	path := apiPath(r)
	if path == "/graphql" || path == "/api/graphql" {
		return s.graphql(r, body, perm)
	}
	for i := range routes {
		rt := &routes[i]
		params, ok := rt.match(r.Method, path)
		if !ok {
			continue
		}
		s.desc.checkRequest(s.tb, rt, r, body, params)
		a := s.execute(rt, r, body, params, perm)
		if a.status != http.StatusUnauthorized && a.status != http.StatusForbidden {
			a.body = s.desc.checkResponse(s.tb, rt, r, a)
		}
		return a
	}
	s.tb.Errorf("githubtest: %s %s is not implemented", r.Method, path)
	return failure(http.StatusNotImplemented, "not implemented")
}

func (s *Server) execute(rt *route, r *http.Request, body []byte, params map[string]string, perm Permissions) *answer {
	repo := s.visible(params["owner"]+"/"+params["repo"], perm)
	if repo == nil {
		return failure(http.StatusNotFound, "Not Found")
	}
	if missing := rt.missing(perm); missing != "" {
		a := failure(http.StatusForbidden, "Resource not accessible by integration")
		a.header = http.Header{"X-Accepted-Github-Permissions": {missing}}
		return a
	}
	in := map[string]any{}
	if len(body) > 0 {
		if err := json.Unmarshal(body, &in); err != nil {
			return failure(http.StatusBadRequest, "Problems parsing JSON")
		}
	}
	return rt.handle(&call{s: s, repo: repo, perm: perm, params: params, in: in, r: r})
}

func (s *Server) visible(name string, perm Permissions) *Repo {
	repo := s.repos[strings.ToLower(name)]
	if repo == nil || perm.Repos == nil {
		return repo
	}
	for _, n := range perm.Repos {
		if strings.EqualFold(n, name) {
			return repo
		}
	}
	return nil
}

func bearer(r *http.Request) string {
	_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return token
}
