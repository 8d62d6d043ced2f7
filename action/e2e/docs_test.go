package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rhysd/actionlint"
	"go.yaml.in/yaml/v3"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/githubtest"
)

// block is one fenced block of docs/action.md.
type block struct{ language, text string }

func docBlocks(t *testing.T) []block {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "docs", "action.md"))
	if err != nil {
		t.Fatal(err)
	}
	var out []block
	for _, m := range regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$").FindAllStringSubmatch(string(data), -1) {
		out = append(out, block{m[1], m[2]})
	}
	return out
}

// docWorkflows are the GitHub workflows of the page, by their name:.
func docWorkflows(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, b := range docBlocks(t) {
		var w struct{ Name string }
		if b.language == "yaml" && yaml.Unmarshal([]byte(b.text), &w) == nil && w.Name != "" {
			out[w.Name] = b.text
		}
	}
	for _, name := range []string{"release", "staging", "check"} {
		if out[name] == "" {
			t.Fatalf("docs/action.md has no workflow %q", name)
		}
	}
	return out
}

const published = "kubectl-gitops/kubectl-gitops@v1"

// TestWorkflowsAreValid lints the workflows of the documentation and of this package. They use the action of
// this checkout, so that its action.yml and each input are checked too.
func TestWorkflowsAreValid(t *testing.T) {
	workflows := docWorkflows(t)
	data, err := os.ReadFile("testdata/workflows/uses.yml")
	if err != nil {
		t.Fatal(err)
	}
	workflows["uses"] = string(data)
	for name, text := range workflows {
		if problems := lint(t, text); len(problems) > 0 {
			t.Errorf("%s: %s", name, strings.Join(problems, "\n"))
		}
	}
	bad := strings.Replace(workflows["staging"], "images:", "image:", 1)
	if len(lint(t, bad)) == 0 {
		t.Error("a misspelled input was not found, so this test proves nothing")
	}
}

func lint(t *testing.T, workflow string) []string {
	t.Helper()
	dir := workspace(t, strings.ReplaceAll(workflow, published, "./"))
	file := filepath.Join(dir, ".github", "workflows", "test.yml")
	linter, err := actionlint.NewLinter(&bytes.Buffer{}, &actionlint.LinterOptions{WorkingDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	project, err := actionlint.NewProject(dir)
	if err != nil {
		t.Fatal(err)
	}
	found, err := linter.LintFile(file, project)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range found {
		out = append(out, e.Error())
	}
	return out
}

// runnable makes a workflow of the documentation run here: what talks to the internet (other people's actions)
// is left out, the action is the one of this checkout, and the App's token is a secret.
func runnable(t *testing.T, workflow string) string {
	t.Helper()
	var doc map[string]any
	if err := yaml.Unmarshal([]byte(workflow), &doc); err != nil {
		t.Fatal(err)
	}
	jobs, _ := doc["jobs"].(map[string]any)
	for _, j := range jobs {
		job, _ := j.(map[string]any)
		var kept []any
		steps, _ := job["steps"].([]any)
		for _, s := range steps {
			step, _ := s.(map[string]any)
			uses, _ := step["uses"].(string)
			if uses == "" || uses == published {
				kept = append(kept, step)
			}
		}
		// act finds ./ in the workspace, which only a checkout fills.
		job["steps"] = append([]any{map[string]any{"uses": "actions/checkout@v4"}}, kept...)
	}
	out, err := yaml.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer(published, "./", "steps.app.outputs.token", "secrets.CONFIG_TOKEN").Replace(string(out))
}

func TestWorkflowsOfTheDocumentationRun(t *testing.T) {
	workflows, bin := docWorkflows(t), actBinary(t)
	t.Run("release", func(t *testing.T) {
		hub, repo := config(t)
		log, ok := act(t, bin, workspace(t, runnable(t, workflows["release"])), "push", `{"ref":"refs/tags/v1.9.0"}`, hub)
		if !ok || len(repo.Open()) != 1 {
			t.Fatalf("%d pull requests\n%s", len(repo.Open()), log)
		}
		p := repo.Open()[0]
		if got := repo.Read(p.Head, prodFile); !strings.Contains(got, "newTag: v1.9.0 # kept") || p.AutoMerge != "SQUASH" {
			t.Errorf("auto-merge %q, file:\n%s", p.AutoMerge, got)
		}
		if got := repo.Read(p.Head, "clusters/staging/kustomization.yaml"); !strings.Contains(got, "1.8.1") {
			t.Errorf("staging changed too:\n%s", got)
		}
		if !strings.Contains(log, "created "+hub.URL+"/acme/config/pull/1") {
			t.Errorf("the outputs did not arrive:\n%s", log)
		}
	})
	t.Run("staging", func(t *testing.T) {
		hub, _ := config(t)
		repo := hub.AddRepo("acme/app", map[string]string{"clusters/staging/web.yaml": "image: ghcr.io/acme/api:main-0\n"}, githubtest.RepoOptions{})
		log, ok := act(t, bin, workspace(t, runnable(t, workflows["staging"])), "push", `{"ref":"refs/heads/main"}`, hub)
		if got := repo.Read("main", "clusters/staging/web.yaml"); !ok || got != "image: ghcr.io/acme/api:main-1\n" {
			t.Errorf("file %q\n%s", got, log)
		}
	})
	t.Run("check", func(t *testing.T) {
		hub, _ := config(t)
		hub.AddRepo("acme/app", map[string]string{"web.yaml": "image: ghcr.io/acme/api:v1.0.0\n"}, githubtest.RepoOptions{})
		log, ok := act(t, bin, workspace(t, runnable(t, workflows["check"])), "workflow_dispatch", `{}`, hub)
		if !ok || len(hub.Writes()) > 0 || !strings.Contains(log, "changed=true") {
			t.Errorf("writes %v\n%s", hub.Writes(), log)
		}
	})
}

// TestScriptForOtherCIs runs deploy.sh of the documentation against a real Git repository, twice at the same time
// as somebody else pushes.
func TestScriptForOtherCIs(t *testing.T) {
	script := ""
	for _, b := range docBlocks(t) {
		if b.language == "sh" && strings.HasPrefix(b.text, "# deploy.sh") {
			script = b.text
		}
	}
	if script == "" {
		t.Fatal("docs/action.md has no deploy.sh")
	}
	dir := t.TempDir()
	bare, work, bin := filepath.Join(dir, "config.git"), filepath.Join(dir, "work"), filepath.Join(dir, "bin")
	run(t, filepath.Join("..", ".."), nil, "go", "build", "-o", filepath.Join(bin, "gitops-action"), "./cmd/gitops-action")
	write(t, filepath.Join(dir, "seed", "clusters/staging/web.yaml"), "image: registry.example.com/acme/api:1.0.0 # kept\n")
	write(t, filepath.Join(dir, "deploy.sh"), script)
	// The first push loses against somebody who was faster.
	write(t, filepath.Join(dir, "hook"), fmt.Sprintf("#!/bin/sh\n[ -e %[1]s/raced ] && exit 0\ntouch %[1]s/raced\nexit 1\n", dir))
	env := []string{"PATH=" + bin + string(os.PathListSeparator) + os.Getenv("PATH"), "GIT_CONFIG_NOSYSTEM=1", "HOME=" + dir,
		"GIT_AUTHOR_NAME=ci", "GIT_AUTHOR_EMAIL=ci@example.com", "GIT_COMMITTER_NAME=ci", "GIT_COMMITTER_EMAIL=ci@example.com"}
	for _, args := range [][]string{
		{"init", "-q", "-b", "main", "seed"}, {"-C", "seed", "add", "-A"}, {"-C", "seed", "commit", "-qm", "Start"}, {"clone", "-q", "--bare", "seed", bare},
	} {
		run(t, dir, env, "git", args...)
	}
	if err := os.Rename(filepath.Join(dir, "hook"), filepath.Join(bare, "hooks", "pre-receive")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(bare, "hooks", "pre-receive"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(work, "keep"), "")
	for range 2 { // the second time there is nothing to do
		run(t, work, env, "sh", filepath.Join(dir, "deploy.sh"), "file://"+bare, "registry.example.com/acme/api=1.1.0")
	}
	if got := run(t, dir, env, "git", "-C", bare, "show", "main:clusters/staging/web.yaml"); got != "image: registry.example.com/acme/api:1.1.0 # kept\n" {
		t.Errorf("file %q", got)
	}
	if got := strings.TrimSpace(run(t, dir, env, "git", "-C", bare, "rev-list", "--count", "main")); got != "2" {
		t.Errorf("%s commits, want 2", got)
	}
}
