package action

import (
	"strings"
	"testing"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/display"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/githubtest"
)

// gated is the chain with gates in front of prod.
func gated(gates string) map[string]string {
	return map[string]string{"clusters/dev/a.yaml": "a: 1\n", promotionFile: strings.Replace(chain, "{name: prod, path: clusters/prod}", "{name: prod, path: clusters/prod, gates: {"+gates+"}}", 1)}
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
	files[promotionFile] = strings.Replace(files[promotionFile], "gates:", "autoMerge: squash, gates:", 1)
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
	if !strings.Contains(got.stdout, "came without a pull request") {
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

func TestWindow(t *testing.T) {
	parse := func(window string) *Window {
		p, err := parsePromotion([]byte(gated("window: {" + window + "}")[promotionFile]))
		if err != nil {
			t.Fatal(err)
		}
		return p.Environments[2].Gates.Window
	}
	const office, night = `days: [mon, tue, wed, thu], hours: "09:00-16:00", timeZone: Europe/Vienna`, `days: [fri], hours: "22:00-02:00"`
	cases := []struct {
		window, now string
		open        bool
		possible    string
	}{
		{office, "2026-11-25T08:00:00Z", true, ""}, // Wednesday, 09:00 in Vienna
		{office, "2026-11-25T07:59:00Z", false, "2026-11-25T08:00:00Z"},
		{office, "2026-11-25T15:00:00Z", false, "2026-11-26T08:00:00Z"},
		{office, "2026-11-27T10:00:00Z", false, "2026-11-30T08:00:00Z"},
		{office, "2026-03-27T10:00:00Z", false, "2026-03-30T07:00:00Z"}, // the clock changes in between
		{night, "2026-11-28T01:59:00Z", true, ""},                       // Saturday morning still belongs to Friday
		{night, "2026-11-28T02:00:00Z", false, "2026-12-04T22:00:00Z"},
		{"days: [sun]", "2026-11-28T23:59:59Z", false, "2026-11-29T00:00:00Z"},
		{`hours: "00:00-24:00"`, "2026-11-28T23:59:59Z", true, ""},
	}
	for _, c := range cases {
		now, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		if got := parse(c.window).gate(now); got.Met != c.open || got.Possible != c.possible {
			t.Errorf("%s at %s: %+v, want %v %s", c.window, c.now, got, c.open, c.possible)
		}
	}
}

func TestPromotionFileErrorsHaveTheirLine(t *testing.T) {
	const head = "apiVersion: kubectl-gitops.dev/v1alpha1\nkind: Promotion\n"
	two := head + "environments:\n- {name: a, path: a}\n"
	cases := []struct{ file, want string }{
		{"", "promotion.yaml:1: the file is empty"},
		{"a: [", "promotion.yaml: line 1"},
		{head, "promotion.yaml:1: environments is missing"},
		{strings.Replace(chain, "v1alpha1", "v2", 1), `promotion.yaml:1: apiVersion: "kubectl-gitops.dev/v2" is unknown`},
		{head + "enviroments: []\n", `promotion.yaml:3: unknown key "enviroments"; did you mean "environments"?`},
		{two, "needs two at least"},
		{two + "- {name: b, path: b, gate: {}}\n", `promotion.yaml:5: unknown key "gate"; did you mean "gates"?`},
		{two + "- {name: a, path: b}\n", "promotion.yaml:5: a: the name is taken, first in line 4"},
		{two + "- {name: b, path: a/b}\n", "overlap"},
		{two + "- {name: b, path: ../b}\n", "is not a directory"},
		{two + "- {name: b, path: b, from: c}\n", `no environment before it is called "c"`},
		{two + "- {name: b, path: b, gates: {soak: 1h}}\n", "soak counts from a success"},
		{two + "- {name: b, path: b, gates: {statuses: [x], soak: soon}}\n", "is not a duration"},
		{two + "- {name: b, path: b, gates: {approvals: two}}\n", "approvals must be a whole number"},
		{two + "- {name: b, path: b, gates: {window: {hours: 9-17}}}\n", "is not like 09:00-16:00"},
		{two + "- {name: b, path: b, gates: {window: {timeZone: Mars}}}\n", "is not a time zone"},
		{two + "- {name: b, path: b, gates: {window: {days: [monday]}}}\n", `days: "monday" is unknown; use sun, mon`},
		{two + "- {name: b, path: b, also: [x]}\n", "is not file:path"},
		{two + "- {name: b, path: b}\nsources: [{image: a, repository: 'javascript:alert(1)'}]\n", "is not a web address"},
		{two + "- {name: b, path: b}\n---\na: 1\n", "more than one document"},
		{"x: &a {}\n" + two + "- {name: b, path: b, gates: *a}\n", "unknown key"},
	}
	for _, c := range cases {
		_, err := parsePromotion([]byte(c.file))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\n%v, want %q", c.file, err, c.want)
		}
	}
}

func FuzzPromotionFile(f *testing.F) {
	f.Add([]byte(chain))
	f.Add([]byte(holdsHead + "- image: a\n  tag: b\n  path: .\n"))
	f.Add([]byte(strings.TrimSuffix(holdsHead, "\n") + " []\n"))
	f.Add([]byte(gated("statuses: [x], soak: 1h, window: {hours: \"22:00-02:00\"}")[promotionFile]))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _ = parsePromotion(data)
		for _, all := range []bool{true, false} {
			drop := func(Hold) bool { return all }
			more := []Hold{{Image: "a", Tag: "1", Path: "."}}
			got, err := editHolds(data, drop, more)
			if err != nil {
				continue
			}
			if _, err := editHolds(got, func(h Hold) bool { return h.same(more[0]) }, nil); err != nil {
				t.Errorf("%q: what was added cannot be taken out: %v", got, err)
			}
		}
	})
}
