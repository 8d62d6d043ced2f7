// Command controlplane builds the local control plane into the cache, unless it is there, and prints its directory. On a
// machine that can run a node it builds the kubelet too.
// It starts nothing: make runs it so that the progress of the first build is seen before the tests begin.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/e2e/kube"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/e2e/node"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	bin, err := kube.Build(ctx, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
	fmt.Println(bin)
	if node.Missing() != "" {
		return
	}
	if _, err := kube.BuildNode(ctx, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}
