package plugin

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/kubectl/pkg/util/term"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record/store"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/ui"
)

// DefaultNamespace is the namespace of an instance when -n does not name another.
const DefaultNamespace = "gitops-system"

// toolName is the name in ApplySet tooling annotations and user agents.
const toolName = "kubectl-gitops"

// The exit codes. Only diff tells differences from errors, as kubectl diff does.
const (
	exitOK          = 0
	exitError       = 1
	exitDifferences = 1
	exitDiffError   = 2
)

// errDifferences ends diff when there are some; nothing is printed for it.
var errDifferences = errors.New("differences found")

// errReported ends a command that failed and has said why.
var errReported = errors.New("already reported")

// Main runs the command line and returns the exit code. args come without the program's name. It returns soon after
// ctx ends.
func Main(ctx context.Context, args []string, streams genericiooptions.IOStreams) int {
	if len(args) > 0 && args[0] == renderCommand {
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

func seeHelp(cmd *cobra.Command, err error) error {
	return hint.With(err, "see `%s --help`", cmd.CommandPath())
}

// cli is what all commands share.
type cli struct {
	streams genericiooptions.IOStreams
	config  *genericclioptions.ConfigFlags
	color   string
	shared  *ui.Terminal
}

func (c *cli) ui() *ui.Terminal {
	if c.shared == nil {
		c.shared = ui.New(c.streams, c.color)
	}
	return c.shared
}

func (c *cli) rootCommand() *cobra.Command {
	c.config = genericclioptions.NewConfigFlags(true)
	root := &cobra.Command{
		Use:   toolName,
		Short: "Make a cluster equal to Git, and keep it so",
		Long: `Make a cluster equal to Git, and keep it so.

Git says what should run. Each pass pulls one commit, renders it, compares it
with the cluster, applies what differs, prunes what left Git, waits until all
is healthy and reverts what somebody changed by hand. To roll back, revert the
commit in Git.`,
		Example: `  # Apply a directory of a repository, then see how it is doing
  kubectl gitops reconcile --repo https://github.com/acme/config \
    --path apps/shop/overlays/prod --name shop
  kubectl gitops status

  # What would the next pass change, and what happened so far
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
	root.AddGroup(&cobra.Group{ID: "work", Title: "Work:"}, &cobra.Group{ID: "look", Title: "Look:"})
	add := func(group string, commands ...*cobra.Command) {
		for _, command := range commands {
			command.GroupID = group
			root.AddCommand(command)
		}
	}
	add("work", newReconcileCommand(c), newInstallCommand(c), newUninstallCommand(c), newTriggerCommand(c), newSuspendCommand(c), newResumeCommand(c), newRBACCommand(c))
	add("look", newDiffCommand(c), newStatusCommand(c), newHistoryCommand(c), newRenderCommand(c))
	add("look", newPreviewCommand(c), newTreeCommand(c), newTraceCommand(c))
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

// namespace is the namespace of the instance.
func (c *cli) namespace() string {
	if ns := *c.config.Namespace; ns != "" {
		return ns
	}
	return DefaultNamespace
}

// connect prepares the client and the store of records; nothing is sent yet.
func (c *cli) connect() (*cluster.Client, *store.Store, error) {
	config, err := c.config.ToRESTConfig()
	if err == nil {
		err = c.anyCluster(config.Host)
	}
	if err != nil {
		return nil, nil, explainConfig(err)
	}
	u := c.ui()
	client, err := cluster.Connect(config, toolName+"/"+toolVersion(), func(text string) { u.Warn("%s", text) })
	if err != nil {
		return nil, nil, err
	}
	store := &store.Store{Cluster: client, Namespace: c.namespace(), Tool: toolName + "/" + toolVersion()}
	return client, store, nil
}

// anyCluster fails when nothing names a cluster, and host is what the libraries of kubectl try then: one on localhost.
func (c *cli) anyCluster(host string) error {
	const guessed = "http://localhost:8080"
	raw, err := c.config.ToRawKubeConfigLoader().RawConfig()
	if err != nil || host != guessed || len(raw.Clusters) > 0 || *c.config.APIServer != "" {
		return err
	}
	return clientcmd.ErrEmptyConfig
}

// completeAppNames completes APP arguments from the records of the instance.
func (c *cli) completeAppNames(most int) cobra.CompletionFunc {
	return completeApps(most, func(cmd *cobra.Command) ([]string, error) {
		ctx, cancel := context.WithTimeout(cmd.Context(), 2*time.Second)
		defer cancel()
		_, store, err := c.connect()
		if err != nil {
			return nil, err
		}
		parents, err := store.Parents(ctx)
		if err != nil {
			return nil, err
		}
		var names []string
		for name := range parents {
			names = append(names, name)
		}
		slices.Sort(names)
		return names, nil
	})
}

// workingDirectory is where the process stands, or "." when that cannot be told.
func workingDirectory() string {
	dir, err := os.Getwd()
	if err != nil {
		return "."
	}
	return dir
}

// oneWord makes a name for an app out of a path or URL: its last element, lower-case, as a DNS label.
func oneWord(s string) string {
	s = strings.TrimSuffix(strings.TrimRight(s, "/"), ".git")
	s = strings.ToLower(s[strings.LastIndexAny(s, "/:\\")+1:])
	return strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, s), "-")
}
