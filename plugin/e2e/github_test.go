package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// The push half is only known here as a program, and so is the GitHub it talks to: the two halves share no package, in
// tests neither.

var pushHalf struct {
	once sync.Once
	err  error
}

// buildPushHalf compiles gitops-action and the GitHub double into bin, for the first script that asks.
func buildPushHalf(bin string) error {
	pushHalf.once.Do(func() {
		for _, b := range []struct{ dir, name, pkg string }{
			{"../..", "gitops-action", "./cmd/gitops-action"}, {"../../action/e2e", "github-server", "./cmd/github-server"},
		} {
			cmd := exec.Command("go", "build", "-o", filepath.Join(bin, b.name), b.pkg)
			cmd.Dir, cmd.Env = b.dir, append(os.Environ(), "CGO_ENABLED=0")
			if out, err := cmd.CombinedOutput(); err != nil {
				pushHalf.err = fmt.Errorf("build %s: %w\n%s", b.name, err, out)
				return
			}
		}
	})
	return pushHalf.err
}

// cmdGitHub implements: github.
func cmdGitHub(ts *testscript.TestScript, args []string) error {
	if len(args) != 0 {
		return usageError("github")
	}
	if err := buildPushHalf(scriptOf(ts).bin); err != nil {
		return err
	}
	work := ts.Getenv("WORK")
	state := filepath.Join(work, "github")
	var log bytes.Buffer
	cmd := exec.Command(filepath.Join(scriptOf(ts).bin, "github-server"), "serve", filepath.Join(work, "config"), state)
	cmd.Stderr = &log
	// The description of GitHub's API is in the cache of whoever runs the tests.
	cmd.Env = os.Environ()
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	ts.Defer(func() { _ = cmd.Process.Kill() })
	addresses, err := waitForFile(state, ended)
	if err != nil {
		return fmt.Errorf("start the GitHub double: %w\n%s", err, &log)
	}
	url, _, _ := strings.Cut(addresses, "\n")
	for name, value := range map[string]string{
		"GITHUB_SERVER_STATE": state, "GITHUB_REPO": state + ".git", "GITHUB_REPOSITORY": "acme/config", "GITHUB_ACTOR": "ada",
		"GITHUB_API_URL": url, "GITHUB_GRAPHQL_URL": url + "/graphql", "GITHUB_SERVER_URL": url,
		"INPUT_TOKEN": "ghs_token-of-the-tests", "GITHUB_OUTPUT": filepath.Join(work, "output"), "GITHUB_STEP_SUMMARY": filepath.Join(work, "summary"),
	} {
		ts.Setenv(name, value)
	}
	return nil
}

// waitForFile returns what is in a file as soon as it is there.
func waitForFile(name string, ended <-chan error) (string, error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(2 * time.Minute); ; {
		if data, err := os.ReadFile(name); err == nil {
			return string(data), nil
		}
		select {
		case err := <-ended:
			return "", fmt.Errorf("it ended: %w", err)
		case <-deadline:
			return "", fmt.Errorf("no %s after two minutes", name)
		case <-tick.C:
		}
	}
}
