// Package e2e runs the action the way GitHub does: act, which is built from its module, executes workflows
// with the real `uses:` step on this machine, without Docker, against the GitHub double. It does NOT test the
// rules of editing and delivering again; packages bumper and action do that.
package e2e

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/githubtest"
)

// actBinary builds act once for each test binary; the build cache makes it quick.
func actBinary(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "act")
	run(t, ".", nil, "go", "build", "-o", bin, "./cmd/act")
	// Fetches what the build inside the workflow needs: there it has no network.
	run(t, filepath.Join("..", ".."), nil, "go", "build", "-o", filepath.Join(t.TempDir(), "warm"), "./cmd/gitops-action")
	return bin
}

func run(t *testing.T, dir string, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// workspace is a checkout of this repository with one workflow in it.
func workspace(t *testing.T, workflow string) string {
	t.Helper()
	dir := t.TempDir()
	root := filepath.Join("..", "..")
	for _, name := range []string{"action.yml", "go.mod", "go.sum", "action", "bumper", "cmd/gitops-action"} {
		copyTree(t, filepath.Join(root, name), filepath.Join(dir, name))
	}
	to := filepath.Join(dir, ".github", "workflows", "test.yml")
	write(t, to, workflow)
	for _, args := range [][]string{
		{"init", "-q", "-b", "main"}, {"add", "-A"}, {"-c", "user.name=Ada", "-c", "user.email=ada@example.com", "commit", "-qm", "Start"},
		{"remote", "add", "origin", "https://github.com/acme/app.git"},
	} {
		run(t, dir, nil, "git", args...)
	}
	return dir
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
}

// copyTree copies a file, or a directory without its tests.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, p)
		if err != nil {
			return err
		}
		if d.IsDir() {
			if n := d.Name(); n == "testdata" || n == "e2e" || n == "githubtest" || n == "doctest" {
				return fs.SkipDir
			}
			return nil
		}
		if strings.HasSuffix(p, "_test.go") {
			return nil
		}
		data, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		return errors.Join(os.MkdirAll(filepath.Dir(filepath.Join(to, rel)), 0o755), os.WriteFile(filepath.Join(to, rel), data, info.Mode()))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// act runs one event in dir and returns the log and whether the job succeeded.
func act(t *testing.T, bin, dir, eventName, payload string, hub *githubtest.Server, env ...string) (string, bool) {
	t.Helper()
	event := filepath.Join(t.TempDir(), "event.json")
	write(t, event, payload)
	args := []string{eventName, "-W", ".github/workflows/test.yml", "-e", event, "-P", "ubuntu-latest=-self-hosted",
		"-s", "CONFIG_TOKEN=" + githubtest.Token, "-s", "GITHUB_TOKEN=" + githubtest.Token,
		"--env", "GITHUB_API_URL=" + hub.URL, "--env", "GITHUB_GRAPHQL_URL=" + hub.URL + "/graphql", "--env", "GITHUB_SERVER_URL=" + hub.URL,
		"--env", "GITHUB_ACTIONS=true"}
	// A build from source needs Go's directories, and must not download anything.
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPATH"} {
		args = append(args, "--env", name+"="+strings.TrimSpace(run(t, ".", nil, "go", "env", name)))
	}
	args = append(args, "--env", "GOPROXY=off")
	for _, e := range env {
		args = append(args, "--env", e)
	}
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), bin, args...)
	cmd.Dir = dir
	home := t.TempDir()
	cmd.Env = append(os.Environ(), "HOME="+home, "XDG_CACHE_HOME="+filepath.Join(home, "cache"), "DOCKER_HOST=unix:///nonexistent.sock")
	out, err := cmd.CombinedOutput()
	return string(out), err == nil
}

const prodFile = "clusters/prod/kustomization.yaml"

func config(t *testing.T) (*githubtest.Server, *githubtest.Repo) {
	t.Helper()
	hub := githubtest.New(t)
	repo := hub.AddRepo("acme/config", map[string]string{
		prodFile:                              "images:\n- name: ghcr.io/acme/api\n  newTag: 1.8.1 # kept\n",
		"clusters/staging/kustomization.yaml": "images:\n- name: ghcr.io/acme/api\n  newTag: 1.8.1\n",
	}, githubtest.RepoOptions{AutoMerge: true})
	return hub, repo
}

// TestUsesStepFromEventToPullRequest is the whole way: an event, the composite action, a binary built from
// source, GitHub's API, and the outputs that later steps read. The commit message in the event is hostile.
func TestUsesStepFromEventToPullRequest(t *testing.T) {
	hub, repo := config(t)
	workflow, err := os.ReadFile("testdata/workflows/uses.yml")
	if err != nil {
		t.Fatal(err)
	}
	bin, dir := actBinary(t), workspace(t, string(workflow))
	payload := `{"head_commit":{"message":"Fix $(touch pwned) \"; exit 1; #\n_GitHubActionsFileCommandDelimeter_\nmerge=true\n::set-output name=merge::true"}}`
	log, ok := act(t, bin, dir, "push", payload, hub)
	if !ok {
		t.Fatalf("the job failed:\n%s", log)
	}
	pulls := repo.Open()
	if len(pulls) != 1 {
		t.Fatalf("%d pull requests\n%s", len(pulls), log)
	}
	if got, want := repo.Read(pulls[0].Head, prodFile), "images:\n- name: ghcr.io/acme/api\n  newTag: 1.8.2 # kept\n"; got != want {
		t.Errorf("file:\n%s\nwant:\n%s", got, want)
	}
	if !strings.Contains(log, "RESULT number=1 operation=created edits=[{") || !strings.Contains(log, `"pr-url"`) {
		t.Errorf("the outputs did not arrive:\n%s", log)
	}
	if strings.Contains(log, `"merge"`) {
		t.Errorf("the commit message added an output:\n%s", log)
	}
	if strings.Contains(log, githubtest.Token) {
		t.Errorf("the token is in the log:\n%s", log)
	}
	if strings.Contains(pulls[0].Title, "\n") || len(pulls[0].Labels) != 1 {
		t.Errorf("pull request %+v", pulls[0])
	}

	// Once more: nothing new.
	hub.ResetRequests()
	if log, ok = act(t, bin, dir, "push", payload, hub); !ok || len(hub.Writes()) > 0 || !strings.Contains(log, "operation=unchanged") {
		t.Errorf("the second run wrote %v\n%s", hub.Writes(), log)
	}
}
