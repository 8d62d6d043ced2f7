package signed_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source/git"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source/signed"
)

// bySubject trusts commits whose message says that they are signed.
type bySubject struct{}

func (bySubject) Verify(payload []byte, _ string, _ time.Time) (string, error) {
	if bytes.Contains(payload, []byte("\n\nsigned")) {
		return "ada", nil
	}
	return "", errors.New("it has no signature")
}

// repository is a real repository; commit adds an empty commit and returns its name.
func repository(t *testing.T) (dir string, commit func(subject string) string) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	dir = filepath.Join(t.TempDir(), "config")
	git := func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "git", args...)
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
			"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com"}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return strings.TrimSpace(string(out))
	}
	git("init", "-q", "-b", "main", dir)
	return dir, func(subject string) string {
		git("-C", dir, "commit", "-q", "--allow-empty", "-m", subject)
		return git("-C", dir, "rev-parse", "HEAD")
	}
}

func never(context.Context) *report.Revision { return nil }

func applied(commit string) signed.Last {
	return func(context.Context) *report.Revision { return &report.Revision{Commit: commit, Signer: "ada"} }
}

func TestTrustedCommitsOnly(t *testing.T) {
	dir, commit := repository(t)
	repo := git.Unpacker{Repo: git.Repo{URL: dir, Trust: bySubject{}}}
	stranger := commit("first, of somebody")
	s := signed.New(repo, never)
	defer s.Close()
	var untrusted *source.UntrustedError
	if got, err := s.Poll(t.Context()); got != "" || !errors.As(err, &untrusted) || untrusted.Commit != stranger {
		t.Fatalf("a commit of a stranger: %q, %v", got, err)
	}

	good := commit("signed: second")
	for range 2 { // the second time it is known
		if got, err := s.Poll(t.Context()); got != good || err != nil {
			t.Fatalf("a signed commit: %q, %v", got, err)
		}
		if held, why := s.Withheld(); held != "" || why != nil {
			t.Errorf("nothing is held back: %q, %v", held, why)
		}
	}
	tree, err := s.Open(t.Context(), good)
	if err != nil || tree.Revision.Signer != "ada" {
		t.Fatalf("%+v, %v", tree, err)
	}
	tree.Close()

	tip := commit("third, of somebody")
	got, err := s.Poll(t.Context())
	held, why := s.Withheld()
	if got != good || err != nil || held != tip || why == nil || !strings.HasSuffix(why.Error(), "; "+good[:7]+" stays applied") {
		t.Errorf("behind a signed commit: %q, %v; held %q, %v", got, err, held, why)
	}

	later := signed.New(repo, applied(good)) // the next process
	defer later.Close()
	if got, err := later.Poll(t.Context()); got != good || err != nil {
		t.Errorf("the next process: %q, %v", got, err)
	}
	if got, err := signed.New(repo, applied(tip)).Poll(t.Context()); got != tip || err != nil {
		t.Errorf("a commit that was verified when it was applied: %q, %v", got, err)
	}
}

// Where commits were verified until now, keys that are gone do not end the verification.
func TestUnverified(t *testing.T) {
	dir, commit := repository(t)
	tip := commit("first")
	repo := git.Unpacker{Repo: git.Repo{URL: dir}}
	if got, err := (&signed.Unverified{Source: repo, Last: never}).Poll(t.Context()); got != tip || err != nil {
		t.Errorf("nothing was ever verified: %q, %v", got, err)
	}
	got, err := (&signed.Unverified{Source: repo, Last: applied(tip)}).Poll(t.Context())
	if got != "" || err == nil || !strings.Contains(err.Error(), "signed by ada") || len(hint.Of(err)) == 0 {
		t.Errorf("keys are gone: %q, %v", got, err)
	}
}
