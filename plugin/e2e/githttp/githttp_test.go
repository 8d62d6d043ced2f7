package githttp

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// git runs git in dir without the machine's configuration and returns what it prints.
func git(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir, "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=",
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func must(t *testing.T, dir string, args ...string) {
	t.Helper()
	if out, err := git(t, dir, args...); err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// repository returns a directory that holds the bare repository shop.git, and a clone of it with one commit.
func repository(t *testing.T) (root, clone string) {
	t.Helper()
	root, clone = t.TempDir(), filepath.Join(t.TempDir(), "clone")
	must(t, root, "init", "--quiet", "--bare", "--initial-branch=main", "shop.git")
	must(t, root, "-C", "shop.git", "config", "http.receivepack", "true")
	must(t, root, "clone", "--quiet", "shop.git", clone)
	must(t, clone, "commit", "--quiet", "--allow-empty", "-m", "First")
	must(t, clone, "push", "--quiet", "origin", "HEAD:main")
	return root, clone
}

func start(t *testing.T, root string, opt Options) *Server {
	t.Helper()
	s, err := Start(root, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

func TestCloneAndPush(t *testing.T) {
	root, clone := repository(t)
	s := start(t, root, Options{})
	must(t, clone, "clone", "--quiet", s.URL()+"/shop.git", filepath.Join(t.TempDir(), "copy"))
	must(t, clone, "commit", "--quiet", "--allow-empty", "-m", "Second")
	must(t, clone, "push", "--quiet", s.URL()+"/shop.git", "HEAD:main")
	if out, err := git(t, clone, "-C", filepath.Join(root, "shop.git"), "log", "-1", "--format=%s"); err != nil || out != "Second\n" {
		t.Errorf("the repository's last commit is %q, %v", out, err)
	}
}

func TestReadOnlyRefusesAPush(t *testing.T) {
	root, clone := repository(t)
	s := start(t, root, Options{ReadOnly: true})
	must(t, clone, "ls-remote", s.URL()+"/shop.git")
	if out, err := git(t, clone, "push", s.URL()+"/shop.git", "HEAD:other"); err == nil {
		t.Errorf("git push succeeded: %s", out)
	}
}

func TestTokenIsAskedFor(t *testing.T) {
	root, clone := repository(t)
	s := start(t, root, Options{Token: "s3cret"})
	if out, err := git(t, clone, "ls-remote", s.URL()+"/shop.git"); err == nil {
		t.Errorf("without a token: %s", out)
	}
	withPassword := strings.Replace(s.URL(), "http://", "http://x-access-token:s3cret@", 1)
	must(t, clone, "ls-remote", withPassword+"/shop.git")
	must(t, clone, "-c", "http.extraHeader=Authorization: Bearer s3cret", "ls-remote", s.URL()+"/shop.git")
}

func TestRedirectIsRecordedWithItsCredentials(t *testing.T) {
	root, clone := repository(t)
	target := start(t, root, Options{})
	s := start(t, root, Options{RedirectTo: target.URL()})
	must(t, clone, "ls-remote", s.URL()+"/shop.git")
	for name, server := range map[string]*Server{"first": s, "target": target} {
		if requests := server.Requests(); len(requests) == 0 || requests[0].Path != "/shop.git/info/refs" {
			t.Errorf("%s server: requests %v", name, requests)
		}
	}
}

func TestTLSNeedsItsCertificate(t *testing.T) {
	root, clone := repository(t)
	s := start(t, root, Options{TLS: true})
	if out, err := git(t, clone, "ls-remote", s.URL()+"/shop.git"); err == nil {
		t.Errorf("without the certificate: %s", out)
	}
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, s.CA(), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GIT_SSL_CAINFO", ca)
	must(t, clone, "ls-remote", s.URL()+"/shop.git")
}
