package e2e

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/e2e/kube"
)

// harness is what all tests of this package share.
type harness struct {
	cluster *kube.Cluster
	bin     string // kubectl and kubectl-gitops, the first element of every script's PATH
}

// startHarness starts the control plane and builds the plugin. stop ends everything and may be called twice.
func startHarness(ctx context.Context, log io.Writer) (h *harness, stop func(), err error) {
	bin, err := os.MkdirTemp("", "gitops-e2e-bin-")
	if err != nil {
		return nil, nil, err
	}
	stop = func() { os.RemoveAll(bin) }
	defer func() {
		if err != nil {
			stop()
		}
	}()
	if err := buildPlugin(ctx, bin); err != nil {
		return nil, nil, err
	}
	cluster, err := kube.Start(ctx, kube.Options{Log: log})
	if err != nil {
		return nil, nil, err
	}
	stop = func() {
		cluster.Stop()
		os.RemoveAll(bin)
	}
	if err := os.Symlink(filepath.Join(cluster.Bin, "kubectl"), filepath.Join(bin, "kubectl")); err != nil {
		return nil, nil, err
	}
	return &harness{cluster, bin}, stop, nil
}

// buildPlugin compiles cmd/kubectl-gitops of this checkout into bin.
func buildPlugin(ctx context.Context, bin string) error {
	if _, err := os.Stat("../../cmd/kubectl-gitops"); err != nil {
		return nil
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(bin, "kubectl-gitops"), "./cmd/kubectl-gitops")
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build kubectl-gitops: %w\n%s", err, out)
	}
	return nil
}

// killDescendants ends the programs that scripts have started, and theirs (Linux; elsewhere the terminal does it).
func killDescendants(pid int) {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		children, _ := os.ReadFile(list)
		for _, field := range strings.Fields(string(children)) {
			child, err := strconv.Atoi(field)
			if err != nil {
				continue
			}
			killDescendants(child)
			_ = syscall.Kill(child, syscall.SIGKILL)
		}
	}
}
