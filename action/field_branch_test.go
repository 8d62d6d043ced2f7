package action

import (
	"net/http"
	"slices"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/githubtest"
)

// TestFieldBranchesThatStay: most repositories keep the branch of a merged pull request.
func TestFieldBranchesThatStay(t *testing.T) {
	merges := map[string]func(*githubtest.Repo, int){
		"squash": (*githubtest.Repo).Squash, "merge": (*githubtest.Repo).Merge, "rebase": (*githubtest.Repo).Rebase,
		"close": (*githubtest.Repo).ClosePull,
	}
	for method, merge := range merges {
		t.Run("A2 after "+method, func(t *testing.T) {
			hub, repo := newConfig(t, githubtest.RepoOptions{})
			runStep(t, hub, bump("1.9.0")).mustSucceed(t)
			branch := repo.Pulls()[0].Head
			merge(repo, 1)
			if !slices.Contains(repo.Branches(), branch) {
				t.Fatal("the branch is gone")
			}
			repo.Push("main", "unrelated", map[string]string{"README.md": "x\n"})
			runStep(t, hub, bump("1.9.1")).mustSucceed(t).want(t, map[string]string{"pr-operation": "created", "pr-number": "2", "branch": branch})
			proposes(t, repo, 2, "1.9.1", 1)
			if c := repo.Head(branch); !slices.Equal(c.Parents, []string{repo.Head("main").SHA}) {
				t.Errorf("parents %v", c.Parents)
			}
			unchanged(t, hub, bump("1.9.1"), 2)
			repo.Rebase(2)
			if got := repo.Read("main", prodFile); got != kustomization(apiImage, "1.9.1") {
				t.Errorf("main has:\n%s", got)
			}
		})
	}
	t.Run("A2 three releases by auto-merge with rebase", func(t *testing.T) {
		hub, repo := newConfig(t, githubtest.RepoOptions{AutoMerge: true})
		for i, tag := range []string{"1.9.0", "1.9.1", "1.9.2"} {
			runStep(t, hub, bump(tag, "auto-merge", "rebase")).mustSucceed(t)
			if !repo.RequirementsMet(i+1) || repo.Read("main", prodFile) != kustomization(apiImage, tag) {
				t.Fatalf("%s: merged %v, main has:\n%s", tag, repo.Pulls()[i].Merged, repo.Read("main", prodFile))
			}
		}
		if n := repo.Commits("main"); n != 4 {
			t.Errorf("%d commits on main", n)
		}
	})
	t.Run("A2 a pull request that is updated after the base moved, by rebase", func(t *testing.T) {
		hub, repo := newConfig(t, githubtest.RepoOptions{AutoMerge: true})
		runStep(t, hub, bump("1.9.0", "auto-merge", "rebase")).mustSucceed(t)
		repo.Push("main", "unrelated", map[string]string{"README.md": "x\n"})
		runStep(t, hub, bump("1.9.1", "auto-merge", "rebase")).mustSucceed(t)
		if !repo.RequirementsMet(1) || repo.Read("main", prodFile) != kustomization(apiImage, "1.9.1") {
			t.Errorf("main has:\n%s", repo.Read("main", prodFile))
		}
	})
	t.Run("A2 merged at once, twice", func(t *testing.T) {
		for _, method := range []string{"squash", "merge", "rebase"} {
			hub, repo := newConfig(t, githubtest.RepoOptions{MergeState: "CLEAN"})
			for _, tag := range []string{"1.9.0", "1.9.1"} {
				runStep(t, hub, bump(tag, "auto-merge", method)).mustSucceed(t)
			}
			if got := repo.Read("main", prodFile); got != kustomization(apiImage, "1.9.1") || !repo.Pulls()[1].Merged {
				t.Errorf("%s: main has:\n%s", method, got)
			}
		}
	})
	t.Run("A2 somebody moves the branch that stayed", func(t *testing.T) {
		hub, repo := newConfig(t, githubtest.RepoOptions{})
		runStep(t, hub, bump("1.9.0")).mustSucceed(t)
		branch := repo.Pulls()[0].Head
		repo.Squash(1)
		var mine *githubtest.Commit
		hub.Before = raceAt(hub, http.MethodPost, "/git/commits", func() { mine = repo.Push(branch, "mine", map[string]string{"mine.yaml": "a: 1\n"}) })
		runStep(t, hub, bump("1.9.1")).mustSucceed(t).want(t, map[string]string{"pr-operation": "created", "branch": branch + "-2"})
		if repo.Head(branch).SHA != mine.SHA {
			t.Error("somebody else's commit was overwritten")
		}
		proposes(t, repo, 2, "1.9.1", 1)
	})
	t.Run("A2 a branch that stayed with somebody else's commit", func(t *testing.T) {
		hub, repo := newConfig(t, githubtest.RepoOptions{})
		runStep(t, hub, bump("1.9.0")).mustSucceed(t)
		branch := repo.Pulls()[0].Head
		mine := repo.Push(branch, "mine", map[string]string{"mine.yaml": "a: 1\n"})
		repo.ClosePull(1)
		runStep(t, hub, bump("1.9.1")).mustSucceed(t).want(t, map[string]string{"pr-operation": "created", "branch": branch + "-2"})
		if repo.Head(branch).SHA != mine.SHA {
			t.Error("somebody else's commit was overwritten")
		}
	})
	t.Run("A2 a pull request that was closed and reopened", func(t *testing.T) {
		hub, repo := newConfig(t, githubtest.RepoOptions{})
		runStep(t, hub, bump("1.9.0")).mustSucceed(t)
		repo.ClosePull(1)
		if !repo.Reopen(1) {
			t.Fatal("it cannot be reopened")
		}
		repo.Push("main", "unrelated", map[string]string{"README.md": "x\n"})
		runStep(t, hub, bump("1.9.1")).mustSucceed(t).want(t, map[string]string{"pr-operation": "updated", "pr-number": "1"})
		proposes(t, repo, 1, "1.9.1", 1)
	})
	t.Run("A2 force is forbidden", func(t *testing.T) {
		hub, repo := newConfig(t, githubtest.RepoOptions{NoForce: true})
		runStep(t, hub, bump("1.9.0")).mustSucceed(t)
		repo.Squash(1)
		runStep(t, hub, bump("1.9.1")).mustSucceed(t).want(t, map[string]string{"pr-operation": "created"})
		number := len(repo.Pulls())
		proposes(t, repo, number, "1.9.1", 1)
	})
	t.Run("A2 a hotfix right after a merge and a rollback", func(t *testing.T) {
		hub, repo := newConfig(t, githubtest.RepoOptions{})
		runStep(t, hub, bump("1.9.0")).mustSucceed(t)
		repo.Squash(1)
		baseHas(repo, "1.8.1")
		runStep(t, hub, bump("1.8.2")).mustSucceed(t).want(t, map[string]string{"pr-operation": "created", "pr-number": "2"})
		proposes(t, repo, 2, "1.8.2", 1)
	})
	t.Run("A2 promotions one after the other", func(t *testing.T) {
		hub, repo := stages(t, nil)
		for i, tag := range []string{"1.9.0", "1.9.1"} {
			repo.Push("main", "bump", stagingRuns(tag, "2.0.0"))
			runStep(t, hub, promoting()).mustSucceed(t).want(t, map[string]string{"pr-operation": "created"})
			if list := repo.PullCommits(i + 1); len(list) != 1 {
				t.Errorf("#%d lists %d commits", i+1, len(list))
			}
			repo.Squash(i + 1)
		}
	})
}
