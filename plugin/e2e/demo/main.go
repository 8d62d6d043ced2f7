// Command demo shows the loop of `kubectl gitops` on a cluster, from the first reconcile to a rollback, and checks
// what it shows. `make demo`, `make demo-up` and `make demo-down` run it.
//
// It does NOT know how reconciling works: it runs the same commands as a user and looks at the cluster with kubectl.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

const usage = `usage: demo run | up | down

run   show a deployment step by step, then stop everything that was started
up    start the cluster and the config repository, and leave them running
down  stop what up started

DEMO_CLUSTER=current uses the cluster of KUBECONFIG instead of a local one
`

var errUsage = errors.New("wrong usage")

func main() {
	// SIGPIPE: whoever reads the output has gone, as in `make demo | head`.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGPIPE)
	defer stop()
	err := dispatch(ctx, os.Args[1:])
	switch {
	case errors.Is(err, errUsage):
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	case ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "interrupted")
		os.Exit(130)
	case err != nil:
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func dispatch(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return errUsage
	}
	local, err := localCluster()
	if err != nil {
		return err
	}
	switch args[0] {
	case "run":
		return run(ctx, os.Stdout, local)
	case "up":
		return up(ctx, os.Stdout, local)
	case "down":
		return down(ctx, os.Stdout)
	case "pictures": // for the documentation: make pictures
		return pictures(ctx, os.Stderr, filepath.Join("docs", "pictures"))
	case "serve": // what up starts in the background
		return serve(ctx)
	default:
		return errUsage
	}
}

// localCluster says whether the demo brings its own cluster.
func localCluster() (bool, error) {
	switch choice := os.Getenv("DEMO_CLUSTER"); choice {
	case "", "local":
		return true, nil
	case "current":
		return false, nil
	default:
		return false, fmt.Errorf("DEMO_CLUSTER is %q; it may be local (the default) or current", choice)
	}
}
