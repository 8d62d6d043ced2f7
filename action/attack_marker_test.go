package action

import (
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/githubtest"
)

// TestAttackMarkerInTheText: the text of a pull request may come from a title or a message of others.
func TestAttackMarkerInTheText(t *testing.T) {
	other := marker{Operation: "promote", Target: "x"}.String()
	for name, body := range map[string]string{
		"X16 the marker of another operation": other,
		"X16 a marker that is no JSON":        "<!-- gitops-action: -->",
		"X16 a marker without an end":         "<!-- gitops-action: {",
		"X16 a marker without a blank":        "<!-- gitops-action:{} -->",
		"X16 the marker of a preview":         previewMarker,
		"X16 two markers":                     other + other,
		"X16 a marker made of two":            "<!-- gitops-<!-- gitops-action: action: {} -->",
		"X16 a placeholder":                   "{image} " + other,
		"X16 beside it: another comment":      "<!-- a note -->\n",
	} {
		t.Run(name, func(t *testing.T) {
			hub, repo := newConfig(t, githubtest.RepoOptions{})
			runStep(t, hub, bump("1.9.0", "body", body)).mustSucceed(t)
			runStep(t, hub, bump("1.9.0", "body", body)).mustSucceed(t).want(t, map[string]string{"pr-operation": "unchanged", "pr-number": "1"})
			runStep(t, hub, bump("1.9.1", "body", body)).mustSucceed(t).want(t, map[string]string{"pr-operation": "updated", "pr-number": "1"})
			if n := len(repo.Pulls()); n != 1 {
				t.Errorf("%d pull requests", n)
			}
			if strings.Contains(name, "beside") && !strings.Contains(repo.Pulls()[0].Body, "<!-- a note -->") {
				t.Errorf("body:\n%s", repo.Pulls()[0].Body)
			}
		})
	}
}

// TestAttackStaleApprovals: an approval is of the commit that its author saw.
func TestAttackStaleApprovals(t *testing.T) {
	for name, c := range map[string]struct {
		at   func(repo *githubtest.Repo) string
		want string
	}{
		"X16 of an earlier commit":          {func(r *githubtest.Repo) string { return parentOf(r, r.Head("bump")).SHA }, "none"},
		"X16 of a commit that is not there": {func(*githubtest.Repo) string { return strings.Repeat("0", 40) }, "none"},
		"X16 of the base":                   {func(r *githubtest.Repo) string { return r.Head("main").SHA }, "none"},
		"X16 beside it: of the last commit": {func(*githubtest.Repo) string { return "" }, "created"},
	} {
		t.Run(name, func(t *testing.T) {
			hub, repo := stages(t, gated("approvals: 1"))
			repo.Push("bump", "1.8.9", stagingRuns("1.8.9", "2.0.0"))
			repo.Push("bump", "1.9.0", stagingRuns("1.9.0", "2.0.0"))
			repo.OpenPull("bump", "api 1.9.0")
			at := c.at(repo)
			repo.Squash(1)
			repo.Edit(1, func(p *githubtest.Pull) { p.Approvers, p.ApprovedAt = []string{"ada"}, at })
			got := runStep(t, hub, toProd()).mustSucceed(t)
			got.want(t, map[string]string{"pr-operation": c.want})
			if c.want == "none" && !strings.Contains(got.stdout, "of an earlier commit") {
				t.Errorf("log:\n%s", got.stdout)
			}
		})
	}
}
