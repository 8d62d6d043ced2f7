package action

import (
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/githubtest"
)

// TestRequestBudget holds the numbers of the table in docs/action.md.
func TestRequestBudget(t *testing.T) {
	everything := map[string]string{"images": "ghcr.io/acme/api=1.8.2", "labels": "deploy,prod", "assignees": "ada", "reviewers": "grace", "team-reviewers": "ops", "auto-merge": "squash"}
	plain := map[string]string{"images": "ghcr.io/acme/api=1.8.2"}
	direct := map[string]string{"images": "ghcr.io/acme/api=1.8.2", "pull-request": "false"}
	cases := []struct {
		name   string
		before []map[string]string
		inputs map[string]string
		most   int
	}{
		{"open a pull request", nil, plain, 6},
		{"open a pull request with labels, assignees, reviewers and auto-merge", nil, everything, 9},
		{"run again with nothing to do", []map[string]string{everything}, everything, 2},
		{"update the pull request with a newer image", []map[string]string{plain}, map[string]string{"images": "ghcr.io/acme/api=1.9.0"}, 6},
		{"commit directly", nil, direct, 5},
		{"commit directly with nothing to do", []map[string]string{direct}, direct, 2},
		{"check", nil, map[string]string{"images": "ghcr.io/acme/api=1.8.2", "operation": "check"}, 2},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			hub, _ := newConfig(t, githubtest.RepoOptions{AutoMerge: true})
			for _, inputs := range c.before {
				runStep(t, hub, inputs).mustSucceed(t)
			}
			hub.ResetRequests()
			runStep(t, hub, c.inputs).mustSucceed(t)
			if got := hub.Requests(); len(got) != c.most {
				t.Errorf("%d requests, want %d:\n%v", len(got), c.most, got)
			}
		})
	}
}

func BenchmarkBumpOpensPullRequest(b *testing.B) {
	hub := githubtest.New(b)
	for b.Loop() {
		b.StopTimer()
		hub.AddRepo("acme/config", map[string]string{prodFile: kustomization("ghcr.io/acme/api", "1.8.1")}, githubtest.RepoOptions{})
		b.StartTimer()
		runStep(b, hub, map[string]string{"images": "ghcr.io/acme/api=1.8.2"}).mustSucceed(b)
	}
}
