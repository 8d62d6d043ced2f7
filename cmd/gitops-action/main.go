// Command gitops-action is the push half of kubectl-gitops: it changes image references in a config
// repository, as a GitHub Action or on a checkout. It never talks to a cluster.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/kubectl-gitops/kubectl-gitops/action"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := action.Main(ctx, os.Args[1:], action.Streams{Getenv: os.Getenv, Out: os.Stdout, Err: os.Stderr})
	stop()
	os.Exit(code)
}
