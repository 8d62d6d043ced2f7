package action

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/githubtest"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/promotion"
)

// scenario is a run whose requests fail one after the other.
type scenario struct {
	name    string
	options githubtest.RepoOptions
	before  func(t *testing.T, hub *githubtest.Server, repo *githubtest.Repo)
	inputs  map[string]string
}

func scenarios() []scenario {
	image := func(tag string) string { return "ghcr.io/acme/api=" + tag }
	opened := func(t *testing.T, hub *githubtest.Server, _ *githubtest.Repo) {
		runStep(t, hub, map[string]string{"images": image("1.8.2")}).mustSucceed(t)
	}
	return []scenario{
		{"open", githubtest.RepoOptions{AutoMerge: true}, nil, map[string]string{"images": image("1.8.2"), "labels": "deploy", "assignees": "ada", "reviewers": "grace", "auto-merge": "squash"}},
		{"update", githubtest.RepoOptions{}, opened, map[string]string{"images": image("1.9.0"), "labels": "deploy", "assignees": "ada", "reviewers": "grace"}},
		{"supersede", githubtest.RepoOptions{}, opened, map[string]string{"images": image("1.9.0"), "branch": "other"}},
		{"close", githubtest.RepoOptions{}, func(t *testing.T, hub *githubtest.Server, repo *githubtest.Repo) {
			opened(t, hub, repo)
			repo.Push("main", "by hand", map[string]string{prodFile: kustomization("ghcr.io/acme/api", "1.8.2")})
		}, map[string]string{"images": image("1.8.2")}},
		{"merge at once", githubtest.RepoOptions{MergeState: "CLEAN"}, nil, map[string]string{"images": image("1.8.2"), "auto-merge": "merge"}},
		{"promote", githubtest.RepoOptions{AutoMerge: true}, func(_ *testing.T, _ *githubtest.Server, repo *githubtest.Repo) {
			c := repo.Push("main", "staging", map[string]string{stagingFile: kustomization("ghcr.io/acme/api", "1.9.0"), promotion.FilePath: "apiVersion: kubectl-gitops.dev/v1alpha1\nkind: Promotion\n" +
				"environments: [{name: staging, path: clusters/staging}, {name: prod, path: clusters/prod, autoMerge: squash, gates: {statuses: [e2e]}}]\n"})
			repo.Report(githubtest.Report{SHA: c.SHA, Name: "e2e", State: "success"})
		}, map[string]string{"operation": "promote"}},
		{"promote that waits", githubtest.RepoOptions{}, func(t *testing.T, hub *githubtest.Server, repo *githubtest.Repo) {
			c := repo.Push("main", "staging", map[string]string{stagingFile: kustomization("ghcr.io/acme/api", "1.9.0"), promotion.FilePath: "apiVersion: kubectl-gitops.dev/v1alpha1\nkind: Promotion\n" +
				"environments: [{name: staging, path: clusters/staging}, {name: prod, path: clusters/prod, gates: {statuses: [e2e]}}]\n"})
			repo.Report(githubtest.Report{SHA: c.SHA, Name: "e2e", State: "success", At: time.Now().Add(-time.Hour)})
			runStep(t, hub, map[string]string{"operation": "promote"}).mustSucceed(t)
			repo.Report(githubtest.Report{SHA: c.SHA, Name: "e2e", State: "failure"})
		}, map[string]string{"operation": "promote"}},
		{"rollback", githubtest.RepoOptions{}, func(t *testing.T, _ *githubtest.Server, repo *githubtest.Repo) {
			repo.Push("release", "one", map[string]string{prodFile: kustomization("ghcr.io/acme/api", "1.9.0")})
			repo.OpenPull("release", "api 1.9.0")
			repo.Rebase(1)
		}, map[string]string{"operation": "rollback", "pull-request-number": "1"}},
		{"rollback by image", githubtest.RepoOptions{}, func(t *testing.T, _ *githubtest.Server, repo *githubtest.Repo) {
			repo.Push("main", "one", map[string]string{prodFile: kustomization("ghcr.io/acme/api", "1.9.0")})
		}, map[string]string{"operation": "rollback", "images": "ghcr.io/acme/api", "paths": "clusters/prod"}},
		{"direct", githubtest.RepoOptions{}, nil, map[string]string{"images": image("1.8.2"), "pull-request": "false"}},
	}
}

// picture is everything that must be the same whether or not a request failed on the way. Commits that no
// branch reaches, and the number of commits on the way, do not count.
func picture(repo *githubtest.Repo) string {
	var b strings.Builder
	for _, p := range repo.Pulls() {
		fmt.Fprintf(&b, "#%d %s %s->%s merged=%v draft=%v %q labels=%v assignees=%v reviewers=%v auto=%s comments=%q bumps=%d\n", p.Number, p.State, p.Head, p.Base,
			p.Merged, p.Draft, p.Title, p.Labels, p.Assignees, p.Reviewers, p.AutoMerge, p.Comments, strings.Count(p.Body, `"set"`))
	}
	for _, branch := range repo.Branches() {
		fmt.Fprintf(&b, "%s:\n%s%s", branch, repo.Read(branch, prodFile), repo.Read(branch, promotion.HoldsPath))
	}
	return b.String()
}

// TestFaultAtEveryRequest lets each single request fail, in each way, and then runs again: the end is the
// one without the fault.
func TestFaultAtEveryRequest(t *testing.T) {
	kinds := []struct {
		name    string
		forever bool
		fault   githubtest.Fault
	}{
		{"502 once", false, githubtest.Fault{Status: 502, Body: `{"message":"Server Error"}`}},
		{"502 from here on", true, githubtest.Fault{Status: 502, Body: `{"message":"Server Error"}`}},
		{"answer lost once", false, githubtest.Fault{Lost: true}},
		{"answers lost from here on", true, githubtest.Fault{Lost: true}},
		{"secondary limit once", false, githubtest.Fault{Status: 403, Header: http.Header{"Retry-After": {"7"}}, Body: `{"message":"You have exceeded a secondary rate limit."}`}},
		{"409 once", false, githubtest.Fault{Status: 409, Body: `{"message":"Git Repository is unavailable"}`}},
		{"422 without a reason once", false, githubtest.Fault{Status: 422, Body: `{"message":"Reference update failed"}`}},
		{"429 once", false, githubtest.Fault{Status: 429, Body: `{"message":"Too many requests"}`}},
	}
	for _, sc := range scenarios() {
		hub, repo := newConfig(t, sc.options)
		if sc.before != nil {
			sc.before(t, hub, repo)
		}
		hub.ResetRequests()
		runStep(t, hub, sc.inputs).mustSucceed(t)
		want, requests := picture(repo), len(hub.Requests())
		for _, kind := range kinds {
			for at := range requests {
				t.Run(fmt.Sprintf("%s/%s/request %d", sc.name, kind.name, at), func(t *testing.T) {
					hub, repo := newConfig(t, sc.options)
					if sc.before != nil {
						sc.before(t, hub, repo)
					}
					hub.ResetRequests()
					hub.Before = func(n int, _ *http.Request) *githubtest.Fault {
						if n == at || kind.forever && n > at {
							return &kind.fault
						}
						return nil
					}
					first := runStep(t, hub, sc.inputs)
					if first.code != ExitOK && !strings.HasPrefix(first.stderr, "error: ") {
						t.Errorf("exit %d without an error:\n%s", first.code, first.stderr)
					}
					if !kind.forever && first.code != ExitOK && kind.fault.Status != 409 && kind.fault.Status != 422 {
						t.Errorf("one fault stopped the run:\n%s", first.stderr)
					}
					hub.Before = nil
					runStep(t, hub, sc.inputs).mustSucceed(t)
					if got := picture(repo); got != want {
						t.Errorf("after running again:\n%s\nwant:\n%s\nrequests: %v", got, want, hub.Requests())
					}
				})
			}
		}
	}
}

func TestRetryAfterIsHonoured(t *testing.T) {
	hub, _ := newConfig(t, githubtest.RepoOptions{})
	hub.Before = func(n int, _ *http.Request) *githubtest.Fault {
		if n == 3 {
			return &githubtest.Fault{Status: 403, Header: http.Header{"Retry-After": {"30"}}, Body: `{"message":"You have exceeded a secondary rate limit."}`}
		}
		return nil
	}
	got := runStep(t, hub, map[string]string{"images": "ghcr.io/acme/api=1.8.2"}).mustSucceed(t)
	if got.waited.Seconds() < 30 {
		t.Errorf("waited %s, GitHub asked for 30s", got.waited)
	}
	if n := len(slices.DeleteFunc(hub.Requests(), func(r githubtest.Request) bool { return r.Status != 403 })); n != 1 {
		t.Errorf("%d limited requests", n)
	}
}

func TestHourlyLimitThatLastsTooLongStopsTheRun(t *testing.T) {
	hub, _ := newConfig(t, githubtest.RepoOptions{})
	hub.Before = func(int, *http.Request) *githubtest.Fault {
		return &githubtest.Fault{Status: 403, Header: http.Header{"X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {"99999999999"}}, Body: `{"message":"API rate limit exceeded"}`}
	}
	got := runStep(t, hub, map[string]string{"images": "ghcr.io/acme/api=1.8.2"})
	if got.code != ExitFailed || !strings.Contains(got.stderr, "hourly request limit") {
		t.Errorf("exit %d:\n%s", got.code, got.stderr)
	}
}
