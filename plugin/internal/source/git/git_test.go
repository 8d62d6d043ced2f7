package git_test

import (
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// repository is a real repository, made with the git binary.
type repository struct {
	t   testing.TB
	dir string
}

func newRepository(t testing.TB, args ...string) repository {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	r := repository{t, filepath.Join(t.TempDir(), "config")}
	run(t, "", append(append([]string{"init", "-q", "-b", "main"}, args...), r.dir)...)
	return r
}

func run(t testing.TB, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = gitEnv()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func gitEnv() []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_AUTHOR_NAME=Ada Lovelace", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_AUTHOR_DATE=2026-01-02T03:04:05Z",
		"GIT_COMMITTER_NAME=Max Planck", "GIT_COMMITTER_EMAIL=max@example.com", "GIT_COMMITTER_DATE=2026-02-03T04:05:06Z",
	}
}

func (r repository) git(args ...string) string { r.t.Helper(); return run(r.t, r.dir, args...) }

func (r repository) write(name, content string) {
	r.t.Helper()
	file := filepath.Join(r.dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

// commit commits everything and returns the commit.
func (r repository) commit(message string) string {
	r.t.Helper()
	r.git("add", "-A", "-f")
	r.git("commit", "-q", "--allow-empty", "-m", message)
	return r.git("rev-parse", "HEAD")
}

// rawTree makes a tree object from "<mode> <type> <hash>\t<name>" lines, unchecked, and commits it to branch.
func (r repository) rawTree(branch string, entries ...rawEntry) string {
	r.t.Helper()
	var raw []byte
	for _, e := range entries {
		raw = append(raw, e.mode+" "+e.name+"\x00"...)
		raw = append(raw, unhex(r.t, e.hash)...)
	}
	cmd := exec.Command("git", "hash-object", "-t", "tree", "-w", "--stdin", "--literally")
	cmd.Dir, cmd.Env, cmd.Stdin = r.dir, gitEnv(), strings.NewReader(string(raw))
	out, err := cmd.Output()
	if err != nil {
		r.t.Fatal(err)
	}
	commit := r.git("commit-tree", "-m", "raw", strings.TrimSpace(string(out)))
	r.git("update-ref", "refs/heads/"+branch, commit)
	return commit
}

// fastImport feeds git fast-import.
func (r repository) fastImport(script string) {
	r.t.Helper()
	cmd := exec.Command("git", "fast-import", "--quiet")
	cmd.Dir, cmd.Env, cmd.Stdin = r.dir, gitEnv(), strings.NewReader(script)
	if out, err := cmd.CombinedOutput(); err != nil {
		r.t.Fatalf("git fast-import: %v\n%s", err, out)
	}
}

type rawEntry struct{ mode, name, hash string }

func (r repository) blob(content string) string {
	r.t.Helper()
	cmd := exec.Command("git", "hash-object", "-w", "--stdin")
	cmd.Dir, cmd.Env, cmd.Stdin = r.dir, gitEnv(), strings.NewReader(content)
	out, err := cmd.Output()
	if err != nil {
		r.t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// serve answers with git http-backend. wrap, when given, sees each request first.
func (r repository) serve(wrap func(http.Handler) http.Handler) *httptest.Server {
	server := httptest.NewServer(r.handler(wrap))
	r.t.Cleanup(server.Close)
	return server
}

func (r repository) handler(wrap func(http.Handler) http.Handler) http.Handler {
	r.t.Helper()
	backend := filepath.Join(run(r.t, "", "--exec-path"), "git-http-backend")
	if _, err := os.Stat(backend); err != nil {
		r.t.Skip("git http-backend is not installed")
	}
	var h http.Handler = &cgi.Handler{
		Path:   backend,
		Dir:    r.dir,
		Env:    append(gitEnv(), "GIT_PROJECT_ROOT="+filepath.Dir(r.dir), "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"),
		Stderr: testWriter{r.t},
	}
	if wrap != nil {
		h = wrap(h)
	}
	return h
}

type testWriter struct{ t testing.TB }

func (w testWriter) Write(p []byte) (int, error) { return len(p), nil }

// requireToken lets through only requests with this token as basic auth.
func requireToken(token string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			user, password, ok := req.BasicAuth()
			switch {
			case !ok || user != "x-access-token":
				w.WriteHeader(http.StatusUnauthorized)
			case password != token:
				http.Error(w, "bad token "+password, http.StatusUnauthorized)
			default:
				next.ServeHTTP(w, req)
			}
		})
	}
}

func file(t testing.TB, content string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// mustFail checks that err says each of want, in its text or its hints.
func mustFail(t testing.TB, err error, want ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", want)
	}
	text := err.Error() + "\nhint: " + strings.Join(hint.Of(err), "\nhint: ")
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("error lacks %q:\n%s", w, text)
		}
	}
}
