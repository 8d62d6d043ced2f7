package git_test

import (
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source/git"
)

// cutter passes on that many bytes of answers, and then ends each connection in the middle of its answer.
type cutter struct {
	mu            sync.Mutex
	left, carried int
}

func (c *cutter) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		whole := httptest.NewRecorder()
		next.ServeHTTP(whole, r)
		body := whole.Body.Bytes()
		maps.Copy(w.Header(), whole.Header())
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		c.mu.Lock()
		pass := min(c.left, len(body))
		c.left -= pass
		c.carried += pass
		c.mu.Unlock()
		if pass == 0 && len(body) > 0 {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(whole.Code)
		_, _ = w.Write(body[:pass])
		if pass < len(body) {
			panic(http.ErrAbortHandler)
		}
	})
}

// TestCutOffWhileFetching cuts the answers of a real Git server at many bytes. A fetch that was cut off fails, and nothing that is known of the
// server afterwards keeps the next fetch from getting all files.
func TestCutOffWhileFetching(t *testing.T) {
	r := newRepository(t)
	r.write("shop/one.yaml", "first: 1\n")
	r.write("shop/two.yaml", "second: 2\n")
	commit := r.commit("first")
	c := &cutter{}
	server := r.serve(c.wrap)
	fetch := func(left int, known *git.Server, onDemand bool) (string, error) {
		c.mu.Lock()
		c.left, c.carried = left, 0
		c.mu.Unlock()
		repo := git.Repo{URL: server.URL + "/config/.git", Server: known}
		at, err := repo.Poll(t.Context())
		if err != nil {
			return "", err
		}
		var from source.Source = git.Unpacker{Repo: repo}
		if onDemand {
			from = git.OnDemand{Repo: repo, First: []string{"shop/one.yaml", "shop/two.yaml"}}
		}
		tree, err := from.Open(t.Context(), at)
		if err != nil {
			return "", err
		}
		defer tree.Close()
		one, err := fs.ReadFile(tree.Root.FS(), "shop/one.yaml")
		if err != nil {
			return "", err
		}
		two, err := fs.ReadFile(tree.Root.FS(), "shop/two.yaml")
		return at + string(one) + string(two), err
	}
	want := commit + "first: 1\nsecond: 2\n"
	for _, onDemand := range []bool{false, true} {
		if got, err := fetch(1<<30, new(git.Server), onDemand); err != nil || got != want {
			t.Fatalf("%q, %v", got, err)
		}
		all := c.carried
		for i := range 40 {
			at, known := all*i/40, new(git.Server)
			if got, err := fetch(at, known, onDemand); err == nil {
				t.Fatalf("cut off after %d of %d bytes: %q", at, all, got)
			}
			if got, err := fetch(1<<30, known, onDemand); err != nil || got != want {
				t.Fatalf("after it was cut off after %d of %d bytes: %q, %v", at, all, got, err)
			}
		}
	}
}
