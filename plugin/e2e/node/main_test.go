package node

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/e2e/kube"
)

// TestMain runs the tests in namespaces of their own, after everything has been built that needs the network.
func TestMain(m *testing.M) {
	dir, err := Inside()
	if err != nil {
		fail(err)
	}
	flag.Parse()
	if dir != "" || testing.Short() {
		os.Exit(m.Run())
	}
	if reason := Missing(); reason != "" {
		fmt.Fprintf(os.Stderr, "\n##### THE TESTS ON A REAL NODE DO NOT RUN: %s\n\n", reason)
		os.Exit(m.Run()) // each of them skips
	}
	if dir, err = NewDir(); err != nil {
		fail(err)
	}
	if err := prepare(context.Background(), dir); err != nil {
		os.RemoveAll(dir)
		fail(err)
	}
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

const imageFile = "image.tar"

// prepare builds the control plane, the kubelet, the image and pause.
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
	platform, err := exec.CommandContext(ctx, "go", "env", "GOARCH").Output()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "run", ".", "-platforms", "linux/"+string(platform[:len(platform)-1]), "-o", filepath.Join(dir, imageFile))
	cmd.Dir = "../../../image"
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the image: %w\n%s", err, out)
	}
	return nil
}
