package action

import (
	"strings"
	"testing"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/display"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/githubtest"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/promotion"
)

// gated is the chain with gates in front of prod.
func gated(gates string) map[string]string {
	return map[string]string{"clusters/dev/a.yaml": "a: 1\n", promotion.FilePath: strings.Replace(chain, "{name: prod, path: clusters/prod}", "{name: prod, path: clusters/prod, gates: {"+gates+"}}", 1)}
}

func toProd(more ...string) map[string]string {
	inputs := map[string]string{"operation": "promote", "to": "prod"}
	for i := 0; i+1 < len(more); i += 2 {
		inputs[more[i]] = more[i+1]
	}
	return inputs
}

func ago(d time.Duration) time.Time { return time.Now().Add(-d) }

func TestPromotionWaitsForItsGates(t *testing.T) {
	hub, repo := stages(t, gated("statuses: [gitops/staging], soak: 1h"))
	c := repo.Push("main", "bump", stagingRuns("1.9.0", "2.0.0"))
	waits := func(want string) {
		t.Helper()
		got := runStep(t, hub, toProd()).mustSucceed(t)
		got.want(t, map[string]string{"changed": "false", "pr-operation": "none"})
		if !strings.Contains(got.stdout, want) || !strings.Contains(got.summary, "status gitops/staging") {
			t.Errorf("no %q in:\n%s\n%s", want, got.stdout, got.summary)
		}
		if w := hub.Writes(); len(w) > 0 {
			t.Errorf("it wrote %v", w)
		}
	}
	waits("nothing reported on " + display.SHA(c.SHA))
	repo.Report(githubtest.Report{SHA: c.SHA, Name: "another", State: "success", At: ago(3 * time.Hour)})
	repo.Report(githubtest.Report{SHA: c.SHA, Name: "gitops/staging", State: "pending", At: ago(3 * time.Hour)})
	waits("(pending)")
	repo.Report(githubtest.Report{SHA: c.SHA, Name: "gitops/staging", State: "failure", At: ago(2 * time.Hour)})
	waits("(failure at ")
	repo.Report(githubtest.Report{SHA: c.SHA, Name: "gitops/staging", State: "success", At: ago(30 * time.Minute)})
	waits("possible at 20")
	// A later commit that does not touch staging, applied and reported on as well, starts no new soak.
	repo.Report(githubtest.Report{SHA: c.SHA, Name: "gitops/staging", State: "success", At: ago(2 * time.Hour)})
	later := repo.Push("main", "something else", map[string]string{"README.md": "x\n"})
	repo.Report(githubtest.Report{SHA: later.SHA, Name: "gitops/staging", State: "success", At: ago(time.Minute)})
	got := runStep(t, hub, toProd()).mustSucceed(t)
	got.want(t, map[string]string{"pr-operation": "created"})
	if body := repo.Open()[0].Body; !strings.Contains(body, "| `status gitops/staging` | yes | success since") {
		t.Errorf("body:\n%s", body)
	}
	if !strings.Contains(got.outputs["gates"], `"gate":"soak 1h","met":true`) {
		t.Errorf("gates %s", got.outputs["gates"])
	}
}

// TestAGateThatFailsLaterMakesADraft: what is proposed already and failed since cannot be merged by mistake.
func TestAGateThatFailsLaterMakesADraft(t *testing.T) {
	hub, repo := stages(t, gated("statuses: [gitops/staging]"))
	c := repo.Push("main", "bump", stagingRuns("1.9.0", "2.0.0"))
	repo.Report(githubtest.Report{SHA: c.SHA, Name: "gitops/staging", State: "success", At: ago(time.Hour)})
	runStep(t, hub, toProd()).mustSucceed(t)
	repo.Report(githubtest.Report{SHA: c.SHA, Name: "gitops/staging", State: "failure", At: ago(time.Minute)})
	runStep(t, hub, toProd()).mustSucceed(t)
	if p := repo.Pulls()[0]; !p.Draft {
		t.Errorf("it is no draft: %+v", p)
	}
	repo.Report(githubtest.Report{SHA: c.SHA, Name: "gitops/staging", State: "success"})
	runStep(t, hub, toProd()).mustSucceed(t)
	if p := repo.Pulls()[0]; p.Draft {
		t.Errorf("it is still a draft: %+v", p)
	}
	// A draft that a person made stays one.
	repo.Edit(1, func(p *githubtest.Pull) { p.Draft = true })
	runStep(t, hub, toProd()).mustSucceed(t)
	if p := repo.Pulls()[0]; !p.Draft {
		t.Errorf("somebody's draft was made ready: %+v", p)
	}
	repo.Edit(1, func(p *githubtest.Pull) { p.Draft = false })
	// A newer version that waits leaves the proven one open.
	repo.Push("main", "bump", stagingRuns("1.9.1", "2.0.0"))
	got := runStep(t, hub, toProd()).mustSucceed(t)
	if p := repo.Pulls()[0]; p.Draft || !strings.Contains(p.Title, "1.9.0") || !strings.Contains(got.stdout, "prod waits") {
		t.Errorf("%+v\n%s", p, got.stdout)
	}
}

func TestGatesByDraftAndAutoMerge(t *testing.T) {
	files := gated("statuses: [e2e], unmet: draft")
	files[promotion.FilePath] = strings.Replace(files[promotion.FilePath], "gates:", "autoMerge: squash, gates:", 1)
	hub, repo := stages(t, files)
	c := repo.Push("main", "bump", stagingRuns("1.9.0", "2.0.0"))
	repo.Report(githubtest.Report{SHA: c.SHA, Name: "e2e", Check: true})
	runStep(t, hub, toProd()).mustSucceed(t)
	if p := repo.Pulls()[0]; !p.Draft || p.AutoMerge != "" {
		t.Errorf("%+v", p)
	}
	repo.Report(githubtest.Report{SHA: c.SHA, Name: "e2e", Check: true, State: "success"})
	runStep(t, hub, toProd()).mustSucceed(t)
	if p := repo.Pulls()[0]; p.Draft || p.AutoMerge != "SQUASH" {
		t.Errorf("%+v", p)
	}
}

func TestGatesOnThePullRequestToTheSource(t *testing.T) {
	hub, repo := stages(t, gated("approvals: 2, labels: [qa-passed]"))
	repo.Push("feature", "bump", stagingRuns("1.9.0", "2.0.0"))
	repo.OpenPull("feature", "staging gets 1.9.0")
	repo.Merge(1)
	got := runStep(t, hub, toProd()).mustSucceed(t)
	if !strings.Contains(got.stdout, "approvals 2 (#1 has 0 approvals), label qa-passed (#1 has no such label)") {
		t.Errorf("stdout:\n%s", got.stdout)
	}
	repo.Edit(1, func(p *githubtest.Pull) { p.Labels, p.Approvers = []string{"qa-passed"}, []string{"ada", "grace"} })
	runStep(t, hub, toProd()).mustSucceed(t).want(t, map[string]string{"pr-operation": "created"})
	// A direct commit has no pull request that anybody could have approved.
	repo.Push("main", "bump by hand", stagingRuns("1.9.1", "2.0.0"))
	got = runStep(t, hub, toProd()).mustSucceed(t)
	if !strings.Contains(got.stdout, "has no pull request") {
		t.Errorf("stdout:\n%s", got.stdout)
	}
}

func TestGatesNeedPermissionsThatAreNamed(t *testing.T) {
	hub, repo := stages(t, gated("statuses: [gitops/staging]"))
	hub.SetToken("poor", githubtest.Permissions{Contents: "write", PullRequests: "write"})
	repo.Push("main", "bump", stagingRuns("1.9.0", "2.0.0"))
	got := runStep(t, hub, toProd("token", "poor"))
	if got.code != ExitFailed || !strings.Contains(got.stderr, "statuses: read") || len(hub.Writes()) > 0 {
		t.Errorf("exit %d\n%s", got.code, got.stderr)
	}
}
