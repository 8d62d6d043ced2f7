package plugin

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/apps/gitopsyaml"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/diff"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/health"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record/store"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/status"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/ui"
)

type diffOptions struct {
	source sourceFlags
	output ui.Output
	local  bool
}

func newDiffCommand(c *cli) *cobra.Command {
	o := &diffOptions{}
	cmd := &cobra.Command{
		Use:   "diff [APP...]",
		Short: "Show what reconcile would change: exit 0 nothing, 1 something, more an error",
		Long: `Show what reconcile would change, as the API server would store it. Nothing is
written.

A line in front of an object tells what its difference does not show: another app
hands it over, or one that comes before defines its kind in the same commit.

Without --repo and --ref, inside a checkout of the repository that the apps
come from, the working tree is compared, uncommitted changes included; elsewhere
the source is the one that the app's last run used.
Values of Secrets are masked. KUBECTL_EXTERNAL_DIFF names a program that shows
the differences instead.

Exit status: 0 no differences, 1 differences, above 1 an error.`,
		Example: `  kubectl gitops diff shop
  kubectl gitops diff --path apps/shop/overlays/prod --name shop
  KUBECTL_EXTERNAL_DIFF="diff -u --color=always" kubectl gitops diff shop`,
		ValidArgsFunction: c.completeAppNames(0),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.output.Validate(); err != nil {
				return err
			}
			o.local = o.source.repo == "" && o.source.ref == ""
			return o.run(cmd.Context(), cmd, c, args)
		},
	}
	o.source.addFlags(cmd)
	o.output.AddFlags(cmd)
	return cmd
}

func (o *diffOptions) run(ctx context.Context, cmd *cobra.Command, c *cli, args []string) error {
	client, store, err := c.connect()
	if err != nil {
		return err
	}
	target, repo, from, err := o.resolve(ctx, cmd, store, args)
	if err != nil {
		return err
	}
	u := c.ui()
	progress := ui.NewProgress(u, true)
	r := newReconciler(client, store, repo, from, func(e report.Event) {
		if e.Kind == report.Warning {
			progress.Event(e)
		}
	})
	r.Render, r.Apps = o.source.renderer(u), gitopsyaml.Load
	out := r.RunAll(ctx, target, reconcile.Options{Cause: report.CauseManual, DryRun: true, Timeout: o.source.timeout})
	found, err := o.show(ctx, c, out)
	owned, failure := partOwned(out)
	ui.Refusals(u, owned)
	switch {
	case failure != nil || err != nil:
		return errors.Join(failure, err)
	case found || len(owned) > 0:
		return errDifferences
	}
	return nil
}

// partOwned parts what failed from objects that reconcile would refuse to take over: that is a difference.
func partOwned(out reconcile.Outcome) (owned []error, failure error) {
	failures := []error{out.Err}
	for _, a := range out.Apps {
		if errors.As(a.Err, new(*reconcile.OwnedError)) {
			owned = append(owned, fmt.Errorf("%s: %w", a.Report.Name, a.Err))
			continue
		}
		failures = append(failures, a.Err)
	}
	return owned, errors.Join(failures...)
}

// resolve decides where to compare from: the working tree when we stand in one of the repository and neither another
// repository nor a ref is named.
func (o *diffOptions) resolve(ctx context.Context, cmd *cobra.Command, store *store.Store, args []string) (reconcile.Target, source.Repo, reconcile.Source, error) {
	if o.local {
		tree, from, found, err := o.source.workingTree(ctx, cmd, store, args)
		if err != nil {
			return reconcile.Target{}, source.Repo{}, nil, err
		}
		if found {
			app, err := o.localApp(ctx, store, tree, from, args)
			return reconcile.Target{App: app, Only: args}, source.Repo{URL: from.repo, Ref: from.ref}, tree, err
		}
	}
	o.local = false
	target, repo, err := o.source.target(ctx, cmd, store, args)
	return target, repo, gitSource{repo}, err
}

// localApp is the app in a directory of the working tree. What the flags leave open is taken over from its record, so that
// it is compared as it would be applied.
func (o *diffOptions) localApp(ctx context.Context, store *store.Store, tree checkout, from appSource, args []string) (reconcile.App, error) {
	records, err := store.Peek(ctx)
	if err != nil {
		return reconcile.App{}, err
	}
	o.source.path = from.dir
	if listed, err := tree.lists(from.dir, nil); len(args) == 1 && !listed && err == nil {
		o.source.name = args[0]
	}
	if o.source.path == "." && o.source.name == "" { // the root: the name is that of the repository
		if o.source.name = oneWord(tree.top); checkName(o.source.name) != nil {
			o.source.name = "repository"
		}
	}
	app, err := o.source.appOf()
	if rec := records[app.Name]; rec != nil && rec.Inventory != nil {
		app.Namespace = cmp.Or(app.Namespace, rec.Target)
		app.AllowPlainSecrets = app.AllowPlainSecrets || rec.PlainSecrets
	}
	return app, err
}

// show prints the differences and tells whether there are any.
func (o *diffOptions) show(ctx context.Context, c *cli, out reconcile.Outcome) (bool, error) {
	u := c.ui()
	list := DiffList{TypeMeta: metav1.TypeMeta{APIVersion: status.APIVersion, Kind: "DiffList"}, Apps: []DiffApp{}, Items: []Difference{}}
	var pairs pairs
	var names, summaries []string
	calm, unchanged := 0, 0
	for _, a := range out.Apps {
		before := len(pairs)
		pairs, names = o.pairs(pairs, names, a)
		list.add(a, pairs[before:])
		if len(pairs) == before && a.Report.Result == report.ResultFailed {
			continue
		}
		if len(pairs) == before && a.Report.Health == health.Unknown && a.Report.Message != "" { // it waits, or it goes
			summaries = append(summaries, a.Report.Name+" "+a.Report.Message)
			continue
		}
		if len(pairs) == before {
			calm++
			unchanged += a.Report.Counts.Unchanged
		}
		if len(pairs) > before || len(out.Apps) == 1 {
			summaries = append(summaries, ui.DiffSummary(a.Report, len(pairs)-before))
		}
	}
	if len(out.Apps) > 1 && calm > 0 {
		summaries = append(summaries, fmt.Sprintf("%s: no differences, %d unchanged", plural(calm, "app", "apps"), unchanged))
	}
	handled, err := o.output.Print(u.Out, list, names)
	if err == nil && !handled {
		err = ui.Differences(ctx, u, pairs.shown())
	}
	for _, line := range summaries {
		fmt.Fprintln(u.Err, line)
	}
	return len(pairs) > 0, err
}

// pairs adds what differs of one app.
func (o *diffOptions) pairs(all pairs, names []string, a reconcile.AppOutcome) (pairs, []string) {
	at := "git/%s@" + report.Revision{Commit: a.Report.Revision.Commit}.Short()
	if o.local {
		at = "checkout/%s"
	}
	for _, e := range a.Effects {
		before, after := diff.MaskPair(e.Before, e.After, e.Hidden)
		from, to := "live/"+e.Ref.ID(), fmt.Sprintf(at, e.Origin.File)
		if after == nil {
			to = "/dev/null"
		}
		if before == nil {
			from = "/dev/null"
		}
		text := diff.Text(before, after, diff.Options{FromName: from, ToName: to, Context: 3, Hidden: e.Hidden})
		if text == "" && e.Note == "" {
			continue
		}
		all = append(all, pair{e, ui.Difference{Object: e.Ref.ID(), Before: before, After: after, Text: text, Note: noteLine(a.Report.Name, e)}})
		names = append(names, object.ShortIn(e.Ref, a.Report.Spread))
	}
	return all, names
}

// noteLine is the line in front of a difference that says what it does not show, "" when it shows all.
func noteLine(app string, e report.Effect) string {
	if e.Note == "" {
		return ""
	}
	return fmt.Sprintf("%s: %s: %s", app, e.Ref.ID(), e.Note)
}
