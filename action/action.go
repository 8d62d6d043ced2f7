// Package action is the push half: it changes image references in a config repository.
//
// One run is always the same chain, and its files in the order of the chain are:
//
//	inputs    inputs.go, event.go            what is asked for
//	plan      session.go                     the operations of a step
//	          plan.go, set.go                bump
//	          promote.go, describe.go        promote: what goes where, and where it comes from
//	          rollback.go, undo.go, ...      rollback
//	edit      snapshot.go                    the files of one commit; the edits are made by package bumper
//	deliver   deliver.go                     read, plan, write, again until nothing came in between
//	          branch.go, proof.go, marker.go the branch, and whether it is ours
//	          pulls.go, pull.go, past.go,    the pull request
//	          merge.go
//	report    result.go, finding.go          what a run did, and what a check found
//	          report.go, outputs.go, text.go log, outputs, summary, and the words of commits and pull requests
//
// An operation (bump, promote, rollback) is only a way to make the plan; everything behind it is shared. Two more operations only
// look: preview and check. As a GitHub Action the package works through GitHub's API alone, without a Git binary and without a
// clone. As a command (gitops-action bump, promote, check) it works on the files of a checkout: local.go.
//
// GitHub is asked by internal/github, registries by internal/registry. What is promoted is decided by internal/promotion, which
// asks nobody.
//
// The package never talks to a cluster. It never rewrites the history of a base branch. The only ref that it forces is the branch
// of a pull request of its own, from the head that it read. It never writes to a branch that holds somebody else's commits. It
// edits no YAML itself: that is package bumper's work.
package action

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/hint"
)

// Main runs the command line and returns the exit code. Errors are printed as "error: ..." and, where
// there is advice, "hint: ...".
func Main(ctx context.Context, args []string, s Streams) int {
	if len(args) == 0 && s.Getenv("GITHUB_ACTIONS") == "true" {
		args = []string{"run"}
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	switch args[0] {
	case "run":
		return runAction(ctx, s, pause)
	case "bump", "promote":
		return runLocal(args[0], args[1:], s)
	case "check":
		return runLocalCheck(ctx, args[1:], s)
	case "version", "--version":
		fmt.Fprintln(s.Out, "gitops-action "+buildVersion())
		return ExitOK
	case "help", "--help", "-h":
		fmt.Fprint(s.Out, usage)
		return ExitOK
	}
	printError(s.Err, hint.With(fmt.Errorf("unknown command %q", args[0]), "commands are run, bump, promote, check and version; see gitops-action --help"))
	return ExitMisused
}

// runAction is one step of a workflow. It waits with sleep.
func runAction(ctx context.Context, s Streams, sleep func(context.Context, time.Duration) error) (code int) {
	rep := newReporter(s)
	defer func() {
		// The library that writes workflow commands panics when a write fails.
		if r := recover(); r != nil {
			printError(s.Err, fmt.Errorf("write to the workflow: %v", r))
			code = ExitFailed
		}
	}()
	in, err := readInputs(s.Getenv)
	rep.hide(in.Token)
	if err == nil {
		err = in.event.allowed(in.Operation)
	}
	if err != nil {
		return rep.failed(err)
	}
	step, err := newSession(in, rep, sleep)
	if err != nil {
		return rep.failed(err)
	}
	results, err := step.run(ctx)
	if err == nil || len(results) > 0 {
		err = errors.Join(err, rep.done(results), problems(results))
	}
	if err != nil {
		return rep.failed(err)
	}
	return ExitOK
}

// linkedVersion is set by the linker in a release, and never at run time.
var linkedVersion string

// buildVersion is the release, or the module version the binary was built from.
func buildVersion() string {
	if linkedVersion != "" {
		return linkedVersion
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}

// pause waits, or returns early when the run is cancelled.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return errors.Join(errors.New("interrupted while waiting"), ctx.Err())
	case <-timer.C:
		return nil
	}
}
