package e2e

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/githubtest"
)

// TestReleasedActionRunsItsCommittedDigest is the step as users of a release have it: the digests are in the commit that
// the step is taken from, the binary comes from a download, and no Go is needed. The files are those of `make
// release-snapshot`.
func TestReleasedActionRunsItsCommittedDigest(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the action and act")
	}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	dist := filepath.Join(t.TempDir(), "dist")
	run(t, filepath.Join(root, ".ci", "release"), nil, "go", "run", ".", "-dir", root, "-o", dist, "-programs", "gitops-action",
		"-platforms", runtime.GOOS+"/"+runtime.GOARCH, "snapshot", "0.0.1")
	asset := "gitops-action_0.0.1_" + runtime.GOOS + "_" + runtime.GOARCH
	var downloads atomic.Int32
	server := httptest.NewServer(http.StripPrefix("/v0.0.1/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		downloads.Add(1)
		http.FileServer(http.Dir(dist)).ServeHTTP(w, r)
	})))
	t.Cleanup(server.Close)

	workflow, err := os.ReadFile("testdata/workflows/uses.yml")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(workflow), "token: ${{ secrets.CONFIG_TOKEN }}", "token: ${{ secrets.CONFIG_TOKEN }}\n          download-url: "+server.URL, 1)
	bin, dir := actBinary(t), workspace(t, text)
	sums, err := os.ReadFile(filepath.Join(dist, "checksums.txt"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "action", "checksums.txt"), string(sums))
	run(t, dir, nil, "git", "-c", "user.name=Ada", "-c", "user.email=ada@example.com", "commit", "-qam", "Digests")
	payload := `{"head_commit":{"message":"Bump"}}`
	do := func() (*githubtest.Repo, string, bool) {
		hub, repo := config(t)
		log, ok := act(t, bin, dir, "push", payload, hub, "RUNNER_TOOL_CACHE="+t.TempDir(), "GOROOT=/nonexistent")
		return repo, log, ok
	}

	repo, log, ok := do()
	if !ok || len(repo.Open()) != 1 || downloads.Load() != 1 {
		t.Fatalf("%d downloads, %d pull requests\n%s", downloads.Load(), len(repo.Open()), log)
	}

	file, err := os.OpenFile(filepath.Join(dist, asset), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteString("x"); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if repo, log, ok = do(); ok || len(repo.Open()) != 0 || !strings.Contains(log, "wrong SHA-256") {
		t.Errorf("a tampered binary was run: %d pull requests\n%s", len(repo.Open()), log)
	}
}
