// Package e2e runs scripts (testdata/script/*.txtar) against a real Kubernetes API server, controllers and etcd, with
// kubectl and the kubectl-gitops of this checkout as a user would call them. See README.md for what a script can use.
//
// It does NOT have nodes: package kube says what stands in for them.
package e2e

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// scriptsAtOnce is how many scripts run side by side.
const scriptsAtOnce = "4"

// shared is set by TestMain, once, before any test runs. It is nil with -short.
var shared *harness

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if testing.Short() {
		return m.Run()
	}
	if err := flag.Set("test.parallel", scriptsAtOnce); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		return 1
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	h, err := startHarness(ctx, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		return 1
	}
	defer h.stop()
	forget := context.AfterFunc(ctx, func() { // interrupted: deferred calls will not run
		killDescendants(os.Getpid())
		h.stop()
		os.Exit(1)
	})
	defer forget()
	shared = h
	return m.Run()
}

func TestScripts(t *testing.T) {
	if testing.Short() {
		t.Skip("runs against a control plane")
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		Setup:               shared.setup,
		Cmds:                commands(),
		RequireUniqueNames:  true,
		RequireExplicitExec: false,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
	})
}
