package action

import (
	"net/http"
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/githubtest"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/promotion"
)

const (
	apiImage  = "ghcr.io/acme/api"
	otherFile = "clusters/qa/values.yaml"
)

func bump(tag string, more ...string) map[string]string {
	inputs := map[string]string{"images": apiImage + "=" + tag}
	for i := 0; i+1 < len(more); i += 2 {
		inputs[more[i]] = more[i+1]
	}
	return inputs
}

// baseHas is a commit that gives the file of the config repository another tag.
func baseHas(repo *githubtest.Repo, tag string) {
	repo.Push("main", "by hand "+tag, map[string]string{prodFile: kustomization(apiImage, tag)})
}

// proposes checks what an open pull request is: it can be merged, its file has the tag, and it lists so many commits.
func proposes(t *testing.T, repo *githubtest.Repo, number int, tag string, commits int) {
	t.Helper()
	p := repo.Pulls()[number-1]
	if p.State != "open" {
		t.Fatalf("#%d is %s", number, p.State)
	}
	if list := repo.Conflicts(number); len(list) > 0 {
		t.Errorf("#%d conflicts in %v", number, list)
	}
	if got := repo.Read(p.Head, prodFile); got != kustomization(apiImage, tag) {
		t.Errorf("#%d proposes:\n%s", number, got)
	}
	if list := repo.PullCommits(number); len(list) != commits {
		t.Errorf("#%d lists %d commits, want %d:\n%s", number, len(list), commits, strings.Join(list, "\n---\n"))
	}
}

// unchanged runs the same again and wants no write.
func unchanged(t *testing.T, hub *githubtest.Server, inputs map[string]string, most int) {
	t.Helper()
	hub.ResetRequests()
	runStep(t, hub, inputs).mustSucceed(t).want(t, map[string]string{"changed": "false"})
	if w := hub.Writes(); len(w) > 0 {
		t.Errorf("running again wrote %v", w)
	}
	if list := hub.Requests(); len(list) != most {
		t.Errorf("running again took %d requests, want %d: %v", len(list), most, list)
	}
}

// TestFieldConflicts: the base branch moves in the same lines while a pull request is open.
func TestFieldConflicts(t *testing.T) {
	t.Run("A1 a newer tag in the same line", func(t *testing.T) {
		hub, repo := newConfig(t, githubtest.RepoOptions{})
		runStep(t, hub, bump("1.9.0")).mustSucceed(t)
		baseHas(repo, "1.8.9")
		if len(repo.Conflicts(1)) == 0 {
			t.Fatal("the double knows no conflict")
		}
		runStep(t, hub, bump("1.9.0")).mustSucceed(t).want(t, map[string]string{"changed": "true", "pr-operation": "updated", "pr-number": "1"})
		proposes(t, repo, 1, "1.9.0", 1)
		if p := repo.Pulls()[0]; !strings.Contains(p.Title, "1.8.9 → 1.9.0") {
			t.Errorf("title %q", p.Title)
		}
		unchanged(t, hub, bump("1.9.0"), 2)
	})
	t.Run("A1 an older tag in the same line", func(t *testing.T) {
		hub, repo := newConfig(t, githubtest.RepoOptions{})
		runStep(t, hub, bump("1.9.0")).mustSucceed(t)
		baseHas(repo, "1.7.0")
		runStep(t, hub, bump("1.9.0")).mustSucceed(t)
		proposes(t, repo, 1, "1.9.0", 1)
	})
	t.Run("A1 GitHub does not know yet whether it conflicts", func(t *testing.T) {
		hub, repo := newConfig(t, githubtest.RepoOptions{MergeableAfter: 1000})
		runStep(t, hub, bump("1.9.0")).mustSucceed(t)
		baseHas(repo, "1.8.9")
		runStep(t, hub, bump("1.9.0")).mustSucceed(t)
		proposes(t, repo, 1, "1.9.0", 1)
	})
	t.Run("A1 the base branch moves in other lines", func(t *testing.T) {
		hub, repo := newConfig(t, githubtest.RepoOptions{})
		runStep(t, hub, bump("1.9.0")).mustSucceed(t)
		head := repo.Head(repo.Pulls()[0].Head).SHA
		repo.Push("main", "another file", map[string]string{"README.md": "x\n"})
		unchanged(t, hub, bump("1.9.0"), 3) // one more proves what the branch holds
		if repo.Head(repo.Pulls()[0].Head).SHA != head {
			t.Error("a branch that is merely behind was moved")
		}
	})
	t.Run("A1 the file is renamed", func(t *testing.T) {
		hub, repo := newConfig(t, githubtest.RepoOptions{})
		runStep(t, hub, bump("1.9.0")).mustSucceed(t)
		repo.Remove("main", "away", prodFile)
		repo.Push("main", "renamed", map[string]string{"clusters/live/kustomization.yaml": kustomization(apiImage, "1.8.5")})
		runStep(t, hub, bump("1.9.0")).mustSucceed(t).want(t, map[string]string{"pr-operation": "updated", "pr-number": "1"})
		p := repo.Pulls()[0]
		if len(repo.Conflicts(1)) > 0 || repo.Read(p.Head, "clusters/live/kustomization.yaml") != kustomization(apiImage, "1.9.0") || repo.Read(p.Head, prodFile) != "" {
			t.Errorf("conflicts %v, files %v", repo.Conflicts(1), repo.Files(p.Head))
		}
	})
	t.Run("A1 the file is deleted and the image with it", func(t *testing.T) {
		hub, repo := newConfig(t, githubtest.RepoOptions{})
		runStep(t, hub, bump("1.9.0")).mustSucceed(t)
		repo.Remove("main", "away", prodFile)
		got := runStep(t, hub, bump("1.9.0"))
		if p := repo.Pulls()[0]; got.code != ExitFailed || p.State != "closed" || len(p.Comments) != 1 || !strings.Contains(got.stderr, "not found") {
			t.Errorf("exit %d, %+v\n%s%s", got.code, p, got.stdout, got.stderr)
		}
		got.want(t, map[string]string{"pr-operation": "closed", "pr-number": "1"})
	})
	t.Run("A1 one of two files is deleted", func(t *testing.T) {
		hub, repo := newConfig(t, githubtest.RepoOptions{})
		repo.Push("main", "qa", map[string]string{otherFile: "image: ghcr.io/acme/api:1.8.1\n"})
		runStep(t, hub, bump("1.9.0")).mustSucceed(t)
		repo.Remove("main", "away", otherFile)
		runStep(t, hub, bump("1.9.0")).mustSucceed(t).want(t, map[string]string{"pr-operation": "updated"})
		proposes(t, repo, 1, "1.9.0", 1)
	})
	t.Run("A1 the base has the tag", func(t *testing.T) {
		hub, repo := newConfig(t, githubtest.RepoOptions{})
		runStep(t, hub, bump("1.9.0")).mustSucceed(t)
		baseHas(repo, "1.8.9")
		baseHas(repo, "1.9.0")
		runStep(t, hub, bump("1.9.0")).mustSucceed(t).want(t, map[string]string{"pr-operation": "closed", "pr-number": "1"})
	})
	t.Run("A1 the base has a newer tag", func(t *testing.T) {
		hub, repo := newConfig(t, githubtest.RepoOptions{})
		runStep(t, hub, bump("1.9.0")).mustSucceed(t)
		baseHas(repo, "1.9.5")
		got := runStep(t, hub, bump("1.9.0")).mustSucceed(t)
		got.want(t, map[string]string{"pr-operation": "closed", "pr-number": "1"})
		if p := repo.Pulls()[0]; p.State != "closed" || len(p.Comments) != 1 || !strings.Contains(p.Comments[0], "1.9.5") {
			t.Errorf("%+v", p)
		}
		if got = runStep(t, hub, bump("1.9.0")); got.code != ExitFailed || !strings.Contains(got.stderr, "allow-downgrade") {
			t.Errorf("without a pull request it is a downgrade like any other: exit %d\n%s", got.code, got.stderr)
		}
	})
	t.Run("A1 a late older request does not close a newer proposal", func(t *testing.T) {
		hub, repo := newConfig(t, githubtest.RepoOptions{})
		runStep(t, hub, bump("1.9.0")).mustSucceed(t)
		baseHas(repo, "1.8.9")
		if got := runStep(t, hub, bump("1.8.2")); got.code != ExitFailed {
			t.Errorf("exit %d", got.code)
		}
		if p := repo.Pulls()[0]; p.State != "open" {
			t.Errorf("#1 is %s", p.State)
		}
	})
	t.Run("A1 a late older request brings a newer proposal up to date", func(t *testing.T) {
		hub, repo := newConfig(t, githubtest.RepoOptions{})
		runStep(t, hub, bump("1.9.0")).mustSucceed(t)
		baseHas(repo, "1.8.4")
		runStep(t, hub, bump("1.8.5")).mustSucceed(t).want(t, map[string]string{"pr-number": "1"})
		proposes(t, repo, 1, "1.9.0", 1)
	})
	t.Run("A1 one of two images conflicts", func(t *testing.T) {
		hub, repo := newConfig(t, githubtest.RepoOptions{})
		two := func(api, web string) map[string]string {
			return map[string]string{prodFile: kustomization(apiImage, api), otherFile: "image: ghcr.io/acme/web:" + web + "\n"}
		}
		repo.Push("main", "web", two("1.8.1", "1.0.0"))
		inputs := map[string]string{"images": apiImage + "=1.9.0\nghcr.io/acme/web=1.1.0"}
		runStep(t, hub, inputs).mustSucceed(t)
		repo.Push("main", "hotfix", two("1.8.1", "1.0.1"))
		runStep(t, hub, inputs).mustSucceed(t)
		proposes(t, repo, 1, "1.9.0", 1)
		if got := repo.Read(repo.Pulls()[0].Head, otherFile); got != "image: ghcr.io/acme/web:1.1.0\n" {
			t.Errorf("web:\n%s", got)
		}
	})
	t.Run("A1 auto-merge was on", func(t *testing.T) {
		for _, method := range []string{"squash", "merge", "rebase"} {
			hub, repo := newConfig(t, githubtest.RepoOptions{AutoMerge: true})
			runStep(t, hub, bump("1.9.0", "auto-merge", method)).mustSucceed(t)
			baseHas(repo, "1.8.9")
			if repo.Pulls()[0].AutoMerge != "" {
				t.Fatal("the double left auto-merge on")
			}
			runStep(t, hub, bump("1.9.0", "auto-merge", method)).mustSucceed(t)
			if !repo.RequirementsMet(1) || repo.Read("main", prodFile) != kustomization(apiImage, "1.9.0") {
				t.Errorf("%s: merged %v, main has:\n%s", method, repo.Pulls()[0].Merged, repo.Read("main", prodFile))
			}
		}
	})
	t.Run("A1 two conflicts one after the other", func(t *testing.T) {
		hub, repo := newConfig(t, githubtest.RepoOptions{})
		runStep(t, hub, bump("1.9.0")).mustSucceed(t)
		for _, tag := range []string{"1.8.2", "1.8.3"} {
			baseHas(repo, tag)
			runStep(t, hub, bump("1.9.0")).mustSucceed(t)
			proposes(t, repo, 1, "1.9.0", 1)
		}
	})
	t.Run("A1 somebody pressed Update branch before", func(t *testing.T) {
		hub, repo := newConfig(t, githubtest.RepoOptions{})
		runStep(t, hub, bump("1.9.0")).mustSucceed(t)
		repo.Push("main", "another file", map[string]string{"README.md": "x\n"})
		repo.UpdateBranch(1, nil)
		baseHas(repo, "1.8.9")
		runStep(t, hub, bump("1.9.0")).mustSucceed(t).want(t, map[string]string{"pr-number": "1"})
		if p := repo.Pulls()[0]; len(repo.Conflicts(1)) > 0 && p.State == "open" && len(repo.Open()) == 1 {
			t.Errorf("#1 still conflicts in %v", repo.Conflicts(1))
		}
	})
	t.Run("A1 somebody resolved the conflict", func(t *testing.T) {
		hub, repo := newConfig(t, githubtest.RepoOptions{})
		runStep(t, hub, bump("1.9.0")).mustSucceed(t)
		baseHas(repo, "1.8.9")
		repo.UpdateBranch(1, map[string]string{prodFile: kustomization(apiImage, "1.9.0")})
		runStep(t, hub, bump("1.9.0")).mustSucceed(t).want(t, map[string]string{"pr-number": "1"})
		if len(repo.Conflicts(1)) > 0 || len(repo.Open()) != 1 {
			t.Errorf("conflicts %v, %d open", repo.Conflicts(1), len(repo.Open()))
		}
	})
	t.Run("A1 GitHub stumbles over the branch once", func(t *testing.T) {
		hub, repo := newConfig(t, githubtest.RepoOptions{})
		runStep(t, hub, bump("1.9.0")).mustSucceed(t)
		baseHas(repo, "1.8.9")
		hub.ResetRequests()
		hub.Before = func(n int, _ *http.Request) *githubtest.Fault {
			if n == 4 { // after the state, the archive, the tree and the commit
				return &githubtest.Fault{Status: http.StatusOK, Body: `{"data":{"updateRefs":null},"errors":[{"message":"Something went wrong while executing your query."}]}`}
			}
			return nil
		}
		runStep(t, hub, bump("1.9.0")).mustSucceed(t)
		proposes(t, repo, 1, "1.9.0", 1)
	})
	t.Run("A1 force is forbidden", func(t *testing.T) {
		hub, repo := newConfig(t, githubtest.RepoOptions{NoForce: true, AutoMerge: true})
		runStep(t, hub, bump("1.9.0")).mustSucceed(t)
		baseHas(repo, "1.8.9")
		runStep(t, hub, bump("1.9.0")).mustSucceed(t).want(t, map[string]string{"pr-operation": "updated", "pr-number": "1"})
		proposes(t, repo, 1, "1.9.0", 2)
		// A rebase would leave the merge commit out, and with it the edit.
		got := runStep(t, hub, bump("1.9.0", "auto-merge", "rebase")).mustSucceed(t)
		if repo.Pulls()[0].AutoMerge != "" || !strings.Contains(got.stdout, "rebase") {
			t.Errorf("auto-merge %q\n%s", repo.Pulls()[0].AutoMerge, got.stdout)
		}
	})
}

// TestFieldConflictsOfOthers: what others committed is never overwritten; they are told.
func TestFieldConflictsOfOthers(t *testing.T) {
	for name, options := range map[string]githubtest.RepoOptions{"known": {MergeableAfter: -1}, "known later": {MergeableAfter: 2}} {
		t.Run("A1 somebody else's commit, conflict "+name, func(t *testing.T) {
			hub, repo := newConfig(t, options)
			runStep(t, hub, bump("1.9.0")).mustSucceed(t)
			byHand := repo.Push(repo.Pulls()[0].Head, "a limit", map[string]string{"limit.yaml": "limit: 1\n"})
			baseHas(repo, "1.8.9")
			got := runStep(t, hub, bump("1.9.0")).mustSucceed(t)
			got.want(t, map[string]string{"changed": "false", "pr-operation": "unchanged", "pr-number": "1"})
			p := repo.Pulls()[0]
			if repo.Head(p.Head).SHA != byHand.SHA || len(repo.Pulls()) != 1 {
				t.Error("somebody else's branch was touched")
			}
			if !strings.Contains(got.stdout, "#1 conflicts with main") || len(p.Comments) != 1 || !strings.Contains(p.Comments[0], "conflicts with `main`") {
				t.Errorf("nobody is told: %q\n%s", p.Comments, got.stdout)
			}
			runStep(t, hub, bump("1.9.0")).mustSucceed(t)
			if n := len(repo.Pulls()[0].Comments); n != 1 {
				t.Errorf("it is told %d times", n)
			}
		})
	}
	t.Run("A1 GitHub never says whether somebody else's branch conflicts", func(t *testing.T) {
		hub, repo := newConfig(t, githubtest.RepoOptions{MergeableAfter: 1 << 30})
		runStep(t, hub, bump("1.9.0")).mustSucceed(t)
		repo.Push(repo.Pulls()[0].Head, "a limit", map[string]string{"limit.yaml": "limit: 1\n"})
		baseHas(repo, "1.8.9")
		got := runStep(t, hub, bump("1.9.0")).mustSucceed(t)
		if got.waited == 0 || len(hub.Requests()) > 40 {
			t.Errorf("waited %s, %d requests", got.waited, len(hub.Requests()))
		}
	})
	t.Run("A1 somebody commits while the conflict is answered", func(t *testing.T) {
		hub, repo := newConfig(t, githubtest.RepoOptions{})
		runStep(t, hub, bump("1.9.0")).mustSucceed(t)
		baseHas(repo, "1.8.9")
		branch := repo.Pulls()[0].Head
		var mine *githubtest.Commit
		hub.Before = raceAt(hub, "POST", "/git/commits", func() { mine = repo.Push(branch, "mine", map[string]string{"mine.yaml": "a: 1\n"}) })
		runStep(t, hub, bump("1.9.0")).mustSucceed(t)
		if repo.Head(branch).SHA != mine.SHA {
			t.Error("a commit that came in between was overwritten")
		}
	})
}

// TestFieldConflictsOfOperations: promotions and rollbacks answer conflicts as bumps do.
func TestFieldConflictsOfOperations(t *testing.T) {
	t.Run("A1 promote", func(t *testing.T) {
		hub, repo := stages(t, nil)
		repo.Push("main", "bump", stagingRuns("1.9.0", "2.0.0"))
		runStep(t, hub, promoting("auto-merge", "squash")).mustSucceed(t)
		repo.Push("main", "hotfix", map[string]string{"clusters/prod/values.yaml": strings.Replace(prodValues, "1.8.1", "1.8.2", 1)})
		if len(repo.Conflicts(1)) == 0 {
			t.Fatal("the double knows no conflict")
		}
		runStep(t, hub, promoting("auto-merge", "squash")).mustSucceed(t).want(t, map[string]string{"pr-operation": "updated"})
		if len(repo.Conflicts(1)) > 0 || !repo.RequirementsMet(1) || !strings.Contains(repo.Read("main", "clusters/prod/values.yaml"), `tag: "1.9.0"`) {
			t.Errorf("conflicts %v", repo.Conflicts(1))
		}
	})
	t.Run("A1 promote, the target is newer by now", func(t *testing.T) {
		hub, repo := stages(t, nil)
		repo.Push("main", "bump", stagingRuns("1.9.0", "2.0.0"))
		runStep(t, hub, promoting()).mustSucceed(t)
		repo.Push("main", "hotfix", map[string]string{"clusters/prod/values.yaml": strings.Replace(prodValues, "1.8.1", "1.9.1", 1)})
		runStep(t, hub, promoting()).mustSucceed(t).want(t, map[string]string{"pr-operation": "closed"})
		if p := repo.Pulls()[0]; len(p.Comments) != 1 || !strings.Contains(p.Comments[0], "is older than 1.9.1") {
			t.Errorf("comments %q", p.Comments)
		}
	})
	t.Run("A1 promote, the image is gone from the target", func(t *testing.T) {
		hub, repo := stages(t, nil)
		repo.Push("main", "bump", stagingRuns("1.9.0", "2.0.0"))
		runStep(t, hub, promoting()).mustSucceed(t)
		repo.Push("main", "away", map[string]string{"clusters/prod/values.yaml": "replicaCount: 6\n"})
		runStep(t, hub, promoting()).mustSucceed(t).want(t, map[string]string{"pr-operation": "closed"})
		if p := repo.Pulls()[0]; len(p.Comments) != 1 || strings.Contains(p.Comments[0], "already has this") {
			t.Errorf("comments %q", p.Comments)
		}
	})
	released := func(t *testing.T) (*githubtest.Server, *githubtest.Repo, map[string]string) {
		hub, repo := newConfig(t, githubtest.RepoOptions{})
		runStep(t, hub, bump("1.9.0")).mustSucceed(t)
		repo.Squash(1)
		back := rollback("pull-request-number", "1")
		runStep(t, hub, back).mustSucceed(t).want(t, map[string]string{"pr-number": "2"})
		return hub, repo, back
	}
	t.Run("A1 rollback of what moved on", func(t *testing.T) {
		hub, repo, back := released(t)
		baseHas(repo, "1.9.1")
		got := runStep(t, hub, back)
		got.want(t, map[string]string{"pr-operation": "closed", "pr-number": "2"})
		if p := repo.Pulls()[1]; got.code != ExitFailed || p.State != "closed" || len(p.Comments) != 1 || !strings.Contains(p.Comments[0], "1.9.1") {
			t.Errorf("%+v", p)
		}
		if got = runStep(t, hub, back); got.code != ExitFailed {
			t.Errorf("there is nothing to roll back: exit %d\n%s", got.code, got.stdout)
		}
	})
	t.Run("A1 rollback beside another change of the file", func(t *testing.T) {
		hub, repo, back := released(t)
		repo.Push("main", "a comment", map[string]string{prodFile: strings.Replace(kustomization(apiImage, "1.9.0"), "# the tag", "# a tag", 1)})
		runStep(t, hub, back).mustSucceed(t).want(t, map[string]string{"pr-operation": "updated", "pr-number": "2"})
		if list := repo.Conflicts(2); len(list) > 0 || !strings.Contains(repo.Read(repo.Pulls()[1].Head, prodFile), `"1.8.1" # a tag`) {
			t.Errorf("conflicts %v:\n%s", list, repo.Read(repo.Pulls()[1].Head, prodFile))
		}
	})
	t.Run("A1 rollback while other holds arrive", func(t *testing.T) {
		hub, repo, back := released(t)
		repo.Push("main", "hold", map[string]string{promotion.HoldsPath: heldHead + "- image: ghcr.io/acme/web\n  tag: \"1\"\n  path: .\n"})
		runStep(t, hub, back).mustSucceed(t)
		p := repo.Pulls()[1]
		if list := repo.Conflicts(2); len(list) > 0 || strings.Count(repo.Read(p.Head, promotion.HoldsPath), "- image:") != 2 {
			t.Errorf("conflicts %v:\n%s", list, repo.Read(p.Head, promotion.HoldsPath))
		}
	})
}
