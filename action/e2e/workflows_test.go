package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestWorkflowsOfThisRepositoryAreValid lints .github/workflows.
func TestWorkflowsOfThisRepositoryAreValid(t *testing.T) {
	for file, text := range ownWorkflows(t) {
		if problems := lint(t, text); len(problems) > 0 {
			t.Errorf("%s: %s", file, strings.Join(problems, "\n"))
		}
	}
}

// TestWorkflowsOfThisRepositoryAreNarrow: other people's code is pinned to a commit, rights are named, and only the job
// that publishes can write.
func TestWorkflowsOfThisRepositoryAreNarrow(t *testing.T) {
	type rights map[string]string
	pinned := regexp.MustCompile(`^[\w.-]+/[\w./-]+@[0-9a-f]{40}$`)
	for file, text := range ownWorkflows(t) {
		var w struct {
			Permissions *rights
			Jobs        map[string]struct {
				Permissions rights
				Steps       []struct{ Uses, Run string }
			}
		}
		if err := yaml.Unmarshal([]byte(text), &w); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if w.Permissions == nil {
			t.Errorf("%s names no permissions, so it has the default ones", file)
			continue
		}
		for name, job := range w.Jobs {
			all := []rights{*w.Permissions, job.Permissions}
			for _, r := range all {
				for scope, right := range r {
					if right == "write" && (filepath.Base(file) != "release.yml" || name != "publish") {
						t.Errorf("%s: job %s may write %s", file, name, scope)
					}
				}
			}
			for _, step := range job.Steps {
				if step.Uses != "" && !pinned.MatchString(step.Uses) {
					t.Errorf("%s: job %s: %s is not pinned to a commit", file, name, step.Uses)
				}
				if strings.Contains(step.Run, "${{") {
					t.Errorf("%s: job %s: an expression in a script: text from outside would become shell:\n%s", file, name, step.Run)
				}
			}
		}
	}
}

func ownWorkflows(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", ".github", "workflows", "*.y*ml"))
	if err != nil || len(files) < 2 {
		t.Fatalf("the workflows: %v, %v", files, err)
	}
	out := map[string]string{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		out[file] = string(data)
	}
	return out
}
