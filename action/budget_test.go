package action

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/githubtest"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/promotion"
)

// TestRequestBudget holds the numbers of the table in docs/action.md.
func TestRequestBudget(t *testing.T) {
	everything := map[string]string{"images": "ghcr.io/acme/api=1.8.2", "labels": "deploy,prod", "assignees": "ada", "reviewers": "grace", "team-reviewers": "ops", "auto-merge": "squash"}
	plain := map[string]string{"images": "ghcr.io/acme/api=1.8.2"}
	direct := map[string]string{"images": "ghcr.io/acme/api=1.8.2", "pull-request": "false"}
	cases := []struct {
		name   string
		before []map[string]string
		inputs map[string]string
		most   int
	}{
		{"open a pull request", nil, plain, 6},
		{"open a pull request with labels, assignees, reviewers and auto-merge", nil, everything, 9},
		{"run again with nothing to do", []map[string]string{everything}, everything, 2},
		{"update the pull request with a newer image", []map[string]string{plain}, map[string]string{"images": "ghcr.io/acme/api=1.9.0"}, 6},
		{"update when the base branch has moved", []map[string]string{plain}, map[string]string{"images": "ghcr.io/acme/api=1.9.0"}, 7},
		{"update when the base branch has moved in the file", []map[string]string{plain}, map[string]string{"images": "ghcr.io/acme/api=1.9.0"}, 8},
		{"commit directly", nil, direct, 5},
		{"commit directly with nothing to do", []map[string]string{direct}, direct, 2},
		{"promote with nothing to do", []map[string]string{promoting("pull-request", "false")}, promoting(), 3},
		{"promote by pull request", nil, promoting(), 8},
		{"roll an image back directly", []map[string]string{direct}, rollback("images", "ghcr.io/acme/api", "paths", "clusters/prod", "pull-request", "false"), 6},
		{"promote by pull request, with gates", nil, map[string]string{"operation": "promote"}, 9},
		{"roll a pull request back", nil, rollback("pull-request-number", "1"), 10},
		{"preview", nil, map[string]string{"operation": "preview", "pull-request-number": "2", "kubectl-gitops-path": renderer(t, "echo same")}, 6},
		{"check a pull request", nil, map[string]string{"operation": "check", "pull-request-number": "2"}, 4},
		{"check", nil, map[string]string{"images": "ghcr.io/acme/api=1.8.2", "operation": "check"}, 2},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			hub, repo := newConfig(t, githubtest.RepoOptions{AutoMerge: true})
			switch {
			case strings.HasPrefix(c.name, "promote"):
				files := map[string]string{stagingFile: kustomization("ghcr.io/acme/api", "1.9.0")}
				if strings.HasSuffix(c.name, "gates") {
					files[promotion.FilePath] = "apiVersion: kubectl-gitops.dev/v1alpha1\nkind: Promotion\nenvironments: [{name: staging, path: clusters/staging}, {name: prod, path: clusters/prod, gates: {statuses: [e2e]}}]\n"
				}
				repo.Report(githubtest.Report{SHA: repo.Push("main", "staging", files).SHA, Name: "e2e", State: "success"})
			case strings.Contains(c.name, "pull request back"), c.name == "preview", c.name == "check a pull request":
				repo.Push("release", "api 1.9.0", map[string]string{prodFile: kustomization("ghcr.io/acme/api", "1.9.0")})
				repo.OpenPull("release", "api 1.9.0")
				repo.Merge(1)
				repo.Push("next", "api 1.9.1", map[string]string{prodFile: kustomization("ghcr.io/acme/api", "1.9.1")})
				repo.OpenPull("next", "api 1.9.1")
			}
			for _, inputs := range c.before {
				runStep(t, hub, inputs).mustSucceed(t)
			}
			switch {
			case strings.HasSuffix(c.name, "moved"):
				repo.Push("main", "another file", map[string]string{"README.md": "x\n"})
			case strings.HasSuffix(c.name, "in the file"):
				repo.Push("main", "a comment", map[string]string{prodFile: kustomization("ghcr.io/acme/api", "1.8.1") + "# more\n"})
			}
			hub.ResetRequests()
			runStep(t, hub, c.inputs).mustSucceed(t)
			if got := hub.Requests(); len(got) != c.most {
				t.Errorf("%d requests, want %d:\n%v", len(got), c.most, got)
			}
		})
	}
}

// repository4000 is a config repository of 4,000 YAML files, 20 MB.
func repository4000() map[string]string {
	files := map[string]string{prodFile: kustomization("ghcr.io/acme/api", "1.8.1")}
	block := strings.Repeat("    - name: SETTING\n      value: \"some text that no image has\"\n", 75)
	for i := range 3999 {
		files[fmt.Sprintf("apps/app%d/deployment.yaml", i)] = fmt.Sprintf("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: app%d}\nspec:\n  template:\n    spec:\n      containers:\n      - image: ghcr.io/acme/app%d:1.0.0\n        env:\n%s", i, i, block)
	}
	return files
}

// The times of the table in docs/action.md: one whole run against the GitHub double, which checks each request
// and answers on the same machine.
func BenchmarkRun(b *testing.B) {
	small := map[string]string{prodFile: kustomization("ghcr.io/acme/api", "1.8.1")}
	large := repository4000()
	pull := map[string]string{"images": "ghcr.io/acme/api=1.8.2"}
	direct := map[string]string{"images": "ghcr.io/acme/api=1.8.2", "pull-request": "false"}
	nothing := map[string]string{"images": "ghcr.io/acme/api=1.8.1"}
	for _, c := range []struct {
		name   string
		files  map[string]string
		inputs map[string]string
	}{
		{"pull request, 1 file", small, pull}, {"direct commit, 1 file", small, direct}, {"nothing to do, 1 file", small, nothing},
		{"pull request, 4000 files", large, pull}, {"nothing to do, 4000 files", large, nothing},
	} {
		b.Run(c.name, func(b *testing.B) {
			hub := githubtest.New(b)
			for b.Loop() {
				b.StopTimer()
				hub.AddRepo("acme/config", c.files, githubtest.RepoOptions{})
				b.StartTimer()
				runStep(b, hub, c.inputs).mustSucceed(b)
			}
		})
	}
}

func BenchmarkCheckout4000Files(b *testing.B) {
	dir := b.TempDir()
	for name, data := range repository4000() {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(data), 0o644)); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		var out strings.Builder
		args := []string{"bump", "--dir", dir, "--check", "--image", "ghcr.io/acme/api=1.8.2"}
		if code := Main(b.Context(), args, Streams{Getenv: func(string) string { return "" }, Out: &out, Err: &out}); code != ExitFailed {
			b.Fatal(code, out.String())
		}
	}
}
