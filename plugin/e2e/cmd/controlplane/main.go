// Command controlplane builds the local control plane into the cache, unless it is there, and prints its directory.
// It starts nothing: make runs it so that the progress of the first build is seen before the tests begin.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/e2e/kube"
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
}
