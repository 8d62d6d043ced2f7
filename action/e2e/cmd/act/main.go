// Command act is nektos/act, built from its module so that the tests need no download of a binary.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/nektos/act/cmd"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cmd.Execute(ctx, "v0.2.89")
}
