package plugin

import (
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/target"
)

// renderWorker is the side of the child that renders. It says what went wrong in plain text: its standard error is read by the
// parent.
func renderWorker(args []string, streams genericiooptions.IOStreams) int {
	if err := render.Worker(args, streams.In, streams.Out, target.FindInIndex); err != nil {
		_, _ = streams.ErrOut.Write([]byte(err.Error() + "\n"))
		return exitError
	}
	return exitOK
}
