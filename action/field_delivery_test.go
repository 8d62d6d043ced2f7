package action

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/display"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/githubtest"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/promotion"
)

// TestFieldMergeRaces: GitHub refuses a merge because a branch has just moved.
func TestFieldMergeRaces(t *testing.T) {
	for _, times := range []int{1, 3, 10, maxRaces - 1} {
		t.Run("A10 the base branch was modified, again and again", func(t *testing.T) {
			hub, repo := newConfig(t, githubtest.RepoOptions{MergeState: "CLEAN", BaseModified: times})
			got := runStep(t, hub, bump("1.9.0", "auto-merge", "squash", "reviewers", "nobody")).mustSucceed(t)
			got.want(t, map[string]string{"changed": "true", "pr-operation": "created", "pr-number": "1"})
			if !repo.Pulls()[0].Merged || repo.Read("main", prodFile) != kustomization(apiImage, "1.9.0") || len(repo.Pulls()) != 1 {
				t.Errorf("%+v", repo.Pulls())
			}
			if !strings.Contains(got.stdout, "merged #1") || strings.Count(got.stdout, "note: reviewer nobody") != 1 {
				t.Errorf("stdout:\n%s", got.stdout)
			}
		})
	}
	t.Run("A10 the base branch is modified for ever", func(t *testing.T) {
		for _, inputs := range []map[string]string{bump("1.9.0", "auto-merge", "squash"), promoting("auto-merge", "merge")} {
			hub, repo := newConfig(t, githubtest.RepoOptions{MergeState: "CLEAN", BaseModified: 1 << 30})
			repo.Push("main", "staging", map[string]string{stagingFile: kustomization(apiImage, "1.9.0")})
			for _, operation := range []string{"created", "unchanged"} {
				got := runStep(t, hub, inputs)
				if got.code != ExitFailed || !strings.Contains(got.stderr, "#1") || !strings.Contains(got.stderr, "Base branch was modified") || len(repo.Open()) != 1 {
					t.Errorf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
				}
				if got.outputs["pr-number"] != "1" || got.outputs["pr-operation"] != operation {
					t.Errorf("outputs %v", got.outputs)
				}
			}
		}
	})
	t.Run("A10 the base branch gets the same line meanwhile", func(t *testing.T) {
		hub, repo := newConfig(t, githubtest.RepoOptions{MergeState: "CLEAN"})
		hub.Before = raceAt(hub, http.MethodPut, "/merge", func() { baseHas(repo, "1.8.9") })
		runStep(t, hub, bump("1.9.0", "auto-merge", "squash")).mustSucceed(t).want(t, map[string]string{"pr-number": "1"})
		if !repo.Pulls()[0].Merged || repo.Read("main", prodFile) != kustomization(apiImage, "1.9.0") {
			t.Errorf("%+v\n%s", repo.Pulls(), repo.Read("main", prodFile))
		}
	})
	t.Run("A10 the base branch gets a newer tag meanwhile", func(t *testing.T) {
		hub, repo := newConfig(t, githubtest.RepoOptions{MergeState: "CLEAN"})
		hub.Before = raceAt(hub, http.MethodPut, "/merge", func() { baseHas(repo, "1.9.9") })
		runStep(t, hub, bump("1.9.0", "auto-merge", "squash")).mustSucceed(t).want(t, map[string]string{"pr-operation": "closed"})
		if repo.Read("main", prodFile) != kustomization(apiImage, "1.9.9") {
			t.Errorf("main has:\n%s", repo.Read("main", prodFile))
		}
	})
	t.Run("A10 a conflict arises before auto-merge is switched on", func(t *testing.T) {
		hub, repo := newConfig(t, githubtest.RepoOptions{AutoMerge: true})
		hub.Before = func(_ int, r *http.Request) *githubtest.Fault {
			if len(repo.Pulls()) == 1 && strings.HasSuffix(r.URL.Path, "/graphql") {
				hub.Before = nil
				baseHas(repo, "1.8.9")
			}
			return nil
		}
		runStep(t, hub, bump("1.9.0", "auto-merge", "squash")).mustSucceed(t).want(t, map[string]string{"pr-operation": "created"})
		if p := repo.Pulls()[0]; p.AutoMerge != "SQUASH" || len(repo.Conflicts(1)) > 0 {
			t.Errorf("%+v", p)
		}
	})
	t.Run("A10 GitHub merges in no way", func(t *testing.T) {
		hub, repo := newConfig(t, githubtest.RepoOptions{MergeState: "CLEAN", MergeMethods: []string{"squash"}})
		got := runStep(t, hub, bump("1.9.0", "auto-merge", "rebase"))
		if got.code != ExitFailed || !strings.Contains(got.stderr, "Rebase merges are not allowed") || !strings.Contains(got.stderr, "#1 is open") {
			t.Errorf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
		}
		got.want(t, map[string]string{"pr-number": "1", "pr-operation": "created"})
		if len(repo.Open()) != 1 {
			t.Errorf("%+v", repo.Pulls())
		}
	})
	t.Run("A10 required checks never let it pass", func(t *testing.T) {
		hub, _ := newConfig(t, githubtest.RepoOptions{MergeState: "CLEAN"})
		hub.Before = func(_ int, r *http.Request) *githubtest.Fault {
			if r.Method == http.MethodPut {
				return &githubtest.Fault{Status: 405, Body: `{"message":"At least 1 approving review is required by reviewers with write access."}`}
			}
			return nil
		}
		got := runStep(t, hub, bump("1.9.0", "auto-merge", "squash"))
		if got.code != ExitFailed || !strings.Contains(got.stderr, "#1 is open, but was not merged") || !strings.Contains(got.stderr, "/acme/config/pull/1") {
			t.Errorf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
		}
	})
}

// TestFieldNamesThatCannotBeAsked: one name that GitHub refuses does not keep the others out.
func TestFieldNamesThatCannotBeAsked(t *testing.T) {
	long := strings.Repeat("x", 51)
	options := githubtest.RepoOptions{Collaborators: []string{"ada", "grace"}, Teams: []string{"ops"}}
	cases := []struct {
		name                               string
		inputs                             []string
		reviewers, teams, assignees, label []string
		warnings                           []string
	}{
		{"A11 a reviewer that nobody knows", []string{"reviewers", "ada,eve,grace"}, []string{"ada", "grace"}, nil, nil, nil, []string{"reviewer eve was not added"}},
		{"A11 the author", []string{"reviewers", "ada,gitops[bot],grace"}, []string{"ada", "grace"}, nil, nil, nil, []string{"reviewer gitops[bot] was not added", "author"}},
		{"A11 two of three", []string{"reviewers", "eve,ada,mallory"}, []string{"ada"}, nil, nil, nil, []string{"reviewer eve was", "reviewer mallory was"}},
		{"A11 all of them", []string{"reviewers", "eve,mallory"}, nil, nil, nil, nil, []string{"reviewer eve was", "reviewer mallory was"}},
		{"A11 a team that is not there", []string{"reviewers", "ada", "team-reviewers", "ops,none"}, []string{"ada"}, []string{"ops"}, nil, nil, []string{"reviewer team none was"}},
		{"A11 an assignee", []string{"assignees", "ada,eve"}, nil, nil, []string{"ada"}, nil, []string{"assignee eve was not added"}},
		{"A11 an assignee beside labels", []string{"assignees", "ada,eve", "labels", "deploy"}, nil, nil, []string{"ada"}, []string{"deploy"}, []string{"assignee eve was not added"}},
		{"A11 a label", []string{"labels", "deploy," + long}, nil, nil, nil, []string{"deploy"}, []string{"label " + long + " was not added"}},
		{"A11 a label beside assignees", []string{"labels", "deploy," + long, "assignees", "ada"}, nil, nil, []string{"ada"}, []string{"deploy"}, []string{"label " + long + " was not added"}},
		{"A11 all lists at once", []string{"labels", "deploy", "assignees", "eve,ada", "reviewers", "eve,grace", "team-reviewers", "none,ops"}, []string{"grace"}, []string{"ops"}, []string{"ada"}, []string{"deploy"},
			[]string{"assignee eve was", "reviewer eve was", "reviewer team none was"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			hub, repo := newConfig(t, options)
			got := runStep(t, hub, bump("1.9.0", c.inputs...)).mustSucceed(t)
			p := repo.Pulls()[0]
			if !slices.Equal(p.Reviewers, c.reviewers) || !slices.Equal(p.Teams, c.teams) || !slices.Equal(p.Assignees, c.assignees) || !slices.Equal(p.Labels, c.label) {
				t.Errorf("reviewers %v, teams %v, assignees %v, labels %v", p.Reviewers, p.Teams, p.Assignees, p.Labels)
			}
			for _, w := range c.warnings {
				if !strings.Contains(got.stdout, w) || !strings.Contains(got.stdout, "::warning") {
					t.Errorf("no warning %q in:\n%s", w, got.stdout)
				}
			}
		})
	}
	t.Run("A11 a token that cannot ask teams", func(t *testing.T) {
		hub, repo := newConfig(t, options)
		hub.SetToken("actions", githubtest.Permissions{Contents: "write", PullRequests: "write", NoTeams: true})
		got := runStep(t, hub, bump("1.9.0", "token", "actions", "reviewers", "ada,eve", "team-reviewers", "ops")).mustSucceed(t)
		if p := repo.Pulls()[0]; !slices.Equal(p.Reviewers, []string{"ada"}) || !strings.Contains(got.stdout, "reviewer team ops was not added") || !strings.Contains(got.stdout, "members: read") {
			t.Errorf("reviewers %v\n%s", p.Reviewers, got.stdout)
		}
	})
	t.Run("A11 one request when nobody is refused", func(t *testing.T) {
		hub, _ := newConfig(t, options)
		runStep(t, hub, bump("1.9.0", "reviewers", "ada,grace", "team-reviewers", "ops")).mustSucceed(t)
		if n := len(hub.Requests()); n != 7 {
			t.Errorf("%d requests: %v", n, hub.Requests())
		}
	})
}

// TestFieldClosedByAPerson: a pull request that somebody closed is not opened again for the same versions.
func TestFieldClosedByAPerson(t *testing.T) {
	promoted := func(t *testing.T) (*githubtest.Server, *githubtest.Repo) {
		hub, repo := stages(t, nil)
		repo.Push("main", "bump", stagingRuns("1.9.0", "2.0.0"))
		runStep(t, hub, promoting()).mustSucceed(t)
		return hub, repo
	}
	staysClosed := func(t *testing.T, hub *githubtest.Server, repo *githubtest.Repo, inputs map[string]string, most int) {
		t.Helper()
		pulls := len(repo.Pulls())
		hub.ResetRequests()
		got := runStep(t, hub, inputs).mustSucceed(t)
		got.want(t, map[string]string{"changed": "false", "pr-operation": "none", "pr-number": "1"})
		if len(hub.Writes()) > 0 || len(repo.Pulls()) != pulls || len(repo.Open()) > 0 {
			t.Errorf("it wrote %v, open: %v", hub.Writes(), repo.Open())
		}
		if !strings.Contains(got.stdout, "#1 proposed this and was closed") || !strings.Contains(got.stdout, "reopen #1") || !strings.Contains(got.summary, "closed") {
			t.Errorf("nobody is told:\n%s\n%s", got.stdout, got.summary)
		}
		if n := len(hub.Requests()); n != most {
			t.Errorf("%d requests, want %d: %v", n, most, hub.Requests())
		}
	}
	t.Run("A14 promotion", func(t *testing.T) {
		hub, repo := promoted(t)
		repo.ClosePull(1)
		staysClosed(t, hub, repo, promoting(), 4)
		repo.Push("main", "unrelated", map[string]string{"README.md": "x\n"})
		staysClosed(t, hub, repo, promoting(), 4)
		repo.DeleteBranch(repo.Pulls()[0].Head) // the button on the closed pull request
		staysClosed(t, hub, repo, promoting(), 4)
		repo.Push("main", "bump", stagingRuns("1.9.1", "2.0.0"))
		runStep(t, hub, promoting()).mustSucceed(t).want(t, map[string]string{"pr-operation": "created", "pr-number": "2"})
		if list := repo.PullCommits(2); len(list) != 1 {
			t.Errorf("#2 lists %v", list)
		}
		runStep(t, hub, promoting()).mustSucceed(t).want(t, map[string]string{"pr-operation": "unchanged", "pr-number": "2"})
	})
	t.Run("A14 a person deleted the branch", func(t *testing.T) {
		hub, repo := promoted(t)
		repo.DeleteBranch(repo.Pulls()[0].Head)
		staysClosed(t, hub, repo, promoting(), 4)
	})
	t.Run("A14 another image of both environments moves on", func(t *testing.T) {
		hub, repo := promoted(t)
		repo.ClosePull(1)
		files := stagingRuns("1.9.0", "2.0.1")
		files["clusters/prod/values.yaml"] = strings.Replace(prodValues, "worker:2.0.0", "worker:2.0.1", 1)
		repo.Push("main", "worker everywhere", files)
		staysClosed(t, hub, repo, promoting(), 4)
		repo.Push("main", "worker in staging", stagingRuns("1.9.0", "2.1.0"))
		runStep(t, hub, promoting()).mustSucceed(t).want(t, map[string]string{"pr-operation": "created"})
	})
	t.Run("A14 reopened", func(t *testing.T) {
		hub, repo := promoted(t)
		repo.ClosePull(1)
		runStep(t, hub, promoting()).mustSucceed(t)
		if !repo.Reopen(1) {
			t.Fatal("it cannot be reopened")
		}
		runStep(t, hub, promoting()).mustSucceed(t).want(t, map[string]string{"pr-operation": "unchanged", "pr-number": "1"})
		repo.Push("main", "bump", stagingRuns("1.9.1", "2.0.0"))
		runStep(t, hub, promoting()).mustSucceed(t).want(t, map[string]string{"pr-operation": "updated", "pr-number": "1"})
	})
	t.Run("A14 by gates", func(t *testing.T) {
		hub, repo := stages(t, gated("statuses: [e2e], unmet: draft"))
		repo.Push("main", "bump", stagingRuns("1.9.0", "2.0.0"))
		runStep(t, hub, toProd()).mustSucceed(t)
		repo.ClosePull(1)
		staysClosed(t, hub, repo, toProd(), 5)
	})
	t.Run("A14 bump", func(t *testing.T) {
		hub, repo := newConfig(t, githubtest.RepoOptions{})
		runStep(t, hub, bump("1.9.0")).mustSucceed(t)
		repo.ClosePull(1)
		staysClosed(t, hub, repo, bump("1.9.0"), 2)
		runStep(t, hub, bump("1.9.1")).mustSucceed(t).want(t, map[string]string{"pr-operation": "created", "pr-number": "2"})
		// The older version comes late: what is open is newer.
		runStep(t, hub, bump("1.9.0")).mustSucceed(t).want(t, map[string]string{"pr-number": "2", "changed": "false"})
	})
	t.Run("A14 bump with somebody else's commits", func(t *testing.T) {
		hub, repo := newConfig(t, githubtest.RepoOptions{})
		runStep(t, hub, bump("1.9.0")).mustSucceed(t)
		repo.Push(repo.Pulls()[0].Head, "mine", map[string]string{"mine.yaml": "a: 1\n"})
		repo.ClosePull(1)
		staysClosed(t, hub, repo, bump("1.9.0"), 2)
	})
	t.Run("A14 rollback", func(t *testing.T) {
		hub, repo := newConfig(t, githubtest.RepoOptions{})
		c := repo.Push("main", "release", map[string]string{prodFile: kustomization(apiImage, "1.9.0")})
		runStep(t, hub, rollback("commit", display.SHA(c.SHA))).mustSucceed(t)
		repo.ClosePull(1)
		staysClosed(t, hub, repo, rollback("commit", display.SHA(c.SHA)), 7)
	})
	t.Run("A14 rollback of an image is about one version", func(t *testing.T) {
		hub, repo := newConfig(t, githubtest.RepoOptions{})
		baseHas(repo, "1.9.0")
		back := rollback("images", apiImage, "paths", "clusters/prod")
		runStep(t, hub, back).mustSucceed(t)
		repo.ClosePull(1)
		staysClosed(t, hub, repo, back, 3)
		baseHas(repo, "1.9.1")
		runStep(t, hub, back).mustSucceed(t).want(t, map[string]string{"pr-operation": "created"})
		proposes(t, repo, 2, "1.9.0", 1)
	})
	t.Run("A14 merged since, and then wanted again", func(t *testing.T) {
		hub, repo := newConfig(t, githubtest.RepoOptions{})
		runStep(t, hub, bump("1.9.0")).mustSucceed(t)
		repo.ClosePull(1)
		repo.Reopen(1)
		repo.Squash(1)
		baseHas(repo, "1.8.1")
		runStep(t, hub, bump("1.9.0")).mustSucceed(t).want(t, map[string]string{"pr-operation": "created", "pr-number": "2"})
	})
	// What this action closes itself says nothing about the version.
	t.Run("A14 closed because the base had it", func(t *testing.T) {
		hub, repo := newConfig(t, githubtest.RepoOptions{})
		runStep(t, hub, bump("1.9.0")).mustSucceed(t)
		baseHas(repo, "1.9.0")
		runStep(t, hub, bump("1.9.0")).mustSucceed(t).want(t, map[string]string{"pr-operation": "closed"})
		baseHas(repo, "1.8.1")
		runStep(t, hub, bump("1.9.0")).mustSucceed(t).want(t, map[string]string{"pr-operation": "created", "pr-number": "2"})
	})
	t.Run("A14 a late older version with a branch of its own", func(t *testing.T) {
		hub, repo := newConfig(t, githubtest.RepoOptions{})
		const branch = "bump/{image}-{tag}"
		runStep(t, hub, bump("1.9.1", "branch", branch)).mustSucceed(t)
		runStep(t, hub, bump("1.9.0", "branch", branch)).mustSucceed(t).want(t, map[string]string{"pr-number": "1", "changed": "false"})
		proposes(t, repo, 1, "1.9.1", 1)
	})
	t.Run("A14 closed because it was superseded", func(t *testing.T) {
		hub, repo := newConfig(t, githubtest.RepoOptions{})
		const branch = "bump/{image}-{tag}"
		runStep(t, hub, bump("1.9.0", "branch", branch)).mustSucceed(t)
		runStep(t, hub, bump("1.9.1", "branch", branch)).mustSucceed(t)
		runStep(t, hub, bump("1.9.0", "branch", branch, "allow-downgrade", "true")).mustSucceed(t).want(t, map[string]string{"pr-operation": "created", "pr-number": "3"})
		if len(repo.Open()) != 1 {
			t.Errorf("%d open", len(repo.Open()))
		}
	})
	t.Run("A14 closed because it was held", func(t *testing.T) {
		hub, repo := promoted(t)
		hold := heldHead + "- image: ghcr.io/acme/api\n  tag: \"1.9.0\"\n  path: clusters/prod\n"
		repo.Push("main", "hold", map[string]string{promotion.HoldsPath: hold})
		runStep(t, hub, promoting()).mustSucceed(t).want(t, map[string]string{"pr-operation": "closed"})
		repo.Remove("main", "release", promotion.HoldsPath)
		runStep(t, hub, promoting()).mustSucceed(t).want(t, map[string]string{"pr-operation": "created", "pr-number": "2"})
	})
	t.Run("A14 a fork's pull request says nothing", func(t *testing.T) {
		hub, repo := promoted(t)
		repo.Squash(1)
		repo.Push("main", "back", map[string]string{"clusters/prod/values.yaml": prodValues})
		body := repo.Pulls()[0].Body
		repo.OpenPull(repo.Pulls()[0].Head, "from a fork")
		repo.Edit(2, func(p *githubtest.Pull) { p.Fork, p.Body, p.State = true, body, "closed" })
		runStep(t, hub, promoting()).mustSucceed(t).want(t, map[string]string{"pr-operation": "created", "pr-number": "3"})
	})
}
