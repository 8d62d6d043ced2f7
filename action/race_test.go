package action

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/githubtest"
)

const writers = 20

// fleet is a repository with one file that runs as many images as there are writers.
func fleet(t *testing.T) (*githubtest.Server, *githubtest.Repo) {
	t.Helper()
	hub := githubtest.New(t)
	var b strings.Builder
	b.WriteString("images:\n")
	for i := range writers {
		fmt.Fprintf(&b, "- name: ghcr.io/acme/app%d\n  newTag: 1.0.0\n", i)
	}
	return hub, hub.AddRepo("acme/config", map[string]string{"kustomization.yaml": b.String()}, githubtest.RepoOptions{})
}

// together runs one step for each writer at the same time.
func together(t *testing.T, hub *githubtest.Server, inputs func(i int) map[string]string) []outcome {
	t.Helper()
	out := make([]outcome, writers)
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() { out[i] = runStep(t, hub, inputs(i)) })
	}
	wg.Wait()
	for _, o := range out {
		o.mustSucceed(t)
	}
	return out
}

func TestTwentyDirectCommitsAtOnceLoseNothing(t *testing.T) {
	hub, repo := fleet(t)
	together(t, hub, func(i int) map[string]string {
		return map[string]string{"images": fmt.Sprintf("ghcr.io/acme/app%d=1.0.%d", i, i+1), "pull-request": "false"}
	})
	file := repo.Read("main", "kustomization.yaml")
	for i := range writers {
		if want := fmt.Sprintf("- name: ghcr.io/acme/app%d\n  newTag: 1.0.%d\n", i, i+1); !strings.Contains(file, want) {
			t.Errorf("lost update of app%d", i)
		}
	}
	if n := repo.Commits("main"); n != writers+1 {
		t.Errorf("%d commits, want %d", n, writers+1)
	}
	t.Logf("%d requests for %d commits", len(hub.Requests()), writers)
}

func TestTwentyPullRequestsAtOnceAreTwenty(t *testing.T) {
	hub, repo := fleet(t)
	together(t, hub, func(i int) map[string]string {
		return map[string]string{"images": fmt.Sprintf("ghcr.io/acme/app%d=1.0.%d", i, i+1)}
	})
	if n := len(repo.Open()); n != writers {
		t.Errorf("%d pull requests, want %d", n, writers)
	}
	for _, p := range repo.Open() {
		if n := strings.Count(repo.Read(p.Head, "kustomization.yaml"), "1.0.0"); n != writers-1 {
			t.Errorf("#%d changes %d images", p.Number, writers-n)
		}
	}
}

func TestTwentyRunsForOneImageMakeOnePullRequest(t *testing.T) {
	hub, repo := fleet(t)
	together(t, hub, func(int) map[string]string { return map[string]string{"images": "ghcr.io/acme/app3=1.0.9"} })
	if n := len(repo.Pulls()); n != 1 {
		t.Errorf("%d pull requests, want 1", n)
	}
}

func TestTwentyVersionsOfOneImageEndWithTheNewest(t *testing.T) {
	hub, repo := fleet(t)
	together(t, hub, func(i int) map[string]string {
		return map[string]string{"images": fmt.Sprintf("ghcr.io/acme/app3=1.0.%d", i+1)}
	})
	if n := len(repo.Open()); n != 1 {
		t.Fatalf("%d open pull requests, want 1", n)
	}
	if file := repo.Read(repo.Open()[0].Head, "kustomization.yaml"); !strings.Contains(file, fmt.Sprintf("app3\n  newTag: 1.0.%d\n", writers)) {
		t.Errorf("the newest version lost:\n%s", file)
	}
	if want := fmt.Sprintf("app3 1.0.0 → 1.0.%d", writers); repo.Open()[0].Title != want {
		t.Errorf("title %q, want %q", repo.Open()[0].Title, want)
	}
}

func TestBaseBranchMovesInTheMiddle(t *testing.T) {
	hub, repo := newConfig(t, githubtest.RepoOptions{})
	hub.Before = func(_ int, r *http.Request) *githubtest.Fault {
		if r.Method == http.MethodPatch && strings.Contains(r.URL.Path, "/git/refs/") {
			hub.Before = nil
			// The same line changes meanwhile: a rebase would conflict here.
			repo.Push("main", "in between", map[string]string{prodFile: "# new first line\n" + kustomization("ghcr.io/acme/api", "1.8.0")})
		}
		return nil
	}
	runStep(t, hub, map[string]string{"images": "ghcr.io/acme/api=1.8.2", "pull-request": "false"}).mustSucceed(t)
	if got, want := repo.Read("main", prodFile), "# new first line\n"+kustomization("ghcr.io/acme/api", "1.8.2"); got != want {
		t.Errorf("file:\n%s\nwant:\n%s", got, want)
	}
}

// TestSomethingHappensInTheMiddle lets a person act just before one of the run's requests.
func TestSomethingHappensInTheMiddle(t *testing.T) {
	image := func(tag string) map[string]string { return map[string]string{"images": "ghcr.io/acme/api=" + tag} }
	head := func(repo *githubtest.Repo) string { return repo.Pulls()[0].Head }
	cases := []struct {
		name   string
		method string
		path   string
		open   bool // a pull request is open before
		act    func(*githubtest.Repo)
		number string
	}{
		{"the branch is deleted before it moves", "PATCH", "/git/refs/", true, func(r *githubtest.Repo) { r.DeleteBranch(head(r)) }, "2"},
		{"the pull request is merged before its branch moves", "PATCH", "/git/refs/", true, func(r *githubtest.Repo) { r.Merge(1) }, "2"},
		{"the pull request is closed before its text changes", "PATCH", "/pulls/", true, func(r *githubtest.Repo) { r.Edit(1, func(p *githubtest.Pull) { p.State = "closed" }) }, "2"},
		{"the new branch is deleted before the pull request", "POST", "/pulls", false, func(r *githubtest.Repo) { r.DeleteBranch(r.Branches()[0]) }, "1"},
		{"somebody commits before the branch moves", "PATCH", "/git/refs/", true, func(r *githubtest.Repo) { r.Push(head(r), "mine", map[string]string{"mine.yaml": "a: 1\n"}) }, "2"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			hub, repo := newConfig(t, githubtest.RepoOptions{})
			if c.open {
				runStep(t, hub, image("1.8.2")).mustSucceed(t)
			}
			hub.Before = func(_ int, r *http.Request) *githubtest.Fault {
				if r.Method == c.method && strings.Contains(r.URL.Path, c.path) {
					hub.Before = nil
					c.act(repo)
				}
				return nil
			}
			got := runStep(t, hub, image("1.9.0")).mustSucceed(t)
			got.want(t, map[string]string{"pr-operation": "created", "pr-number": c.number})
			open := repo.Open()
			if p := open[len(open)-1]; repo.Read(p.Head, prodFile) != kustomization("ghcr.io/acme/api", "1.9.0") {
				t.Errorf("file:\n%s", repo.Read(p.Head, prodFile))
			}
			runStep(t, hub, image("1.9.0")).mustSucceed(t).want(t, map[string]string{"changed": "false", "pr-number": c.number})
		})
	}
}

// raceAt lets somebody act once, just before the first request of a kind.
func raceAt(hub *githubtest.Server, method, path string, act func()) func(int, *http.Request) *githubtest.Fault {
	return func(_ int, r *http.Request) *githubtest.Fault {
		if r.Method == method && strings.Contains(r.URL.Path, path) {
			hub.Before = nil
			act()
		}
		return nil
	}
}
