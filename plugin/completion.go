package plugin

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// kubectlScript is what kubectl runs to complete the arguments of a plugin (1.26 and newer).
const kubectlScript = `#!/bin/sh
exec kubectl gitops __complete "$@"
`

const kubectlScriptHelp = `kubectl (1.26 and newer) runs this script to complete "kubectl gitops ...". Put it on your PATH:

  kubectl gitops completion > ~/.local/bin/kubectl_complete-gitops
  chmod +x ~/.local/bin/kubectl_complete-gitops
`

// newCompletionCommand returns `completion`, which takes the place of cobra's own.
func newCompletionCommand(streams genericiooptions.IOStreams) *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return &cobra.Command{
		Use:   "completion [" + strings.Join(shells, "|") + "]",
		Short: "Print a completion script",
		Long: `Without an argument, print the script with which kubectl completes "kubectl gitops".
With the name of a shell, print the script with which that shell completes "kubectl-gitops".`,
		Example: `  # complete "kubectl gitops ..." (kubectl 1.26 and newer)
  kubectl gitops completion > ~/.local/bin/kubectl_complete-gitops
  chmod +x ~/.local/bin/kubectl_complete-gitops

  # complete "kubectl-gitops ..." in this bash
  source <(kubectl-gitops completion bash)`,
		Args:                  oneOfShells(shells),
		ValidArgs:             shells,
		DisableFlagsInUseLine: true,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				fmt.Fprint(streams.ErrOut, kubectlScriptHelp)
				_, err := io.WriteString(streams.Out, kubectlScript)
				return err
			}
			return shellScript(streams.Out, args[0])
		},
	}
}

func oneOfShells(shells []string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) == 0 || len(args) == 1 && slices.Contains(shells, args[0]) {
			return nil
		}
		return hint.Errorf(fmt.Sprintf("no completion for %q", strings.Join(args, " ")), "one of: %s", strings.Join(shells, ", "))
	}
}

// shellScript writes the completion script of a shell. The script asks the binary for every word, so it depends on
// the binary's name alone.
func shellScript(w io.Writer, shell string) error {
	cmd := &cobra.Command{Use: toolName}
	switch shell {
	case "bash":
		return cmd.GenBashCompletionV2(w, true)
	case "zsh":
		return cmd.GenZshCompletion(w)
	case "fish":
		return cmd.GenFishCompletion(w, true)
	}
	return cmd.GenPowerShellCompletionWithDesc(w)
}

// completeApps completes up to most names of apps (0: any number), each once. list reads the names of the instance;
// when it fails nothing is offered.
func completeApps(most int, list func(*cobra.Command) ([]string, error)) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if most > 0 && len(args) >= most {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		names, err := list(cmd)
		if err != nil {
			cobra.CompDebugln(err.Error(), false)
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var found []cobra.Completion
		for _, name := range slices.Sorted(slices.Values(names)) {
			if strings.HasPrefix(name, typed) && !slices.Contains(args, name) {
				found = append(found, name)
			}
		}
		return found, cobra.ShellCompDirectiveNoFileComp
	}
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

// completeConnectionFlags completes --context, --cluster and --user from the kubeconfig, and --namespace from the
// cluster. k8s.io/kubectl/pkg/util/completion does the same for a third more binary and start-up time.
func (c *cli) completeConnectionFlags(root *cobra.Command) {
	for flag, list := range map[string]func(*clientcmdapi.Config) []string{
		"context": func(k *clientcmdapi.Config) []string { return slices.Collect(maps.Keys(k.Contexts)) },
		"cluster": func(k *clientcmdapi.Config) []string { return slices.Collect(maps.Keys(k.Clusters)) },
		"user":    func(k *clientcmdapi.Config) []string { return slices.Collect(maps.Keys(k.AuthInfos)) },
	} {
		registerCompletion(root, flag, func(*cobra.Command) []string {
			config, err := c.config.ToRawKubeConfigLoader().RawConfig()
			if err != nil {
				return nil
			}
			return list(&config)
		})
	}
	registerCompletion(root, "namespace", func(cmd *cobra.Command) []string {
		ctx, cancel := context.WithTimeout(cmd.Context(), 2*time.Second)
		defer cancel()
		client, _, err := c.connect()
		if err != nil {
			return nil
		}
		return client.Namespaces(ctx)
	})
}

func registerCompletion(cmd *cobra.Command, flag string, list func(*cobra.Command) []string) {
	complete := func(cmd *cobra.Command, _ []string, toComplete string) ([]string, cobra.ShellCompDirective) {
		names := slices.DeleteFunc(list(cmd), func(name string) bool { return !strings.HasPrefix(name, toComplete) })
		slices.Sort(names)
		return names, cobra.ShellCompDirectiveNoFileComp
	}
	if err := cmd.RegisterFlagCompletionFunc(flag, complete); err != nil {
		cmd.PrintErrln(err) // only when the flag does not exist
	}
}

// fixedWords completes a flag whose value is one of words, or with a list of words several of them.
func fixedWords(cmd *cobra.Command, flag string, words ...string) {
	complete := func(_ *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		before := ""
		if cmd.Flag(flag).Value.Type() == "stringSlice" {
			before = typed[:strings.LastIndexByte(typed, ',')+1]
		}
		var found []cobra.Completion
		for _, word := range words {
			if strings.HasPrefix(strings.ToLower(before+word), strings.ToLower(typed)) {
				found = append(found, before+word)
			}
		}
		return found, cobra.ShellCompDirectiveNoFileComp
	}
	if err := cmd.RegisterFlagCompletionFunc(flag, complete); err != nil {
		cmd.PrintErrln(err) // only when the flag does not exist
	}
}

// completing tells whether args ask for the completion of a command line.
func completing(args []string) bool {
	return len(args) > 0 && (args[0] == cobra.ShellCompRequestCmd || args[0] == cobra.ShellCompNoDescRequestCmd)
}

// onlyFilesWhereFiles keeps the shell from offering file names for flags that take no file: durations, names, numbers.
func onlyFilesWhereFiles(cmd *cobra.Command) {
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if _, ok := cmd.GetFlagCompletionFunc(f.Name); ok || takesFile(f.Name) {
			return
		}
		if err := cmd.RegisterFlagCompletionFunc(f.Name, cobra.NoFileCompletions); err != nil {
			cmd.PrintErrln(err) // only when it is registered already
		}
	})
	for _, sub := range cmd.Commands() {
		onlyFilesWhereFiles(sub)
	}
}

// takesFile tells whether the value of a flag is, or can be, the name of a file or directory of this machine.
func takesFile(flag string) bool {
	return strings.HasSuffix(flag, "-file") || strings.HasSuffix(flag, "-dir") || slices.Contains([]string{
		"base", "certificate-authority", "client-certificate", "client-key", "head", "kubeconfig", "notify", "patch", "path", "repo", "termination-log",
	}, flag)
}
