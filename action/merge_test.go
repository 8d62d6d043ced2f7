package action

import (
	"net/http"
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/githubtest"
)

func TestAutoMerge(t *testing.T) {
	cases := []struct {
		name    string
		options githubtest.RepoOptions
		inputs  map[string]string
		auto    string
		merged  bool
		note    string
	}{
		{"requirements are missing: GitHub waits", githubtest.RepoOptions{AutoMerge: true}, nil, "SQUASH", false, "auto-merge is on"},
		{"nothing to wait for: merged now", githubtest.RepoOptions{AutoMerge: true, MergeState: "CLEAN"}, nil, "", true, "merged #1"},
		{"optional checks are pending: merged now", githubtest.RepoOptions{AutoMerge: true, MergeState: "UNSTABLE"}, nil, "", true, "merged #1"},
		{"required checks appear late: GitHub waits", githubtest.RepoOptions{AutoMerge: true, MergeState: "UNSTABLE", ChecksAppear: true}, nil, "SQUASH", false, "auto-merge is on"},
		{"merge queue", githubtest.RepoOptions{AutoMerge: true, MergeState: "CLEAN", MergeQueue: true}, nil, "QUEUE", false, "merge queue"},
		{"not allowed in the repository", githubtest.RepoOptions{}, nil, "", false, "Allow auto-merge"},
		{"draft", githubtest.RepoOptions{AutoMerge: true}, map[string]string{"draft": "true"}, "", false, "is a draft"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			hub, repo := newConfig(t, c.options)
			inputs := map[string]string{"images": "ghcr.io/acme/api=1.8.2", "auto-merge": "squash"}
			for k, v := range c.inputs {
				inputs[k] = v
			}
			got := runStep(t, hub, inputs).mustSucceed(t)
			p := repo.Pulls()[0]
			if p.AutoMerge != c.auto || p.Merged != c.merged || !strings.Contains(got.stdout, c.note) {
				t.Errorf("auto-merge %q, merged %v\n%s", p.AutoMerge, p.Merged, got.stdout)
			}
		})
	}
}

func TestOnlyTheCommitOfThisRunIsMerged(t *testing.T) {
	hub, repo := newConfig(t, githubtest.RepoOptions{MergeState: "CLEAN"})
	hub.Before = func(_ int, r *http.Request) *githubtest.Fault {
		if r.Method == http.MethodPut {
			hub.Before = nil
			repo.Push(repo.Pulls()[0].Head, "sneaked in", map[string]string{"evil.yaml": "a: 1\n"})
		}
		return nil
	}
	runStep(t, hub, map[string]string{"images": "ghcr.io/acme/api=1.8.2", "auto-merge": "merge"}).mustSucceed(t)
	if repo.Pulls()[0].Merged || repo.Read("main", "evil.yaml") != "" {
		t.Error("a commit that came in between was merged")
	}
}
