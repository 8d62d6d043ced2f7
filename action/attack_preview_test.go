package action

import (
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/githubtest"
)

// TestAttackPreview: what the program of the pull half cannot see does not pass for a change of images only.
func TestAttackPreview(t *testing.T) {
	yes := `printf '### 1 changed\n\n**Image-only change: yes**\n\n'; echo "$*"`
	cases := []struct {
		name   string
		files  map[string]string // of the change
		hidden string            // that the archive leaves out
		want   string
		text   string
	}{
		{"X9 a workflow that the archive leaves out", map[string]string{"x.yaml": "a: 2\n", ".github/workflows/evil.yml": "on: push\n"}, ".github/workflows/evil.yml", "false", "evil.yml"},
		{"X9 a change of a file that the archive leaves out", map[string]string{"x.yaml": "a: 2\n", "hidden.yaml": "a: 3\n"}, "hidden.yaml", "false", "- `hidden.yaml`"},
		{"X9 beside it: a file that is there", map[string]string{"x.yaml": "a: 2\n"}, "", "true", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			hub := githubtest.New(t)
			hub.ArchiveOmits = c.hidden
			repo := hub.AddRepo("acme/config", map[string]string{"x.yaml": "a: 1\n", "hidden.yaml": "a: 1\n"}, githubtest.RepoOptions{})
			repo.Push("feature", "change", c.files)
			repo.OpenPull("feature", "change")
			got := runStep(t, hub, map[string]string{"operation": "preview", "pull-request-number": "1", "kubectl-gitops-path": renderer(t, yes)}).mustSucceed(t)
			got.want(t, map[string]string{"image-only": c.want})
			if n := strings.Count(repo.Pulls()[0].Comments[0], "Image-only"); n != 1 {
				t.Errorf("%d verdicts", n)
			}
			if !strings.Contains(repo.Pulls()[0].Comments[0], c.text) {
				t.Errorf("comment:\n%s", repo.Pulls()[0].Comments[0])
			}
		})
	}
	t.Run("X9 all paths are previewed together", func(t *testing.T) {
		hub := githubtest.New(t)
		repo := hub.AddRepo("acme/config", map[string]string{"a/x.yaml": "a: 1\n", "b/x.yaml": "a: 1\n"}, githubtest.RepoOptions{})
		repo.Push("feature", "change", map[string]string{"a/x.yaml": "a: 2\n"})
		repo.OpenPull("feature", "change")
		runStep(t, hub, map[string]string{"operation": "preview", "paths": "a\nb", "pull-request-number": "1", "kubectl-gitops-path": renderer(t, `echo "$*"`)}).mustSucceed(t)
		if text := repo.Pulls()[0].Comments[0]; !strings.Contains(text, "--path a --path b") {
			t.Errorf("comment:\n%s", text)
		}
	})
}
