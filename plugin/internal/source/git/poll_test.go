package git_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source/git"
)

// traffic counts requests, bytes of answers and connections.
type traffic struct {
	mu        sync.Mutex
	requests  []string
	bytes     int
	addresses map[string]bool
}

func (c *traffic) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		c.mu.Lock()
		c.requests = append(c.requests, req.Method+" "+req.URL.Path)
		if c.addresses == nil {
			c.addresses = map[string]bool{}
		}
		c.addresses[req.RemoteAddr] = true
		c.mu.Unlock()
		next.ServeHTTP(countingWriter{w, c}, req)
	})
}

type countingWriter struct {
	http.ResponseWriter
	traffic *traffic
}

func (w countingWriter) Write(p []byte) (int, error) {
	w.traffic.mu.Lock()
	w.traffic.bytes += len(p)
	w.traffic.mu.Unlock()
	return w.ResponseWriter.Write(p)
}

// since returns the requests since the last call.
func (c *traffic) since() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.requests
	c.requests, c.bytes = nil, 0
	return out
}

func (c *traffic) want(t *testing.T, want ...string) {
	t.Helper()
	if got := c.since(); !slices.Equal(got, want) {
		t.Errorf("requests %q, want %q", got, want)
	}
}

const (
	post = "POST /config/.git/git-upload-pack"
	get  = "GET /config/.git/info/refs"
)

func TestAPollIsOneRequest(t *testing.T) {
	r := newRepository(t)
	first := r.commit("first")
	r.git("tag", "-a", "v1", "-m", "annotated")
	r.git("tag", "light")
	r.git("branch", "both")
	r.git("update-ref", "refs/changes/1", first)
	second := r.commit("second")
	r.git("tag", "both")
	r.git("tag", "-a", "outer", "-m", "tag of a tag", "v1")
	r.git("branch", "feature/x")
	r.git("branch", "feature/x-2", first)
	var c traffic
	server := r.serve(func(next http.Handler) http.Handler { return requireToken(canary)(c.wrap(next)) })
	auth := git.Auth{TokenFile: file(t, canary)}
	for ref, want := range map[string]string{
		"": second, "HEAD": second, "main": second, "v1": first, "light": first, "refs/heads/both": first, "refs/tags/both": second, "outer": first,
		"refs/tags/v1": first, "refs/heads/main": second, "refs/changes/1": first, "changes/1": first, "feature/x": second,
	} {
		if got := poll(t, git.Repo{URL: server.URL + "/config/.git", Ref: ref, Auth: auth}); got != want {
			t.Errorf("ref %q: %s, want %s", ref, got, want)
		}
		c.want(t, post)
	}
	if len(c.addresses) != 1 {
		t.Errorf("%d connections, want one that is kept", len(c.addresses))
	}
	r.git("checkout", "-q", "--detach", first)
	if got := poll(t, git.Repo{URL: server.URL + "/config/.git", Auth: auth}); got != first {
		t.Errorf("detached HEAD: %s", got)
	}
}

func TestAPollOfManyRefsIsSmall(t *testing.T) {
	r := newRepository(t)
	commit := r.commit("first")
	var refs strings.Builder
	fmt.Fprintln(&refs, "# pack-refs with: peeled fully-peeled sorted ")
	for i := range 10_000 {
		fmt.Fprintf(&refs, "%s refs/heads/branch-%05d\n", commit, i)
	}
	fmt.Fprintf(&refs, "%s refs/heads/main\n", commit)
	r.write(".git/packed-refs", refs.String())
	var c traffic
	url := r.serve(c.wrap).URL + "/config/.git"
	if got := poll(t, git.Repo{URL: url, Ref: "main"}); got != commit {
		t.Error(got)
	}
	if c.bytes > 200 {
		t.Errorf("the answer has %d bytes", c.bytes)
	}
	c.want(t, post)
	_, err := git.Repo{URL: url, Ref: "maim"}.Poll(t.Context())
	mustFail(t, err, `ref "maim" not found`, "the repository has: main")
	c.want(t, post, post)
}

func TestRefsThatAreMissingNameNearOnes(t *testing.T) {
	r := newRepository(t)
	var c traffic
	repo := git.Repo{URL: r.serve(c.wrap).URL + "/config/.git"}
	_, err := repo.Poll(t.Context())
	mustFail(t, err, "the repository is empty", "push a first commit")
	r.commit("first")
	r.git("symbolic-ref", "HEAD", "refs/heads/gone")
	c.since()
	_, err = repo.Poll(t.Context())
	mustFail(t, err, "HEAD of the repository points to no commit", "--ref with one of: main")
	c.want(t, post, post)
}

// Servers that do not take the one request are asked what they speak, and that is remembered.
func TestServersThatDoNotTakeOneRequest(t *testing.T) {
	r := newRepository(t)
	r.commit("first")
	r.git("tag", "-a", "v1", "-m", "annotated")
	commit := r.git("rev-parse", "HEAD")
	var mu sync.Mutex
	introduced := false
	for name, tt := range map[string]struct {
		wrap          func(http.Handler) http.Handler
		first, second []string
	}{
		"speaks version 0 only": {func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				req.Header.Del("Git-Protocol")
				next.ServeHTTP(w, req)
			})
		}, []string{post, get}, []string{get}},
		"404 without an introduction": {func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				if introduced = introduced || req.Method == http.MethodGet; !introduced {
					http.NotFound(w, req)
					return
				}
				next.ServeHTTP(w, req)
			})
		}, []string{post, get, post}, []string{get, post}},
		"405":  {onPost(answerWith(405, "text/plain", "GET only")), []string{post, get}, []string{get}},
		"415":  {onPost(answerWith(415, "text/plain", "")), []string{post, get}, []string{get}},
		"501":  {onPost(answerWith(501, "text/plain", "")), []string{post, get}, []string{get}},
		"500":  {onPost(answerWith(500, "text/plain", "")), []string{post, get}, []string{get}},
		"page": {onPost(answerWith(200, "text/html", "<html>")), []string{post, get}, []string{get}},
		"ERR":  {onPost(answerWith(200, "application/x-git-upload-pack-result", "000cERR no\n")), []string{post, get}, []string{get}},
		"NAK":  {onPost(answerWith(200, "application/x-git-upload-pack-result", "0008NAK\n")), []string{post, get}, []string{get}},
		"cut":  {onPost(answerWith(200, "application/x-git-upload-pack-result", "003d"+commit)), []string{post, get}, []string{get}},
		"none": {onPost(answerWith(200, "application/x-git-upload-pack-result", "")), []string{post, get}, []string{get}},
	} {
		t.Run(name, func(t *testing.T) {
			var c traffic
			server := r.serve(func(next http.Handler) http.Handler { return c.wrap(tt.wrap(next)) })
			repo := git.Repo{URL: server.URL + "/config/.git", Ref: "v1", Server: new(git.Server)}
			for _, want := range [][]string{tt.first, tt.second, tt.second} {
				if got := poll(t, repo); got != commit {
					t.Errorf("Poll = %s, want %s", got, commit)
				}
				c.want(t, want...)
			}
			repo.Ref, repo.Server = "v2", nil
			_, err := repo.Poll(t.Context())
			mustFail(t, err, `ref "v2" not found`, "the repository has: v1")
		})
	}
}

// onPost answers POST requests with h, and everything else in version 0.
func onPost(h http.HandlerFunc) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if req.Method == http.MethodPost {
				h(w, req)
				return
			}
			req.Header.Del("Git-Protocol")
			next.ServeHTTP(w, req)
		})
	}
}

func answerWith(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestAPollThatIsRedirectedGoesTheWayOfGit(t *testing.T) {
	r := newRepository(t)
	commit := r.commit("first")
	var c traffic
	server := r.serve(func(next http.Handler) http.Handler {
		next = requireToken(canary)(next)
		return c.wrap(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if rest, ok := strings.CutPrefix(req.URL.String(), "/old/"); ok {
				http.Redirect(w, req, "/config/.git/"+rest, http.StatusTemporaryRedirect)
				return
			}
			next.ServeHTTP(w, req)
		}))
	})
	repo := git.Repo{URL: server.URL + "/old", Auth: git.Auth{TokenFile: file(t, canary)}, Server: new(git.Server)}
	way := []string{"GET /old/info/refs", get, post}
	for _, want := range [][]string{append([]string{"POST /old/git-upload-pack"}, way...), way} {
		if got := poll(t, repo); got != commit {
			t.Error(got)
		}
		c.want(t, want...)
	}
}

// A 401 and a 403 are answers to the question, not to the way it was asked.
func TestARefusedPollIsNotRepeated(t *testing.T) {
	for _, status := range []int{401, 403, 429, 502, 503} {
		var c traffic
		server := httptest.NewServer(c.wrap(answerWith(status, "text/html", "no")))
		defer server.Close()
		_, err := git.Repo{URL: server.URL + "/config/.git"}.Poll(t.Context())
		mustFail(t, err, fmt.Sprint(status))
		c.want(t, post)
	}
}

func TestAnEndlessListOfRefsIsBounded(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-git-upload-pack-result")
		line := strings.Repeat("a", 40) + " refs/heads/" + strings.Repeat("x", 60_000) + "\n"
		for {
			if _, err := fmt.Fprintf(w, "%04x%s", len(line)+4, line); err != nil {
				return
			}
		}
	}))
	defer server.Close()
	_, err := git.Repo{URL: server.URL + "/config/.git", Ref: "main"}.Poll(t.Context())
	mustFail(t, err, "the server's list of refs is longer than", "--max-repo-refs")
}
