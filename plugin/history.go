package plugin

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/status"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/ui"
)

type historyOptions struct {
	source sourceFlags
	output ui.Output
	diff   bool
}

func newHistoryCommand(c *cli) *cobra.Command {
	o := &historyOptions{}
	cmd := &cobra.Command{
		Use:   "history APP [ID]",
		Short: "Show past runs with commit, author and changes, and how to roll back in Git",
		Long: `Show the last runs of an app that changed something or failed, newest first. A
rollback is a commit: the last lines say which one to revert, and how.

With --diff, show what the newest run changed, or the one with ID: its commit
and the one before it are rendered and compared, from the checkout we stand in
if it has them, otherwise from the app's repository.`,
		Example: `  kubectl gitops history shop
  kubectl gitops history shop --diff 12`,
		Args:              cobra.RangeArgs(1, 2),
		ValidArgsFunction: c.completeAppNames(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 2 && !o.diff:
				return hint.Errorf("an ID is for --diff", "kubectl gitops history %s --diff %s", args[0], args[1])
			}
			if err := o.output.Validate(); err != nil {
				return err
			}
			return o.run(cmd.Context(), c, args)
		},
	}
	cmd.Flags().BoolVar(&o.diff, "diff", false, "Show what a run changed")
	o.source.addCredentialFlags(cmd.Flags())
	o.output.AddFlags(cmd)
	return cmd
}

func (o *historyOptions) run(ctx context.Context, c *cli, args []string) error {
	app, output := args[0], &o.output
	client, store, err := c.connect()
	if err != nil {
		return err
	}
	parents, err := store.Parents(ctx)
	if err != nil {
		return err
	}
	rec, ok := parents[app]
	if !ok {
		return unknownApp(app, store.Namespace, slices.Sorted(maps.Keys(parents)))
	}
	if o.diff {
		return o.runDiff(ctx, c, o.source.reader(c.ui(), client, store), app, strings.Join(args[1:], ""), rec.History)
	}
	list := status.History{TypeMeta: metav1.TypeMeta{APIVersion: status.APIVersion, Kind: "HistoryList"}, App: app, Items: rec.History}
	var names []string
	for _, run := range list.Items {
		names = append(names, fmt.Sprint(run.ID))
	}
	u := c.ui()
	if handled, err := output.Print(u.Out, list, names); handled || err != nil {
		return err
	}
	ui.History(u, list, output.Wide())
	if last := lastCommitRun(list.Items); last != nil {
		ui.RollbackHints(u, *last, rec.Report.Source.Path)
	}
	return nil
}

// lastCommitRun is the newest run that applied a commit with success.
func lastCommitRun(items []report.Run) *report.Run {
	for i := range items {
		if items[i].Cause == report.CauseCommit && items[i].Result != report.ResultFailed {
			return &items[i]
		}
	}
	return nil
}
