package action

import (
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/display"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/githubtest"
)

// hostile is text as an attacker would put it into a branch name, a title or a values file.
const hostile = "x\n_GitHubActionsFileCommandDelimeter_\nmerge=true\nEOF\nmerge<<EOF\ntrue\nEOF\n::set-output name=merge::true\n##[set-env name=A]b\n<script>alert(1)</script> | @acme/admins #1 ![](http://evil.example/p.png) -->"

func TestOutputsCannotBeInjected(t *testing.T) {
	for _, name := range []string{"branch", "edits"} {
		line, err := output(name, hostile)
		if err != nil {
			t.Fatal(err)
		}
		got := runnerOutputs(t, line)
		if len(got) != 1 || got["merge"] != "" || strings.Contains(got[name], "\n") {
			t.Errorf("the runner reads %v", got)
		}
	}
}

func TestHostileTextNeverLeavesItsPlace(t *testing.T) {
	hub, repo := newConfig(t, githubtest.RepoOptions{})
	repo.Push("main", "hostile", map[string]string{"values.yaml": "title: 'old | <img src=x> @acme/admins ::error::x ##[error]'\n"})
	got := runStep(t, hub, map[string]string{
		"values": "values.yaml:title=</code><script>alert(1)</script> | --> ::set-output name=merge::true ##[add-mask]x @all [a](http://evil.example)",
		"title":  hostile, "commit-message": hostile,
	}).mustSucceed(t)
	p := repo.Pulls()[0]
	if strings.ContainsAny(p.Title, "\n\r") {
		t.Errorf("title of several lines: %q", p.Title)
	}
	table, _, _ := strings.Cut(p.Body, markerStart)
	for _, bad := range []string{"<script", "<img", "@acme", "@all", "](http", "http://evil"} {
		if strings.Contains(table, bad) {
			t.Errorf("%q is active in the body:\n%s", bad, table)
		}
		if strings.Contains(strings.ReplaceAll(got.summary, "[#1]("+hub.URL, ""), bad) {
			t.Errorf("%q is active in the summary:\n%s", bad, got.summary)
		}
	}
	if m, below, ok := parseMarker(p.Body); !ok || below != "" || len(m.History) != 1 {
		t.Errorf("the marker was broken out of: %v %q\n%s", ok, below, p.Body)
	}
	if got.outputs["merge"] != "" || len(got.outputs) != 13 {
		t.Errorf("outputs %v", got.outputs)
	}
	for line := range strings.Lines(got.stdout + got.stderr) {
		command := strings.HasPrefix(strings.TrimLeft(line, " \t"), "::")
		known := strings.HasPrefix(line, "::notice ") || strings.HasPrefix(line, "::add-mask::") || strings.HasPrefix(line, "::warning")
		if command && !known || strings.Contains(line, "##[") && !strings.HasPrefix(line, "::") {
			t.Errorf("the runner would obey the log line %q", line)
		}
	}
}

func TestTokenIsNeverPrinted(t *testing.T) {
	const token = "ghs_verysecrettoken"
	hub, repo := newConfig(t, githubtest.RepoOptions{})
	hub.SetToken(token, githubtest.Permissions{Contents: "write", PullRequests: "write"})
	got := runStep(t, hub, map[string]string{"token": token, "images": "ghcr.io/acme/api=1.8.2", "title": "with " + token, "body": token, "commit-message": "m " + token}).mustSucceed(t)
	log := strings.Replace(got.stdout, "::add-mask::"+token, "", 1)
	p := repo.Pulls()[0]
	for what, text := range map[string]string{"log": log + got.stderr, "summary": got.summary, "outputs": got.outFile, "pull request": p.Title + p.Body, "commit": repo.Head(p.Head).Message} {
		if strings.Contains(text, token) {
			t.Errorf("the token is in the %s:\n%s", what, text)
		}
	}
	// Without a runner to read it, the masking command itself would print the token.
	local := runStepIn(t, hub, map[string]string{"token": token, "images": "ghcr.io/acme/none=1"}, map[string]string{"GITHUB_ACTIONS": ""})
	if strings.Contains(local.stdout+local.stderr, token) {
		t.Errorf("the token is in the log of another CI:\n%s%s", local.stdout, local.stderr)
	}
}

func TestTokenStaysOnTheAPIHost(t *testing.T) {
	hub, _ := newConfig(t, githubtest.RepoOptions{})
	got := runStepIn(t, hub, map[string]string{"images": "ghcr.io/acme/api=1.8.2"}, nil).mustSucceed(t)
	if strings.Contains(got.stdout+got.stderr, "signed-download") {
		t.Error("the download token was printed")
	}
}

func TestNoticesPointAtTheEditedLine(t *testing.T) {
	hub, _ := newConfig(t, githubtest.RepoOptions{})
	got := runStep(t, hub, map[string]string{"images": "ghcr.io/acme/api=1.8.2"}).mustSucceed(t)
	if want := "::notice col=11,file=" + prodFile + ",line=6,title=gitops-action::1.8.1 -> 1.8.2\n"; !strings.Contains(got.stdout, want) {
		t.Errorf("stdout:\n%s\nwant %s", got.stdout, want)
	}
	if want := `[{"name":"ghcr.io/acme/api","from":["ghcr.io/acme/api:1.8.1"],"to":"ghcr.io/acme/api:1.8.2"}]`; got.outputs["images"] != want {
		t.Errorf("images %s", got.outputs["images"])
	}
}

func TestLogLinesAreNeverCommands(t *testing.T) {
	for _, line := range []string{"::set-env name=A::b", "a\n::error::x", "a ##[set-env name=A]b", "\t::stop-commands::x", "a\r\n  ::warning::x"} {
		for got := range strings.Lines(display.Log(line)) {
			if strings.HasPrefix(strings.TrimSpace(got), "::") || strings.Contains(got, "##[") {
				t.Errorf("%q is printed as %q", line, got)
			}
		}
	}
}
