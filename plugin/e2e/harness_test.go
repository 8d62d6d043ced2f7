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
	tmp     string // everything temporary, of the scripts too
	bin     string // kubectl and kubectl-gitops, the first element of every script's PATH
}

// startHarness starts the control plane and builds the plugin. It makes TMPDIR of this process a directory of its own.
func startHarness(ctx context.Context, log io.Writer) (*harness, error) {
	tmp, err := os.MkdirTemp("", "gitops-e2e-")
	if err != nil {
		return nil, err
	}
	h := &harness{tmp: tmp, bin: filepath.Join(tmp, "bin")}
	if err := h.start(ctx, log); err != nil {
		h.stop()
		return nil, err
	}
	return h, nil
}

func (h *harness) start(ctx context.Context, log io.Writer) error {
	if err := os.Setenv("TMPDIR", h.tmp); err != nil {
		return err
	}
	if err := os.Mkdir(h.bin, 0o700); err != nil {
		return err
	}
	if err := buildPlugin(ctx, h.bin); err != nil {
		return err
	}
	cluster, err := kube.Start(ctx, kube.Options{Log: log})
	if err != nil {
		return err
	}
	h.cluster = cluster
	return os.Symlink(filepath.Join(cluster.Bin, "kubectl"), filepath.Join(h.bin, "kubectl"))
}

// stop ends the cluster and removes all that is temporary. It may be called more than once.
func (h *harness) stop() {
	if h.cluster != nil {
		h.cluster.Stop()
	}
	os.RemoveAll(h.tmp)
}

// buildPlugin compiles cmd/kubectl-gitops of this checkout into bin.
func buildPlugin(ctx context.Context, bin string) error {
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
