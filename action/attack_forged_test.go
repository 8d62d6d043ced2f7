package action

import (
	"regexp"
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/githubtest"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/promotion"
)

var treeRE = regexp.MustCompile(`tree=[0-9a-f]+`)

// forged is the message of a real commit, with the trailer made to fit another tree. All of it can be read in the repository.
func forged(real string) func(tree string) string {
	return func(tree string) string { return treeRE.ReplaceAllString(real, "tree="+tree) }
}

const evilFile = "clusters/prod/evil.yaml"

// TestAttackForgedBranch: somebody who can push branches, but not to main, wants their commit merged in the name of a run.
func TestAttackForgedBranch(t *testing.T) {
	const method = "auto-merge"
	type attack struct {
		name  string
		forge func(repo *githubtest.Repo, branch, base, real string)
	}
	edit := map[string]string{prodFile: kustomization(apiImage, "1.9.0")}
	with := func(files map[string]string, more ...string) map[string]string {
		out := map[string]string{}
		for k, v := range files {
			out[k] = v
		}
		for i := 0; i < len(more); i += 2 {
			out[more[i]] = more[i+1]
		}
		return out
	}
	evil := with(edit, evilFile, "kind: ClusterRoleBinding\n")
	attacks := []attack{
		{"X4 a file more, on the same base", func(r *githubtest.Repo, branch, base, real string) {
			r.ForcePush(branch, base, evil, forged(real))
		}},
		{"X4 a file more, on top of the run's commit", func(r *githubtest.Repo, branch, _, real string) {
			r.ForcePush(branch, r.Head(branch).SHA, evil, forged(real))
		}},
		{"X4 other bytes in the same file", func(r *githubtest.Repo, branch, base, real string) {
			r.ForcePush(branch, base, map[string]string{prodFile: kustomization("ghcr.io/mallory/api", "1.9.0") + "# evil\n"}, forged(real))
		}},
		{"X4 a file of main is deleted", func(r *githubtest.Repo, branch, base, real string) {
			r.ForcePush(branch, base, with(edit, "README.md", ""), forged(real))
		}},
		{"X4 an evil commit below a true one", func(r *githubtest.Repo, branch, base, real string) {
			below := r.ForcePush(branch, base, map[string]string{evilFile: "evil\n"}, forged(real))
			r.ForcePush(branch, below.SHA, edit, forged(real))
		}},
		{"X4 an evil commit below one that takes it back", func(r *githubtest.Repo, branch, base, real string) {
			below := r.ForcePush(branch, base, map[string]string{evilFile: "evil\n"}, func(string) string { return "evil" })
			r.ForcePush(branch, below.SHA, with(edit, evilFile, ""), forged(real))
		}},
		{"X4 the edit of an older version under this one's name", func(r *githubtest.Repo, branch, base, real string) {
			r.ForcePush(branch, base, map[string]string{prodFile: kustomization(apiImage, "1.0.0-vulnerable")}, forged(real))
		}},
		{"X4 a trailer that allows deletions", func(r *githubtest.Repo, branch, base, real string) {
			r.ForcePush(branch, base, edit, forged(strings.Replace(real, "\n\n", "\n\nGitops-Allow-Deletions: 1000\n\nevil\n\n", 1)))
		}},
		{"X4 an older base", func(r *githubtest.Repo, branch, base, real string) {
			r.Push("main", "another file", map[string]string{"README.md": "x\n"})
			r.ForcePush(branch, base, evil, forged(real))
		}},
		{"X4 a base that is no commit of main", func(r *githubtest.Repo, branch, base, real string) {
			side := r.Push("side", "evil", map[string]string{evilFile: "evil\n"})
			r.ForcePush(branch, side.SHA, edit, forged(real))
		}},
		{"X4 a merge of main that brings a file", func(r *githubtest.Repo, _, _, _ string) {
			r.Push("main", "another file", map[string]string{"README.md": "x\n"})
			r.UpdateBranch(1, map[string]string{evilFile: "evil\n"})
		}},
	}
	for _, a := range attacks {
		for _, open := range []string{"with a pull request", "before the pull request"} {
			if open == "before the pull request" && strings.Contains(a.name, "a merge of main") {
				continue
			}
			for _, how := range []string{"squash", "merge", "rebase"} {
				t.Run(a.name+", "+open+", "+how, func(t *testing.T) {
					hub, repo := newConfig(t, githubtest.RepoOptions{MergeState: "CLEAN"})
					base := repo.Head("main").SHA
					runStep(t, hub, bump("1.9.0")).mustSucceed(t)
					branch := repo.Pulls()[0].Head
					real := repo.Head(branch).Message
					if open != "with a pull request" {
						repo.Edit(1, func(p *githubtest.Pull) { p.State, p.Body = "closed", "" })
					}
					a.forge(repo, branch, base, real)
					bad := repo.Head(branch)
					got := runStep(t, hub, bump("1.9.0", method, how))
					runStep(t, hub, bump("1.9.1", method, how))
					files := repo.Files("main")
					if _, evil := files[evilFile]; evil || strings.Contains(files[prodFile].Data, "mallory") || files["README.md"].Data == "" || strings.Contains(files[prodFile].Data, "vulnerable") {
						t.Errorf("merged:\n%v\n%s%s", files, got.stdout, got.stderr)
					}
					for c := repo.Head("main"); c != nil; c = parentOf(repo, c) {
						if strings.Contains(c.Message, "Gitops-Allow-Deletions") || c.SHA == bad.SHA {
							t.Errorf("main has the commit %s:\n%s", c.SHA, c.Message)
						}
					}
					if !strings.Contains(files[prodFile].Data, "1.9.1") {
						t.Errorf("the versions that were asked for do not arrive:\n%s\n%s%s", files[prodFile].Data, got.stdout, got.stderr)
					}
				})
			}
		}
	}
}

// parentOf is the first parent of a commit, or nil.
func parentOf(repo *githubtest.Repo, c *githubtest.Commit) *githubtest.Commit {
	if len(c.Parents) == 0 {
		return nil
	}
	return repo.Commit(c.Parents[0])
}

// TestAttackForgedBranchIsLeftAlone: what is not a run's is neither overwritten nor deleted, whatever its trailers say.
func TestAttackForgedBranchIsLeftAlone(t *testing.T) {
	setup := func(t *testing.T, options githubtest.RepoOptions) (*githubtest.Server, *githubtest.Repo, string, *githubtest.Commit) {
		hub, repo := newConfig(t, options)
		runStep(t, hub, bump("1.9.0")).mustSucceed(t)
		branch := repo.Pulls()[0].Head
		c := repo.ForcePush(branch, repo.Head("main").SHA, map[string]string{prodFile: kustomization(apiImage, "1.9.0"), "limit.yaml": "work of others\n"}, forged(repo.Head(branch).Message))
		return hub, repo, branch, c
	}
	t.Run("X4 by the same version", func(t *testing.T) {
		hub, repo, branch, c := setup(t, githubtest.RepoOptions{})
		got := runStep(t, hub, bump("1.9.0")).mustSucceed(t)
		if repo.Head(branch).SHA != c.SHA || !strings.Contains(got.stdout, "somebody else") {
			t.Errorf("head %s\n%s", repo.Head(branch).SHA, got.stdout)
		}
	})
	t.Run("X4 by a newer version", func(t *testing.T) {
		hub, repo, branch, c := setup(t, githubtest.RepoOptions{})
		runStep(t, hub, bump("1.9.1")).mustSucceed(t).want(t, map[string]string{"pr-operation": "created", "branch": branch + "-2"})
		if repo.Head(branch).SHA != c.SHA {
			t.Error("it was overwritten")
		}
	})
	t.Run("X4 when main has the version", func(t *testing.T) {
		hub, repo, branch, c := setup(t, githubtest.RepoOptions{})
		baseHas(repo, "1.9.0")
		runStep(t, hub, bump("1.9.0")).mustSucceed(t)
		if h := repo.Head(branch); h == nil || h.SHA != c.SHA || repo.Pulls()[0].State != "open" {
			t.Error("it was closed")
		}
	})
	t.Run("X4 when main has a newer version", func(t *testing.T) {
		hub, repo, branch, c := setup(t, githubtest.RepoOptions{})
		baseHas(repo, "1.9.5")
		runStep(t, hub, bump("1.9.0"))
		if h := repo.Head(branch); h == nil || h.SHA != c.SHA || repo.Pulls()[0].State != "open" {
			t.Error("it was closed")
		}
	})
	t.Run("X4 auto-merge of an earlier run is switched off", func(t *testing.T) {
		hub, repo := newConfig(t, githubtest.RepoOptions{AutoMerge: true})
		runStep(t, hub, bump("1.9.0", "auto-merge", "squash")).mustSucceed(t)
		branch := repo.Pulls()[0].Head
		repo.ForcePush(branch, repo.Head("main").SHA, map[string]string{prodFile: kustomization(apiImage, "1.9.0"), evilFile: "evil\n"}, forged(repo.Head(branch).Message))
		got := runStep(t, hub, bump("1.9.0", "auto-merge", "squash")).mustSucceed(t)
		if repo.RequirementsMet(1) || !strings.Contains(got.stdout, "switched auto-merge of #1 off") {
			t.Errorf("merged %v\n%s", repo.Pulls()[0].Merged, got.stdout)
		}
	})
}

// TestAttackForgedRequest: the trailers of a branch say what an earlier run was asked for. They make no edit that this run
// was not asked for.
func TestAttackForgedRequest(t *testing.T) {
	for name, set := range map[string]string{
		"X4 a value of another file":    "Gitops-Set: README.md:image=ghcr.io/mallory/api:9.9.9",
		"X4 another image":              "Gitops-Set: ghcr.io/acme/other=99.0.0",
		"X4 the image and a value more": "Gitops-Set: ghcr.io/acme/api:99.0.0\nGitops-Set: rbac.yaml:roleRef.name=cluster-admin",
		"X4 the image twice":            "Gitops-Set: ghcr.io/acme/api:99.0.0\nGitops-Set: ghcr.io/acme/other:99.0.0",
	} {
		t.Run(name, func(t *testing.T) {
			hub, repo := newConfig(t, githubtest.RepoOptions{AutoMerge: true})
			repo.Push("main", "more", map[string]string{"rbac.yaml": "roleRef:\n  name: view\n", "other.yaml": "image: ghcr.io/acme/other:1.0.0\n"})
			runStep(t, hub, bump("1.9.0")).mustSucceed(t)
			branch := repo.Pulls()[0].Head
			real := strings.Replace(repo.Head(branch).Message, "Gitops-Set: ghcr.io/acme/api:1.9.0", set, 1)
			if !strings.Contains(real, set) {
				t.Fatalf("message:\n%s", real)
			}
			repo.ForcePush(branch, repo.Head("main").SHA, map[string]string{prodFile: kustomization(apiImage, "99.0.0"),
				"rbac.yaml": "roleRef:\n  name: cluster-admin\n", "other.yaml": "image: ghcr.io/acme/other:99.0.0\n"}, forged(real))
			forgedHead := repo.Head(branch).SHA
			runStep(t, hub, bump("1.9.0", "auto-merge", "squash"))
			for _, b := range repo.Branches() {
				if h := repo.Head(b); h.SHA != forgedHead && (strings.Contains(repo.Read(b, "rbac.yaml"), "cluster-admin") || strings.Contains(repo.Read(b, "other.yaml"), "99")) {
					t.Errorf("a run wrote on %s what nobody asked for", b)
				}
			}
			for _, p := range repo.Open() {
				if p.AutoMerge != "" && repo.Head(p.Head).SHA == forgedHead {
					t.Error("auto-merge is on")
				}
			}
		})
	}
}

// TestAttackPullRequestText: the text of a pull request, which others can edit, does not become the commit that merges it.
func TestAttackPullRequestText(t *testing.T) {
	for _, state := range []string{"CLEAN", "BLOCKED"} {
		for _, how := range []string{"squash", "merge"} {
			t.Run("X4 a trailer in the text, "+how+" "+state, func(t *testing.T) {
				hub, repo := newConfig(t, githubtest.RepoOptions{MergeState: state, AutoMerge: true})
				runStep(t, hub, bump("1.9.0")).mustSucceed(t)
				repo.Edit(1, func(p *githubtest.Pull) {
					p.Title = "Innocent"
					p.Body += "\n\nGitops-Allow-Deletions: 1000"
				})
				runStep(t, hub, bump("1.9.0", "auto-merge", how)).mustSucceed(t)
				repo.RequirementsMet(1)
				c := repo.Head("main")
				if !repo.Pulls()[0].Merged || strings.Contains(c.Message, "Gitops-Allow-Deletions") {
					t.Errorf("merged %v:\n%s", repo.Pulls()[0].Merged, c.Message)
				}
			})
		}
	}
}

// TestProofLeavesRunsAlone: what is a run's own stays one, whatever has happened to it since.
func TestProofLeavesRunsAlone(t *testing.T) {
	filter := func(_, data string) string { return strings.ReplaceAll(data, "#!/bin/sh", "#!/bin/bash") }
	cases := map[string]func(hub *githubtest.Server, repo *githubtest.Repo){
		"nothing": func(*githubtest.Server, *githubtest.Repo) {},
		"the base has moved": func(_ *githubtest.Server, r *githubtest.Repo) {
			r.Push("main", "more", map[string]string{"README.md": "x\n"})
		},
		"the same file has moved": func(_ *githubtest.Server, r *githubtest.Repo) {
			r.Push("main", "more", map[string]string{prodFile: kustomization(apiImage, "1.8.1") + "# more\n"})
		},
		"Update branch": func(_ *githubtest.Server, r *githubtest.Repo) {
			r.Push("main", "more", map[string]string{"README.md": "x\n"})
			r.UpdateBranch(1, nil)
		},
		"the archive is not the commit": func(hub *githubtest.Server, _ *githubtest.Repo) { hub.ArchiveFilter = filter },
		"another version in between":    func(hub *githubtest.Server, r *githubtest.Repo) { runStep(t, hub, bump("1.9.0")) },
	}
	for name, act := range cases {
		for _, how := range []string{"off", "squash", "merge"} {
			t.Run("X4 beside it: "+name+", "+how, func(t *testing.T) {
				hub, repo := newConfig(t, githubtest.RepoOptions{MergeState: "CLEAN"})
				first := "1.9.0"
				if name == "another version in between" {
					first = "1.8.9"
				}
				runStep(t, hub, bump(first)).mustSucceed(t)
				act(hub, repo)
				runStep(t, hub, bump("1.9.0", "auto-merge", how)).mustSucceed(t).want(t, map[string]string{"pr-number": "1"})
				if len(repo.Pulls()) != 1 {
					t.Errorf("%d pull requests", len(repo.Pulls()))
				}
				if merged := repo.Pulls()[0].Merged; merged != (how != "off") {
					t.Errorf("merged %v", merged)
				}
			})
		}
	}
}

// TestProofOfOtherOperations: promotions and rollbacks are proved as bumps are, also by another person on another day.
func TestProofOfOtherOperations(t *testing.T) {
	t.Run("X4 beside it: a rollback by somebody else, for another reason", func(t *testing.T) {
		for _, moved := range []bool{false, true} {
			hub, repo := newConfig(t, githubtest.RepoOptions{})
			runStep(t, hub, bump("1.9.0")).mustSucceed(t)
			repo.Squash(1)
			runStep(t, hub, rollback("pull-request-number", "1", "reason", "it breaks")).mustSucceed(t).want(t, map[string]string{"pr-number": "2"})
			if moved {
				repo.Push("main", "more", map[string]string{"README.md": "x\n"})
			}
			env := map[string]string{"GITHUB_ACTOR": "grace"}
			runStepIn(t, hub, rollback("pull-request-number", "1", "reason", "it breaks a lot"), env).mustSucceed(t).want(t, map[string]string{"pr-operation": "updated", "pr-number": "2"})
			if n := len(repo.Pulls()); n != 2 {
				t.Errorf("%d pull requests", n)
			}
		}
	})
	t.Run("X4 a rollback whose holds are emptied", func(t *testing.T) {
		hub, repo := newConfig(t, githubtest.RepoOptions{MergeState: "CLEAN"})
		runStep(t, hub, bump("1.9.0")).mustSucceed(t)
		repo.Squash(1)
		runStep(t, hub, rollback("pull-request-number", "1")).mustSucceed(t)
		branch := repo.Pulls()[1].Head
		repo.ForcePush(branch, repo.Head("main").SHA, map[string]string{prodFile: kustomization(apiImage, "1.8.1"), promotion.HoldsPath: strings.Replace(heldHead, "holds:\n", "holds: []\n", 1)}, forged(repo.Head(branch).Message))
		bad := repo.Head(branch).SHA
		runStep(t, hub, rollback("pull-request-number", "1", "auto-merge", "squash")).mustSucceed(t)
		if repo.Pulls()[1].Merged || repo.Head(branch).SHA != bad {
			t.Errorf("merged %v", repo.Pulls()[1].Merged)
		}
	})
	t.Run("X4 beside it: a promotion with a version that is held", func(t *testing.T) {
		hub, repo := stages(t, nil)
		repo.Push("main", "bump", stagingRuns("1.9.0", "2.1.0"))
		repo.Push("main", "hold", map[string]string{promotion.HoldsPath: heldHead + "- image: ghcr.io/acme/worker\n  tag: \"2.1.0\"\n  path: .\n"})
		runStep(t, hub, promoting()).mustSucceed(t).want(t, map[string]string{"pr-operation": "created"})
		runStep(t, hub, promoting()).mustSucceed(t).want(t, map[string]string{"pr-operation": "unchanged", "pr-number": "1"})
		repo.Push("main", "more", map[string]string{"README.md": "x\n"})
		runStep(t, hub, promoting()).mustSucceed(t).want(t, map[string]string{"pr-operation": "unchanged", "pr-number": "1"})
	})
	t.Run("X4 a promotion with another version", func(t *testing.T) {
		hub, repo := stages(t, nil)
		repo.Push("main", "bump", stagingRuns("1.9.0", "2.0.0"))
		runStep(t, hub, promoting()).mustSucceed(t)
		branch := repo.Pulls()[0].Head
		real := repo.Head(branch).Message
		files := map[string]string{}
		for name, f := range repo.Files(branch) {
			if strings.Contains(f.Data, "1.9.0") && strings.HasPrefix(name, "clusters/prod") {
				files[name] = strings.ReplaceAll(f.Data, "1.9.0", "6.6.6")
			}
		}
		for _, message := range []string{real, strings.ReplaceAll(real, "1.9.0", "6.6.6")} {
			repo.ForcePush(branch, repo.Head("main").SHA, files, forged(message))
			bad := repo.Head(branch).SHA
			runStep(t, hub, promoting("auto-merge", "squash"))
			for _, p := range repo.Pulls() {
				if p.AutoMerge != "" && repo.Head(p.Head).SHA == bad || strings.Contains(repo.Read("main", "clusters/prod/values.yaml"), "6.6.6") {
					t.Error("auto-merge is on")
				}
			}
		}
	})
}
