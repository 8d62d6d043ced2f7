package action

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/githubtest"
)

// TestBadInputIsOneClearErrorAndNoWrite gives every input wrong in every stupid way.
func TestBadInputIsOneClearErrorAndNoWrite(t *testing.T) {
	for _, c := range badInputs() {
		t.Run(c.name, func(t *testing.T) {
			hub, _ := newConfig(t, githubtest.RepoOptions{})
			got := runStep(t, hub, c.inputs)
			if got.code != ExitFailed {
				t.Fatalf("exit %d\n%s", got.code, got.stdout)
			}
			if !strings.Contains(got.stderr, c.want) {
				t.Errorf("stderr:\n%s\nwant %q in it", got.stderr, c.want)
			}
			if n := strings.Count(got.stderr, "error: "); n != 1 {
				t.Errorf("%d errors:\n%s", n, got.stderr)
			}
			if w := hub.Writes(); len(w) > 0 {
				t.Errorf("it wrote: %v", w)
			}
			if !strings.Contains(got.summary, "✗") || !strings.Contains(got.stdout, "::error ") {
				t.Errorf("no summary or annotation:\n%s\n%s", got.summary, got.stdout)
			}
		})
	}
}

// badInput is one wrong set of inputs, and a part of the error or its hint.
type badInput struct {
	name   string
	inputs map[string]string
	want   string
}

func badInputs() []badInput {
	ok := "ghcr.io/acme/api=1.8.2"
	return []badInput{
		{"no token", map[string]string{"images": ok, "token": ""}, "input token: empty"},
		{"token with a line break", map[string]string{"images": ok, "token": "to\nken"}, "input token: it contains spaces"},
		{"wrong token", map[string]string{"images": ok, "token": "stolen"}, "the token is wrong, expired or revoked"},
		{"nothing to change", map[string]string{}, "the inputs images and values are both empty"},
		{"unknown operation", map[string]string{"images": ok, "operation": "deploy"}, `"deploy" is unknown`},
		{"repository without owner", map[string]string{"images": ok, "repository": "config"}, `"config" is not owner/name`},
		{"repository as an address", map[string]string{"images": ok, "repository": "https://github.com/acme/config"}, "is not owner/name"},
		{"unknown repository", map[string]string{"images": ok, "repository": "acme/nothing"}, "Could not resolve to a Repository"},
		{"unknown repository, hint", map[string]string{"images": ok, "repository": "acme/nothing"}, "github.token only reaches acme/config"},
		{"missing branch", map[string]string{"images": ok, "ref": "release"}, `no branch "release"`},
		{"missing branch, hint", map[string]string{"images": ok, "ref": "release"}, `the default branch is "main"`},
		{"ref with spaces", map[string]string{"images": ok, "ref": "my branch"}, "is not a branch name"},
		{"image without tag", map[string]string{"images": "ghcr.io/acme/api"}, "no tag and no digest"},
		{"tag with spaces", map[string]string{"images": "ghcr.io/acme/api=1 8"}, "is not a tag"},
		{"empty tag", map[string]string{"images": "ghcr.io/acme/api="}, "the tag is empty"},
		{"image name in capitals", map[string]string{"images": "ghcr.io/Acme/Api=1"}, "is not an image name"},
		{"image not found", map[string]string{"images": "ghcr.io/acme/apy=1.8.2"}, "similar: ghcr.io/acme/api"},
		{"two values for one image", map[string]string{"images": ok + "\n" + "ghcr.io/acme/api=1.8.3"}, "two values requested"},
		{"downgrade", map[string]string{"images": "ghcr.io/acme/api=1.8.0"}, "1.8.0 is older than 1.8.1"},
		{"downgrade, hint", map[string]string{"images": "ghcr.io/acme/api=1.8.0"}, "allow-downgrade"},
		{"value without file", map[string]string{"values": "replicas=3"}, "write file:path=value"},
		{"value outside the repository", map[string]string{"values": "../x.yaml:a=1"}, "is not in the repository"},
		{"value in an absolute file", map[string]string{"values": "/etc/passwd:a=1"}, "is not in the repository"},
		{"value in a missing file", map[string]string{"values": "none.yaml:a=1"}, "none.yaml"},
		{"value at a missing path", map[string]string{"values": prodFile + ":spec.replicas=1"}, "spec"},
		{"path outside the repository", map[string]string{"images": ok, "paths": "../other"}, "outside the repository"},
		{"path with a bad pattern", map[string]string{"images": ok, "paths": "apps/[x"}, "syntax error in pattern"},
		{"paths that exclude the image", map[string]string{"images": ok, "paths": "staging"}, "not found in any file"},
		{"yes instead of true", map[string]string{"images": ok, "draft": "yes"}, "neither true nor false"},
		{"auto-merge method", map[string]string{"images": ok, "auto-merge": "fast"}, `"fast" is unknown`},
		{"branch with spaces", map[string]string{"images": ok, "branch": "my branch"}, "is not a branch name"},
		{"branch that is the base", map[string]string{"images": ok, "branch": "main"}, "base branch itself"},
		{"branch that is ref", map[string]string{"images": ok, "branch": "main", "ref": "main"}, "base branch itself"},
		{"eleven assignees", map[string]string{"images": ok, "assignees": "a,b,c,d,e,f,g,h,i,j,k"}, "GitHub allows 10"},
		{"address without scheme", map[string]string{"images": ok, "api-url": "github.example.com"}, "has to be an http or https address"},
		{"address with credentials", map[string]string{"images": ok, "api-url": "https://u:p@github.example.com"}, "has to be an http or https address"},
		{"address that nobody serves", map[string]string{"images": ok, "api-url": "http://127.0.0.1:1", "graphql-url": "http://127.0.0.1:1/graphql"}, "connection refused"},
	}
}

func TestAllWrongInputsAreToldAtOnce(t *testing.T) {
	hub, _ := newConfig(t, githubtest.RepoOptions{})
	got := runStep(t, hub, map[string]string{"images": "x=\nghcr.io/acme/api=1 2", "draft": "maybe", "auto-merge": "fast"})
	for _, want := range []string{`"x="`, "1 2", "draft", "auto-merge"} {
		if !strings.Contains(got.stderr, want) {
			t.Errorf("%q is not told:\n%s", want, got.stderr)
		}
	}
	if n := len(hub.Requests()); n != 0 {
		t.Errorf("%d requests were made", n)
	}
}

func TestMissingPermissionsAreNamed(t *testing.T) {
	cases := []struct {
		name   string
		perm   githubtest.Permissions
		inputs map[string]string
		want   string
	}{
		{"no contents", githubtest.Permissions{Contents: "read", PullRequests: "write"}, nil, "the token lacks contents: write"},
		{"no pull requests", githubtest.Permissions{Contents: "write"}, nil, "pull-requests: write"},
		{"pull requests may only be read", githubtest.Permissions{Contents: "write", PullRequests: "read"}, nil, "the token lacks pull-requests: write"},
		{"the repository setting", githubtest.Permissions{Contents: "write", PullRequests: "write", NoPullRequestSetting: true}, nil, "Allow GitHub Actions to create and approve pull requests"},
		{"token of another repository", githubtest.Permissions{Contents: "write", PullRequests: "write", Repos: []string{"acme/app"}}, nil, "the token may read the repository"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			hub, repo := newConfig(t, githubtest.RepoOptions{})
			hub.SetToken(githubtest.Token, c.perm)
			inputs := map[string]string{"images": "ghcr.io/acme/api=1.8.2"}
			got := runStep(t, hub, inputs)
			if got.code != ExitFailed || !strings.Contains(got.stderr, c.want) {
				t.Errorf("exit %d, want %q in:\n%s", got.code, c.want, got.stderr)
			}
			// With the permission given, the next run ends as if nothing had happened.
			hub.SetToken(githubtest.Token, githubtest.Permissions{Contents: "write", PullRequests: "write"})
			runStep(t, hub, inputs).mustSucceed(t)
			if n := len(repo.Pulls()); n != 1 {
				t.Errorf("%d pull requests", n)
			}
		})
	}
}

func TestProtectedBranchPointsToPullRequests(t *testing.T) {
	hub, _ := newConfig(t, githubtest.RepoOptions{Protected: map[string]string{"main": "Repository rule violations found\n\nChanges must be made through a pull request."}})
	got := runStep(t, hub, map[string]string{"images": "ghcr.io/acme/api=1.8.2", "pull-request": "false"})
	if got.code != ExitFailed || !strings.Contains(got.stderr, "set pull-request: true") {
		t.Errorf("exit %d:\n%s", got.code, got.stderr)
	}
}

func TestRefusedReviewersAreAWarning(t *testing.T) {
	hub, repo := newConfig(t, githubtest.RepoOptions{})
	hub.SetToken(githubtest.Token, githubtest.Permissions{Contents: "write", PullRequests: "write", NoTeams: true})
	got := runStep(t, hub, map[string]string{"images": "ghcr.io/acme/api=1.8.2", "team-reviewers": "ops"}).mustSucceed(t)
	if !strings.Contains(got.stdout, "teams need a GitHub App token") || len(repo.Open()) != 1 {
		t.Errorf("stdout:\n%s", got.stdout)
	}
	hub, repo = newConfig(t, githubtest.RepoOptions{})
	got = runStep(t, hub, map[string]string{"images": "ghcr.io/acme/api=1.8.2", "reviewers": "nobody"}).mustSucceed(t)
	if !strings.Contains(got.stdout, "not a collaborator") || len(repo.Open()) != 1 {
		t.Errorf("stdout:\n%s", got.stdout)
	}
}

func TestPullRequestFromAForkStops(t *testing.T) {
	hub, _ := newConfig(t, githubtest.RepoOptions{})
	payload := filepath.Join(t.TempDir(), "event.json")
	if err := os.WriteFile(payload, []byte(`{"pull_request":{"head":{"repo":{"full_name":"mallory/config"}},"base":{"repo":{"full_name":"acme/config"}}}}`), 0o644); err != nil {
		t.Fatal(err)
	}
	got := runStepIn(t, hub, map[string]string{"images": "ghcr.io/acme/api=1.8.2"}, map[string]string{"GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": payload})
	if got.code != ExitFailed || !strings.Contains(got.stderr, "mallory/config") || len(hub.Requests()) != 0 {
		t.Errorf("exit %d, requests %v:\n%s", got.code, hub.Requests(), got.stderr)
	}
}

func TestEnterpriseAddresses(t *testing.T) {
	hub, repo := newConfig(t, githubtest.RepoOptions{})
	for _, env := range []map[string]string{
		{"GITHUB_API_URL": hub.URL + "/api/v3", "GITHUB_GRAPHQL_URL": hub.URL + "/api/graphql"},
		{"INPUT_API_URL": hub.URL + "/api/v3", "GITHUB_API_URL": "https://api.github.invalid", "GITHUB_GRAPHQL_URL": "https://api.github.invalid/graphql"},
	} {
		runStepIn(t, hub, map[string]string{"images": "ghcr.io/acme/api=1.8.2"}, env).mustSucceed(t)
	}
	if n := len(repo.Pulls()); n != 1 {
		t.Errorf("%d pull requests", n)
	}
}

func TestPlainSecretIsNotCommitted(t *testing.T) {
	hub, repo := newConfig(t, githubtest.RepoOptions{})
	repo.Push("main", "secret", map[string]string{"all.yaml": "image: ghcr.io/acme/db:1.0.0\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {password: hunter2}\n"})
	inputs := map[string]string{"images": "ghcr.io/acme/db=1.0.1"}
	got := runStep(t, hub, inputs)
	if got.code != ExitFailed || !strings.Contains(got.stderr, "Secret") || len(hub.Writes()) > 0 {
		t.Errorf("exit %d, writes %v\n%s", got.code, hub.Writes(), got.stderr)
	}
	if strings.Contains(got.stderr+got.stdout+got.summary, "hunter2") {
		t.Error("the Secret's value was printed")
	}
	inputs["allow-plain-secrets"] = "true"
	runStep(t, hub, inputs).mustSucceed(t)
}
