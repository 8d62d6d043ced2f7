package plugin

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

func newHistoryCommand(c *cli) *cobra.Command {
	output := &outputFlags{}
	cmd := &cobra.Command{
		Use:   "history APP",
		Short: "Show past runs with commit, author and changes, and how to roll back in Git",
		Long: `Show the last runs of an app that changed something or failed, newest first. A
rollback is a commit: the last line says which one to revert.`,
		Example:           `  kubectl gitops history shop`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: c.completeAppNames(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := output.Validate(); err != nil {
				return err
			}
			return runHistory(cmd.Context(), c, args[0], output)
		},
	}
	output.AddFlags(cmd)
	return cmd
}

func runHistory(ctx context.Context, c *cli, app string, output *outputFlags) error {
	_, store, err := c.connect()
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
	list := reconcile.HistoryList{TypeMeta: metav1.TypeMeta{APIVersion: apiVersion, Kind: "HistoryList"}, App: app, Items: rec.History}
	var names []string
	for _, run := range list.Items {
		names = append(names, fmt.Sprint(run.ID))
	}
	u := c.ui()
	if handled, err := output.print(u.Out, list, names); handled || err != nil {
		return err
	}
	u.historyTable(list, output.wide())
	if last := lastCommitRun(list.Items); last != nil {
		u.hint("to undo the last change, run `git revert %s` in the config repository and push", record.Revision{Commit: last.Revision.Commit}.Short())
	}
	return nil
}

// lastCommitRun is the newest run that applied a commit with success.
func lastCommitRun(items []record.Run) *record.Run {
	for i := range items {
		if items[i].Cause == record.CauseCommit && items[i].Result != record.ResultFailed {
			return &items[i]
		}
	}
	return nil
}
