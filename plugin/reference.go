package plugin

import (
	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/ui"
)

// Command returns the command tree without running it: the reference in docs/cli and the manual pages are made of it.
func Command(streams genericiooptions.IOStreams) *cobra.Command {
	return (&cli{streams: streams, color: ui.ColorAuto}).rootCommand()
}
