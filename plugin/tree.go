package plugin

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/inspect"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/status"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/target"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/ui"
)

func newTreeCommand(c *cli) *cobra.Command {
	output := &ui.Output{}
	cmd := &cobra.Command{
		Use:   "tree APP",
		Short: "Show the objects of an app, and their children",
		Long: `Show the objects of an app with their children, each with its health: for
example the ReplicaSets and Pods of a Deployment, and the Jobs of a CronJob.
ReplicaSets without replicas are shown only with -o wide and -o json. tree names
Secrets that other objects created, but never reads them.`,
		Example:           `  kubectl gitops tree shop`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: c.completeAppNames(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := output.Validate(); err != nil {
				return err
			}
			return runTree(cmd.Context(), c, args[0], output)
		},
	}
	output.AddFlags(cmd)
	return cmd
}

func runTree(ctx context.Context, c *cli, app string, output *ui.Output) error {
	client, store, err := c.connect()
	if err != nil {
		return err
	}
	tree, ok, err := inspect.New(client, store).Tree(ctx, app)
	if err != nil {
		return err
	}
	if !ok {
		return target.UnknownApp(app, store.Namespace, target.Names(ctx, store))
	}
	u := c.ui()
	if handled, err := output.Print(u.Out, tree, nodeNames(tree.Items)); handled || err != nil {
		return err
	}
	ui.Tree(u, tree, output.Wide())
	if tree.Limits != "" {
		u.Warn("%s", tree.Limits)
	}
	for _, why := range tree.Unread {
		u.Warn("children are missing: %s", why)
	}
	return nil
}

func nodeNames(nodes []status.Node) []string {
	var names []string
	for _, n := range nodes {
		names = append(append(names, n.Short), nodeNames(n.Children)...)
	}
	return names
}
