package action

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/githubtest"
)

func TestBumpOpensOnePullRequestWithOneLine(t *testing.T) {
	hub, repo := newConfig(t, githubtest.RepoOptions{})
	got := runStep(t, hub, map[string]string{"images": "ghcr.io/acme/api=1.8.2"}).mustSucceed(t)

	got.want(t, map[string]string{"changed": "true", "pr-operation": "created", "pr-number": "1", "verified": "true"})
	pulls := repo.Pulls()
	if len(pulls) != 1 {
		t.Fatalf("%d pull requests", len(pulls))
	}
	if want := "clusters/prod: api 1.8.1 → 1.8.2"; pulls[0].Title != want {
		t.Errorf("title %q, want %q", pulls[0].Title, want)
	}
	if got, want := repo.Read(pulls[0].Head, prodFile), kustomization("ghcr.io/acme/api", "1.8.2"); got != want {
		t.Errorf("file on the branch:\n%s\nwant:\n%s", got, want)
	}
	if repo.Read("main", prodFile) != kustomization("ghcr.io/acme/api", "1.8.1") {
		t.Error("the base branch was changed")
	}
	if mode := repo.Files(pulls[0].Head)["scripts/run.sh"].Mode; mode != "100755" {
		t.Errorf("mode of an untouched script is %s", mode)
	}
	if c := repo.Head(pulls[0].Head); c.Author != "" {
		t.Errorf("the commit names the author %q, so GitHub would not sign it", c.Author)
	}
	t.Logf("%s\n%s\n%s", pulls[0].Body, got.stdout, got.summary)
}

func TestSecondRunChangesNothing(t *testing.T) {
	hub, repo := newConfig(t, githubtest.RepoOptions{})
	inputs := map[string]string{"images": "ghcr.io/acme/api=1.8.2", "labels": "deploy", "assignees": "ada", "reviewers": "grace"}
	first := runStep(t, hub, inputs).mustSucceed(t)
	hub.ResetRequests()
	second := runStep(t, hub, inputs).mustSucceed(t)
	second.want(t, map[string]string{"changed": "false", "pr-operation": "unchanged", "pr-number": first.outputs["pr-number"]})
	if w := hub.Writes(); len(w) > 0 {
		t.Errorf("the second run wrote: %v", w)
	}
	if n := len(repo.Open()); n != 1 {
		t.Errorf("%d open pull requests", n)
	}
}

func TestNewerImageUpdatesThePullRequestInPlace(t *testing.T) {
	hub, repo := newConfig(t, githubtest.RepoOptions{})
	runStep(t, hub, map[string]string{"images": "ghcr.io/acme/api=1.8.2"}).mustSucceed(t)
	repo.Push("main", "unrelated", map[string]string{"other.yaml": "a: 1\n"})
	got := runStep(t, hub, map[string]string{"images": "ghcr.io/acme/api=1.9.0", "labels": "deploy"}).mustSucceed(t)

	got.want(t, map[string]string{"changed": "true", "pr-operation": "updated", "pr-number": "1"})
	p := repo.Pulls()[0]
	if want := "clusters/prod: api 1.8.1 → 1.9.0"; p.Title != want {
		t.Errorf("title %q, want %q: the range starts at what the base branch has", p.Title, want)
	}
	if !strings.Contains(p.Body, "2 bumps in this pull request") || !strings.Contains(p.Body, "ghcr.io/acme/api:1.8.2") {
		t.Errorf("the body lost the history:\n%s", p.Body)
	}
	if repo.Read(p.Head, "other.yaml") == "" {
		t.Error("the branch was not brought up to the base branch")
	}
	if got := repo.Read(p.Head, prodFile); got != kustomization("ghcr.io/acme/api", "1.9.0") {
		t.Errorf("file on the branch:\n%s", got)
	}
	if len(p.Labels) != 1 {
		t.Errorf("labels %v", p.Labels)
	}
	if parents := repo.Head(p.Head).Parents; !slices.Contains(parents, repo.Head("main").SHA) {
		t.Errorf("parents %v lack the base branch: the pull request would show its changes too", parents)
	}
}

// TestRunThatStoppedBeforeItsPullRequest leaves a branch with a newer image behind. An older request that comes
// next opens the newer one's pull request instead of taking it back.
func TestRunThatStoppedBeforeItsPullRequest(t *testing.T) {
	hub, repo := newConfig(t, githubtest.RepoOptions{})
	hub.Before = func(_ int, r *http.Request) *githubtest.Fault {
		if strings.HasSuffix(r.URL.Path, "/pulls") {
			return &githubtest.Fault{Status: 503, Body: "{}"}
		}
		return nil
	}
	if got := runStep(t, hub, map[string]string{"images": "ghcr.io/acme/api=1.9.0"}); got.code != ExitFailed {
		t.Fatalf("exit %d", got.code)
	}
	hub.Before = nil
	runStep(t, hub, map[string]string{"images": "ghcr.io/acme/api=1.8.2"}).mustSucceed(t)
	open := repo.Open()
	if len(open) != 1 || open[0].Title != "clusters/prod: api 1.8.1 → 1.9.0" || repo.Read(open[0].Head, prodFile) != kustomization("ghcr.io/acme/api", "1.9.0") {
		t.Errorf("pull requests %+v", open)
	}
}

func TestOlderRequestArrivingLateLeavesTheNewerPullRequest(t *testing.T) {
	hub, repo := newConfig(t, githubtest.RepoOptions{})
	runStep(t, hub, map[string]string{"images": "ghcr.io/acme/api=1.9.0"}).mustSucceed(t)
	late := runStep(t, hub, map[string]string{"images": "ghcr.io/acme/api=1.8.2"}).mustSucceed(t)
	late.want(t, map[string]string{"changed": "false", "pr-operation": "unchanged"})
	if got := repo.Read(repo.Pulls()[0].Head, prodFile); got != kustomization("ghcr.io/acme/api", "1.9.0") {
		t.Errorf("the late run took the newer image back:\n%s", got)
	}
	forced := runStep(t, hub, map[string]string{"images": "ghcr.io/acme/api=1.8.2", "allow-downgrade": "true"}).mustSucceed(t)
	forced.want(t, map[string]string{"pr-operation": "updated"})
}

func TestPullRequestClosesWhenTheBaseHasTheValue(t *testing.T) {
	hub, repo := newConfig(t, githubtest.RepoOptions{})
	inputs := map[string]string{"images": "ghcr.io/acme/api=1.8.2"}
	runStep(t, hub, inputs).mustSucceed(t)
	repo.Push("main", "by hand", map[string]string{prodFile: kustomization("ghcr.io/acme/api", "1.8.2")})
	got := runStep(t, hub, inputs).mustSucceed(t)
	got.want(t, map[string]string{"changed": "true", "pr-operation": "closed", "pr-number": "1"})
	p := repo.Pulls()[0]
	if p.State != "closed" || len(p.Comments) != 1 || len(repo.Branches()) != 1 {
		t.Errorf("pull request %s, comments %v, branches %v", p.State, p.Comments, repo.Branches())
	}
}

func TestMergedPullRequestIsNotReopened(t *testing.T) {
	hub, repo := newConfig(t, githubtest.RepoOptions{})
	inputs := map[string]string{"images": "ghcr.io/acme/api=1.8.2"}
	runStep(t, hub, inputs).mustSucceed(t)
	repo.Merge(1) // the branch stays
	runStep(t, hub, inputs).mustSucceed(t).want(t, map[string]string{"changed": "false", "pr-operation": "none"})
	runStep(t, hub, map[string]string{"images": "ghcr.io/acme/api=1.8.3"}).mustSucceed(t).want(t, map[string]string{"pr-operation": "created", "pr-number": "2"})

	// Back on main by hand, then the first value again: the old branch has the same edits but is merged.
	repo.Push("main", "by hand", map[string]string{prodFile: kustomization("ghcr.io/acme/api", "1.8.1")})
	repo.DeleteBranch(repo.Pulls()[1].Head)
	runStep(t, hub, inputs).mustSucceed(t).want(t, map[string]string{"pr-operation": "created", "pr-number": "3"})
}

func TestCommitsOfOthersAreNeverOverwritten(t *testing.T) {
	hub, repo := newConfig(t, githubtest.RepoOptions{})
	runStep(t, hub, map[string]string{"images": "ghcr.io/acme/api=1.8.2"}).mustSucceed(t)
	branch := repo.Pulls()[0].Head
	byHand := repo.Push(branch, "Add a limit", map[string]string{"limit.yaml": "limit: 1\n"})

	same := runStep(t, hub, map[string]string{"images": "ghcr.io/acme/api=1.8.2"}).mustSucceed(t)
	same.want(t, map[string]string{"changed": "false", "pr-operation": "unchanged", "pr-number": "1"})

	newer := runStep(t, hub, map[string]string{"images": "ghcr.io/acme/api=1.9.0"}).mustSucceed(t)
	newer.want(t, map[string]string{"pr-operation": "created", "pr-number": "2", "branch": branch + "-2"})
	if repo.Head(branch).SHA != byHand.SHA {
		t.Error("the branch with somebody else's commit was moved")
	}
	if p := repo.Pulls()[0]; p.State != "open" {
		t.Error("the pull request with somebody else's commit was closed")
	}
	if !strings.Contains(repo.Pulls()[1].Body, "so it was not changed") {
		t.Errorf("no note about #1:\n%s", repo.Pulls()[1].Body)
	}
	// The second branch is now the one that is kept up to date.
	runStep(t, hub, map[string]string{"images": "ghcr.io/acme/api=1.9.1"}).mustSucceed(t).want(t, map[string]string{"pr-operation": "updated", "pr-number": "2"})
}

func TestAmendedCommitIsNotOurs(t *testing.T) {
	hub, repo := newConfig(t, githubtest.RepoOptions{})
	runStep(t, hub, map[string]string{"images": "ghcr.io/acme/api=1.8.2"}).mustSucceed(t)
	branch := repo.Pulls()[0].Head
	message := repo.Head(branch).Message
	amended := repo.Push(branch, message, map[string]string{"extra.yaml": "a: 1\n"}) // our words, another tree
	runStep(t, hub, map[string]string{"images": "ghcr.io/acme/api=1.9.0"}).mustSucceed(t).want(t, map[string]string{"pr-operation": "created"})
	if repo.Head(branch).SHA != amended.SHA {
		t.Error("an amended commit was overwritten")
	}
}

// TestUpdateBranchButton: the merge that GitHub makes for the button is no reason to start a second pull
// request, unless it brought anything else with it.
func TestUpdateBranchButton(t *testing.T) {
	second := map[string]string{"clusters/prod/second.yaml": "image: ghcr.io/acme/api:1.8.1\n"}
	for name, c := range map[string]struct {
		extra map[string]string
		want  map[string]string
	}{
		"only the base branch came in":     {nil, map[string]string{"pr-operation": "updated", "pr-number": "1"}},
		"a file came in with it":           {map[string]string{"mine.yaml": "a: 1\n"}, map[string]string{"pr-operation": "created", "pr-number": "2"}},
		"one of the edits was taken back":  {second, map[string]string{"pr-operation": "created", "pr-number": "2"}},
		"the edited file was changed more": {map[string]string{prodFile: kustomization("ghcr.io/acme/api", "1.8.2") + "# mine\n"}, map[string]string{"pr-operation": "created", "pr-number": "2"}},
	} {
		t.Run(name, func(t *testing.T) {
			hub, repo := newConfig(t, githubtest.RepoOptions{})
			repo.Push("main", "second", second)
			runStep(t, hub, map[string]string{"images": "ghcr.io/acme/api=1.8.2"}).mustSucceed(t)
			repo.Push("main", "unrelated", map[string]string{"other.yaml": "a: 1\n"})
			merge := repo.UpdateBranch(1, c.extra)
			repo.Push("main", "unrelated", map[string]string{"another.yaml": "a: 1\n"})
			runStep(t, hub, map[string]string{"images": "ghcr.io/acme/api=1.8.2"}).mustSucceed(t).want(t, map[string]string{"changed": "false", "pr-number": "1"})
			runStep(t, hub, map[string]string{"images": "ghcr.io/acme/api=1.9.0"}).mustSucceed(t).want(t, c.want)
			if c.extra != nil && repo.Head(repo.Pulls()[0].Head).SHA != merge.SHA {
				t.Error("somebody else's change was overwritten")
			}
		})
	}
}

func TestPullRequestThatBecameEmptyCloses(t *testing.T) {
	hub, repo := newConfig(t, githubtest.RepoOptions{})
	runStep(t, hub, map[string]string{"images": "ghcr.io/acme/api=1.8.2"}).mustSucceed(t)
	repo.Push("main", "by hand", map[string]string{prodFile: kustomization("ghcr.io/acme/api", "1.8.2")})
	repo.UpdateBranch(1, nil)
	runStep(t, hub, map[string]string{"images": "ghcr.io/acme/api=1.8.2"}).mustSucceed(t).want(t, map[string]string{"pr-operation": "closed", "pr-number": "1"})
}

func TestBranchOfSomebodyElseIsNotTaken(t *testing.T) {
	hub, repo := newConfig(t, githubtest.RepoOptions{})
	mine := repo.Push("deploy", "my work", map[string]string{"a.yaml": "a: 1\n"})
	got := runStep(t, hub, map[string]string{"images": "ghcr.io/acme/api=1.8.2", "branch": "deploy"}).mustSucceed(t)
	got.want(t, map[string]string{"branch": "deploy-2"})
	if repo.Head("deploy").SHA != mine.SHA {
		t.Error("somebody else's branch was moved")
	}
}

func TestPullRequestOfAnotherBranchNameIsSuperseded(t *testing.T) {
	hub, repo := newConfig(t, githubtest.RepoOptions{})
	runStep(t, hub, map[string]string{"images": "ghcr.io/acme/api=1.8.2", "branch": "bump/{image}-{tag}"}).mustSucceed(t)
	got := runStep(t, hub, map[string]string{"images": "ghcr.io/acme/api=1.9.0", "branch": "bump/{image}-{tag}"}).mustSucceed(t)
	got.want(t, map[string]string{"branch": "bump/api-1.9.0", "pr-operation": "created", "pr-number": "2"})
	if p := repo.Pulls()[0]; p.State != "closed" || len(p.Comments) != 1 || p.Comments[0] != "Superseded by #2." {
		t.Errorf("old pull request: %s, %v", p.State, p.Comments)
	}
}

func TestWhatAPersonWroteStays(t *testing.T) {
	hub, repo := newConfig(t, githubtest.RepoOptions{})
	runStep(t, hub, map[string]string{"images": "ghcr.io/acme/api=1.8.2"}).mustSucceed(t)
	repo.Edit(1, func(p *githubtest.Pull) { p.Title, p.Body = "My title", p.Body+"\nPlease wait for Grace.\n" })
	runStep(t, hub, map[string]string{"images": "ghcr.io/acme/api=1.9.0"}).mustSucceed(t).want(t, map[string]string{"pr-operation": "updated"})
	if p := repo.Pulls()[0]; p.Title != "My title" || !strings.Contains(p.Body, "Please wait for Grace.") {
		t.Errorf("title %q, body:\n%s", p.Title, p.Body)
	}
}

func TestTwoTargetsHaveTwoPullRequests(t *testing.T) {
	hub, repo := newConfig(t, githubtest.RepoOptions{})
	repo.Push("main", "web", map[string]string{"web.yaml": "image: ghcr.io/acme/web:1.0.0\n"})
	runStep(t, hub, map[string]string{"images": "ghcr.io/acme/api=1.8.2"}).mustSucceed(t)
	runStep(t, hub, map[string]string{"images": "ghcr.io/acme/web=1.0.1"}).mustSucceed(t)
	if n := len(repo.Open()); n != 2 {
		t.Errorf("%d open pull requests, want 2", n)
	}
}

func TestDirectCommit(t *testing.T) {
	hub, repo := newConfig(t, githubtest.RepoOptions{})
	got := runStep(t, hub, map[string]string{"images": "ghcr.io/acme/api=1.8.2", "pull-request": "false"}).mustSucceed(t)
	got.want(t, map[string]string{"changed": "true", "branch": "main", "pr-operation": "none", "commit": repo.Head("main").SHA})
	if len(repo.Pulls()) != 0 || repo.Read("main", prodFile) != kustomization("ghcr.io/acme/api", "1.8.2") {
		t.Errorf("pulls %v, file:\n%s", repo.Pulls(), repo.Read("main", prodFile))
	}
	if !strings.HasPrefix(repo.Head("main").Message, "Bump api 1.8.1 → 1.8.2") {
		t.Errorf("message %q", repo.Head("main").Message)
	}
}

func TestCheckAndDryRunWriteNothing(t *testing.T) {
	for _, inputs := range []map[string]string{{"operation": "check"}, {"dry-run": "true"}, {"dry-run": "true", "pull-request": "false"}} {
		hub, _ := newConfig(t, githubtest.RepoOptions{})
		hub.SetToken(githubtest.Token, githubtest.Permissions{Contents: "read"})
		inputs["images"] = "ghcr.io/acme/api=1.8.2"
		got := runStep(t, hub, inputs).mustSucceed(t)
		got.want(t, map[string]string{"changed": "true", "pr-operation": "none"})
		if w := hub.Writes(); len(w) > 0 {
			t.Errorf("%v wrote %v", inputs, w)
		}
		if !strings.Contains(got.outputs["edits"], `"new":"1.8.2"`) {
			t.Errorf("edits output %s", got.outputs["edits"])
		}
	}
}

func TestTemplates(t *testing.T) {
	hub, repo := newConfig(t, githubtest.RepoOptions{})
	repo.Push("release", "release branch", map[string]string{"values.yaml": "image:\n  repository: ghcr.io/acme/web\n  tag: 1.0.0\n"})
	got := runStep(t, hub, map[string]string{
		"images": "ghcr.io/acme/api=1.8.2\nghcr.io/acme/web=1.1.0", "ref": "refs/heads/release", "title": "Deploy {images} to {ref}", "branch": "deploy/{ref}/{image}",
		"commit-message": "deploy: {image} {from} to {tag}", "body": "From {repository}, {unknown}",
	}).mustSucceed(t)
	p := repo.Pulls()[0]
	if want := "Deploy api 1.8.1 → 1.8.2, web 1.0.0 → 1.1.0 to release"; p.Title != want {
		t.Errorf("title %q, want %q", p.Title, want)
	}
	if got.outputs["branch"] != "deploy/release/api" || p.Base != "release" {
		t.Errorf("branch %s, base %s", got.outputs["branch"], p.Base)
	}
	if m := repo.Head(p.Head).Message; !strings.HasPrefix(m, "deploy: api 1.8.1 to 1.8.2\n\nGitops-Set: ") {
		t.Errorf("message %q", m)
	}
	if !strings.Contains(p.Body, "| `ghcr.io/acme/web` | `1.0.0` | `1.1.0` | `values.yaml:3` |\n") {
		t.Errorf("body:\n%s", p.Body)
	}
	if !strings.HasPrefix(p.Body, "From acme/config, {unknown}\n") {
		t.Errorf("body:\n%s", p.Body)
	}
}
