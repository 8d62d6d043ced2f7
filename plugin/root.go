package plugin

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/util/term"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/target"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/ui"
)

// Main runs the command line and returns the exit code. args come without the program's name. It returns soon after
// ctx ends.
func Main(ctx context.Context, args []string, streams genericiooptions.IOStreams) int {
	if len(args) > 0 && args[0] == target.RenderCommand {
		return renderWorker(args[1:], streams)
	}
	c := &cli{streams: streams, color: ui.ColorAuto}
	root := c.rootCommand()
	root.SetArgs(args)
	if completing(args) {
		onlyFilesWhereFiles(root)
	}
	command, err := root.ExecuteContextC(ctx)
	isDiff := command != nil && command.Name() == "diff"
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errDifferences):
		return exitDifferences
	case !errors.Is(err, errReported):
		switch { // cobra says what is wrong, not what to do
		case strings.HasPrefix(err.Error(), "unknown command"):
			err = unknownCommand(root, err)
		case strings.Contains(err.Error(), "arg(s)"):
			err = seeHelp(command, err)
		}
		c.ui().Fail(err)
	}
	if isDiff {
		return exitDiffError
	}
	return exitError
}

func (c *cli) rootCommand() *cobra.Command {
	c.config = genericclioptions.NewConfigFlags(true)
	root := &cobra.Command{
		Use:   toolName,
		Short: "Deploy a Git repository to a cluster, and revert drift",
		Long: `Deploy a Git repository to a cluster, and revert drift.

Git says what should run. Each run reads one commit, renders it and compares it
with the cluster. It applies what differs, prunes what left Git, reverts manual
changes in the cluster, and waits until all objects are healthy. To roll back,
revert the commit in Git.`,
		Example: `  # Apply a directory of a repository, then show its state
  kubectl gitops reconcile --repo https://github.com/acme/config \
    --path apps/shop/overlays/prod --name shop
  kubectl gitops status

  # Show what the next run would change, and what earlier runs changed
  kubectl gitops diff shop
  kubectl gitops history shop`,
		Annotations:        map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl gitops"},
		SilenceErrors:      true,
		SilenceUsage:       true,
		DisableSuggestions: true, // unknownCommand knows more
		CompletionOptions:  cobra.CompletionOptions{DisableDefaultCmd: true},
		PersistentPreRunE:  func(*cobra.Command, []string) error { return ui.CheckColor(c.color) },
	}
	flags := root.PersistentFlags()
	c.config.AddFlags(flags)
	flags.Lookup("namespace").Usage = "Namespace of the instance (default " + DefaultNamespace + ")"
	flags.StringVar(&c.color, "color", c.color, "Colour: auto, always or never")
	fixedWords(root, "color", ui.ColorAuto, ui.ColorAlways, ui.ColorNever)
	hideMost(flags)
	c.completeConnectionFlags(root)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return seeHelp(cmd, err) })
	root.SetIn(c.streams.In)
	root.SetOut(term.NewResponsiveWriter(c.streams.Out)) // help fits the terminal
	root.SetErr(c.streams.ErrOut)
	root.AddGroup(&cobra.Group{ID: "work", Title: "Deploy:"}, &cobra.Group{ID: "look", Title: "Inspect:"})
	add := func(group string, commands ...*cobra.Command) {
		for _, command := range commands {
			command.GroupID = group
			root.AddCommand(command)
		}
	}
	add("work", newReconcileCommand(c), newInstallCommand(c), newUninstallCommand(c), newTriggerCommand(c), newSuspendCommand(c), newResumeCommand(c), newRBACCommand(c))
	add("look", newDiffCommand(c), newStatusCommand(c), newHistoryCommand(c), newRenderCommand(c))
	add("look", newPreviewCommand(c), newLockCommand(c), newTreeCommand(c), newTraceCommand(c))
	root.AddCommand(newOptionsCommand(), newCompletionCommand(c.streams), newVersionCommand(c.streams))
	return root
}

// hideMost leaves the three connection flags that people use every day in each help; `options` lists all.
func hideMost(flags *pflag.FlagSet) {
	shown := []string{"namespace", "context", "kubeconfig", "color"}
	flags.VisitAll(func(f *pflag.Flag) {
		f.Hidden = !slices.Contains(shown, f.Name)
	})
}

func newOptionsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "options",
		Short: "List the flags that every command takes",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cmd.Println("Every command takes these flags:")
			all := cmd.Root().PersistentFlags()
			all.VisitAll(func(f *pflag.Flag) { f.Hidden = false })
			cmd.Print(all.FlagUsages())
			return nil
		},
	}
}
