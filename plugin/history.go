package plugin

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/inspect"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/preview"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/status"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/target"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/ui"
)

type historyOptions struct {
	source target.Flags
	output ui.Output
	diff   bool
}

func newHistoryCommand(c *cli) *cobra.Command {
	o := &historyOptions{}
	cmd := &cobra.Command{
		Use:   "history APP [ID]",
		Short: "Show past runs with commit, author and changes, and how to roll back in Git",
		Long: `Show the last runs of an app that changed something or failed, newest first. A
rollback is a commit: the last lines say which commit to revert, and how.

With --diff, show what the newest run changed, or the run with ID. history
renders the commit of that run and the commit that was applied before, and
compares them. The commits come from the current checkout if it has them,
otherwise from the app's repository.`,
		Example: `  kubectl gitops history shop
  kubectl gitops history shop --diff 12`,
		Args:              cobra.RangeArgs(1, 2),
		ValidArgsFunction: c.completeAppNames(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 2 && !o.diff:
				return hint.Errorf("an ID needs --diff", "kubectl gitops history %s --diff %s", args[0], args[1])
			}
			if err := o.output.Validate(); err != nil {
				return err
			}
			return o.run(cmd.Context(), c, args)
		},
	}
	cmd.Flags().BoolVar(&o.diff, "diff", false, "Show what a run changed")
	o.source.AddCredentials(cmd.Flags())
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
		return target.UnknownApp(app, store.Namespace, slices.Sorted(maps.Keys(parents)))
	}
	if o.diff {
		return o.runDiff(ctx, c, newReader(c.ui(), client, store, &o.source), app, strings.Join(args[1:], ""), rec.History)
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

// runDiff shows what a run changed: the commit it applied and the one before it, rendered and compared. Where
// Git had no part in it, or cannot be read, it shows what the run recorded.
func (o *historyOptions) runDiff(ctx context.Context, c *cli, r *reconcile.Reconciler, app, id string, history []report.Run) error {
	run, before, err := pickRun(app, id, history)
	if err != nil {
		return err
	}
	u := c.ui()
	document := RunDiff{TypeMeta: metav1.TypeMeta{APIVersion: status.APIVersion, Kind: "RunDiff"}, App: app, Run: run, Previous: before.Commit}
	if run.Cause == report.CauseDrift {
		return o.printRun(u, document)
	}
	compared, err := o.compareRuns(ctx, r, app, run, before)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		u.Warn("the commits cannot be compared, so this is what the run recorded: %v", err)
		return o.printRun(u, document)
	}
	document.Objects, document.Counts = compared.Objects, &compared.Counts
	if handled, err := o.output.Print(u.Out, document, objectNames(document.Objects)); handled || err != nil {
		return err
	}
	return ui.RunDiff(u, app, compared, run, before.Commit)
}

// RunDiff is what `history APP --diff -o json` prints: what a run changed. Objects and Counts compare the commit of the run with
// Previous, the commit that was applied before. They are missing when no commit caused the run, or when the commits cannot be
// read. Then only the changes that the run recorded are known.
type RunDiff struct {
	metav1.TypeMeta `json:",inline"`
	App             string           `json:"app"`
	Run             report.Run       `json:"run"`
	Previous        string           `json:"previous,omitempty"`
	Counts          *preview.Counts  `json:"counts,omitempty"`
	Objects         []preview.Object `json:"objects,omitempty"`
}

// printRun prints what the run recorded.
func (o *historyOptions) printRun(u *ui.Terminal, d RunDiff) error {
	if handled, err := o.output.Print(u.Out, d, objectNames(d.Objects)); handled || err != nil {
		return err
	}
	return ui.RecordedChanges(u, d.Run)
}

// pickRun finds the run with an id, or the newest one, and the commit that was applied before it.
func pickRun(app, id string, history []report.Run) (run report.Run, before report.Revision, err error) {
	at := -1
	for i, r := range history {
		if at < 0 && (id == "" || strconv.Itoa(r.ID) == id) {
			at = i
		}
	}
	switch {
	case at < 0 && len(history) == 0:
		return run, before, fmt.Errorf("no runs of %s are recorded", app)
	case at < 0:
		return run, before, hint.Errorf(fmt.Sprintf("no run %s of %s is recorded", id, app), "runs %d to %d are", history[len(history)-1].ID, history[0].ID)
	}
	run = history[at]
	for _, older := range history[at+1:] {
		if older.Result != report.ResultFailed && older.Revision.Commit != run.Revision.Commit {
			return run, older.Revision, nil
		}
	}
	return run, before, nil
}

// compareRuns renders both commits, each as its gitops.yaml says, or else as the app is rendered today.
func (o *historyOptions) compareRuns(ctx context.Context, r *reconcile.Reconciler, name string, run report.Run, before report.Revision) (preview.App, error) {
	app, err := inspect.New(r.Cluster, r.Records).Applied(ctx, name)
	if err != nil {
		return preview.App{}, err
	}
	base, err := o.renderRun(ctx, r, app, before)
	if err != nil {
		return preview.App{}, err
	}
	head, err := o.renderRun(ctx, r, app, run.Revision)
	if err != nil {
		return preview.App{}, err
	}
	return preview.CompareApp(base, head, nil), nil
}

func (o *historyOptions) renderRun(ctx context.Context, r *reconcile.Reconciler, a record.Applied, rev report.Revision) (preview.Rendering, error) {
	if rev.Commit == "" {
		return preview.Rendering{Name: a.Name}, nil
	}
	tree, err := o.source.OpenApplied(ctx, a.Source, rev.Commit)
	if err != nil {
		return preview.Rendering{}, err
	}
	defer tree.Close()
	objects, app, err := r.RenderApplied(ctx, a, tree)
	return preview.Rendering{Name: app.Name, Path: app.Path, Namespace: app.Namespace, Objects: objects, Present: err == nil}, err
}
