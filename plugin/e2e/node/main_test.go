package node

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/e2e/kube"
)

const (
	imageFile = "image.tar"
	imageName = "ghcr.io/kubectl-gitops/kubectl-gitops:dev"
)

// world is what all tests share.
type world struct {
	cluster *kube.Cluster
	node    *Node
	bin     string // kubectl and kubectl-gitops
}

// shared is nil where the tests cannot run.
var shared *world

// TestMain runs the tests in namespaces of their own, after everything has been built that needs the network.
func TestMain(m *testing.M) {
	dir, err := Inside()
	flag.Parse()
	switch {
	case err != nil:
		fail(err)
	case dir != "":
		os.Exit(runInside(m, dir))
	case testing.Short():
		os.Exit(m.Run())
	}
	if reason := Missing(); reason != "" {
		fmt.Fprintf(os.Stderr, "\n##### THE TESTS ON A REAL NODE ARE SKIPPED: %s\n\n", reason)
		os.Exit(m.Run())
	}
	if dir, err = NewDir(); err != nil {
		fail(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	if err := prepare(ctx, dir); err != nil {
		os.RemoveAll(dir)
		fail(err)
	}
	stop() // Enter looks after signals from here on
	code, err := Enter(dir)
	if err != nil {
		fail(err)
	}
	os.Exit(code)
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "error:", err)
	os.Exit(1)
}

// runInside starts the cluster with its node and runs the tests.
func runInside(m *testing.M, dir string) int {
	if err := os.Setenv("TMPDIR", dir); err != nil {
		fail(err)
	}
	ctx := context.Background()
	cluster, err := kube.Start(ctx, kube.Options{Log: os.Stderr})
	if err != nil {
		fail(err)
	}
	defer cluster.Stop()
	bin := filepath.Join(dir, "bin")
	if err := os.Symlink(filepath.Join(cluster.Bin, "kubectl"), filepath.Join(bin, "kubectl")); err != nil {
		fail(err)
	}
	n, err := Start(ctx, cluster, dir, filepath.Join(dir, imageFile))
	if err != nil {
		fail(err)
	}
	shared = &world{cluster, n, bin}
	return m.Run()
}

// prepare builds the control plane, the kubelet, the image, the plugin and pause.
func prepare(ctx context.Context, dir string) error {
	if _, err := kube.Build(ctx, os.Stderr); err != nil {
		return err
	}
	if _, err := kube.BuildNode(ctx, os.Stderr); err != nil {
		return err
	}
	if err := BuildPause(ctx, dir); err != nil {
		return err
	}
	root, err := filepath.Abs("../../..")
	if err != nil {
		return err
	}
	if err := command(ctx, root, "go", "build", "-trimpath", "-o", filepath.Join(dir, "bin", "kubectl-gitops"), "./cmd/kubectl-gitops"); err != nil {
		return err
	}
	return command(ctx, filepath.Join(root, ".ci", "image"), "go", "run", ".", "-dir", root, "-platforms", "linux/"+runtime.GOARCH, "-name", imageName, "-o", filepath.Join(dir, imageFile))
}

func command(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	return nil
}
