package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/e2e/kube"
)

// names are the tools in the order of the tables.
func names() []string { return []string{"ours", "flux", "kapp", "kubectl", "bare", "waiting"} }

// tool is a program under test with a set, a user and directories of its own.
type tool struct {
	name  string
	set   set
	env   []string
	dir   string // holds the manifests in config
	state string // namespace of what the tool remembers
	commandLine
}

// commandLine returns the program and the arguments that make the cluster equal to the manifests. prune asks for a run
// that deletes what left them, where that is a different command.
type commandLine func(t *tool, prune bool) []string

func (t *tool) config() string { return filepath.Join(t.dir, "config") }

func (t *tool) user() string { return "bench-" + t.name }

func newTool(name string, size int, dir string, cluster *kube.Cluster) (*tool, error) {
	lines := map[string]commandLine{"ours": ours, "flux": flux, "kapp": kapp, "kubectl": kubectl, "bare": bare, "waiting": waiting}
	t := &tool{name: name, set: set{owner: name, size: size}, dir: filepath.Join(dir, fmt.Sprintf("%s-%d", name, size)),
		state: "bench-state-" + name, commandLine: lines[name]}
	if t.commandLine == nil {
		return nil, fmt.Errorf("no tool %s; they are %v", name, names())
	}
	kubeconfig, err := cluster.KubeconfigFor(t.user(), "system:masters")
	if err != nil {
		return nil, err
	}
	t.env = []string{"HOME=" + t.dir, "PATH=" + os.Getenv("PATH"), "KUBECONFIG=" + kubeconfig, "TMPDIR=" + t.dir,
		"GIT_CONFIG_NOSYSTEM=1", "KUBECTL_APPLYSET=true"}
	if err := os.MkdirAll(t.config(), 0o700); err != nil {
		return nil, err
	}
	if name == "ours" {
		return t, t.git("init", "--quiet")
	}
	return t, nil
}

func ours(t *tool, _ bool) []string {
	return []string{"kubectl-gitops", "reconcile", "--repo", t.config(), "--name", "bench", "-n", t.state, "-o", "json"}
}

func flux(t *tool, _ bool) []string {
	return []string{"fluxengine", t.config(), filepath.Join(t.dir, "inventory.json"), "bench"}
}

func kapp(t *tool, _ bool) []string {
	return []string{"kapp", "deploy", "-a", "bench", "-n", t.state, "-f", t.config(), "-y"}
}

func kubectl(t *tool, prune bool) []string {
	line := []string{"kubectl", "apply", "--server-side", "--force-conflicts", "-f", t.config()}
	if prune {
		line = append(line, "--prune", "--applyset="+applySetResource+"/bench")
	}
	return line
}

func bare(t *tool, _ bool) []string { return []string{"bareloop", t.patches()} }

func waiting(t *tool, _ bool) []string { return []string{"bareloop", "-wait", t.patches()} }

func (t *tool) patches() string { return filepath.Join(t.dir, "patches.json") }

// prepare writes the set to where the tool reads it.
func (t *tool) prepare(s set) error {
	t.set = s
	switch t.name {
	case "bare", "waiting":
		return s.writePatches(t.patches())
	case "ours":
		allow := fmt.Sprintf("\n\nGitops-Allow-Deletions: %d", s.size)
		return errors.Join(s.write(t.config()), t.git("add", "--all"), t.git("commit", "--quiet", "--allow-empty", "-m", "the set"+allow))
	}
	return s.write(t.config())
}

func (t *tool) git(args ...string) error {
	identity := []string{"-C", t.config(), "-c", "user.name=Ada Lovelace", "-c", "user.email=ada@example.com"}
	cmd := exec.Command("git", slices.Concat(identity, args)...)
	cmd.Env = t.env
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("git %s: %w\n%s", args[0], err, out)
	}
	return nil
}

// forget removes what the tool remembers outside the cluster.
func (t *tool) forget() error {
	err := os.Remove(filepath.Join(t.dir, "inventory.json"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// run makes one pass and counts its requests.
func (b *bench) run(ctx context.Context, t *tool, prune bool) (run, error) {
	if _, err := b.audit.take(ctx, t.user()); err != nil {
		return run{}, err
	}
	line := t.commandLine(t, prune)
	r, err := b.launcher.run(ctx, t.env, line[0], line[1:]...)
	if err != nil {
		return r, err
	}
	r.Requests, err = b.audit.take(ctx, t.user())
	return r, err
}
