package action

import (
	"fmt"
	"io"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/display"
	"github.com/kubectl-gitops/kubectl-gitops/action/internal/hint"
)

// Exit codes of Main.
const (
	ExitOK      = 0 // done, or nothing to do
	ExitFailed  = 1 // failed, or --check found something to change
	ExitMisused = 2 // the command line is wrong
)

// Streams are what a run may touch outside its arguments: the environment, the two output streams and the
// current directory of the process.
type Streams struct {
	Getenv func(string) string
	Out    io.Writer
	Err    io.Writer
}

// printError prints an error and its advice, one line each.
func printError(w io.Writer, err error) {
	fmt.Fprintf(w, "error: %s\n", display.Log(err.Error()))
	if advice := hint.Of(err); advice != "" {
		fmt.Fprintf(w, "hint: %s\n", display.Log(advice))
	}
}
