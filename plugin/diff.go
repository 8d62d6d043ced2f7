package plugin

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/diff"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
)

type diffOptions struct {
	source sourceFlags
	output outputFlags
	local  bool
}

func newDiffCommand(c *cli) *cobra.Command {
	o := &diffOptions{output: outputFlags{only: []string{formatName}}}
	cmd := &cobra.Command{
		Use:   "diff [APP]",
		Short: "Show what reconcile would change: exit 0 nothing, 1 something, more an error",
		Long: `Show what reconcile would change, as the API server would store it. Nothing is
written.

Without --repo, inside a checkout, the working tree is compared, uncommitted
changes included; elsewhere the source is the one that the app's last run used.
Values of Secrets are masked. KUBECTL_EXTERNAL_DIFF names a program that shows
the differences instead.

Exit status: 0 no differences, 1 differences, above 1 an error.`,
		Example: `  kubectl gitops diff shop
  kubectl gitops diff --path apps/shop/overlays/prod --name shop
  KUBECTL_EXTERNAL_DIFF="diff -u --color=always" kubectl gitops diff shop`,
		ValidArgsFunction: c.completeAppNames(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.output.Validate(); err != nil {
				return err
			}
			o.local = o.source.repo == "" && (len(args) == 0 || cmd.Flags().Changed("path"))
			return o.run(cmd.Context(), c, args)
		},
	}
	o.source.addFlags(cmd)
	o.output.AddFlags(cmd)
	return cmd
}

func (o *diffOptions) run(ctx context.Context, c *cli, args []string) error {
	client, store, err := c.connect()
	if err != nil {
		return err
	}
	app, repo, from, err := o.resolve(ctx, store, args)
	if err != nil {
		return err
	}
	u := c.ui()
	u.DryRun = true
	r := newReconciler(client, store, repo, from, func(e reconcile.Event) {
		if e.Kind == reconcile.Warning {
			u.event(e)
		}
	})
	r.Render = o.source.renderer(u)
	report, effects, failure := r.Preview(ctx, app)
	found, err := o.show(ctx, c, report, effects)
	switch {
	case failure != nil || err != nil:
		return errors.Join(failure, err)
	case found:
		return errDifferences
	}
	return nil
}

// resolve decides where to compare from: the working tree when we stand in one and no repository or app is named.
func (o *diffOptions) resolve(ctx context.Context, store *record.Store, args []string) (reconcile.App, source.Repo, reconcile.Source, error) {
	if o.local {
		if tree, rel, err := openCheckout(workingDirectory()); err == nil {
			if o.source.path == "." {
				o.source.path = rel
			}
			app, err := o.source.appOf()
			if err != nil {
				return app, source.Repo{}, nil, err
			}
			return app, source.Repo{URL: tree.top}, tree, o.like(ctx, store, args, &app)
		}
	}
	o.local = false
	app, repo, err := o.source.resolve(ctx, store, args)
	return app, repo, gitSource{repo}, err
}

// like takes over from the record what the flags leave open, so that a working tree is compared as it would be applied.
func (o *diffOptions) like(ctx context.Context, store *record.Store, args []string, app *reconcile.App) error {
	if len(args) == 1 {
		app.Name = args[0]
	}
	records, err := store.Peek(ctx)
	if err != nil {
		return err
	}
	if rec := records[app.Name]; rec != nil && rec.Inventory != nil {
		if app.Namespace == "" {
			app.Namespace = rec.Target
		}
		app.AllowPlainSecrets = app.AllowPlainSecrets || rec.PlainSecrets
	}
	return nil
}

// show prints the differences and tells whether there are any.
func (o *diffOptions) show(ctx context.Context, c *cli, report reconcile.AppReport, effects []reconcile.Effect) (bool, error) {
	u := c.ui()
	at := "git/%s@" + record.Revision{Commit: report.Revision.Commit}.Short()
	if o.local {
		at = "checkout/%s"
	}
	var pairs []pair
	var names []string
	for _, e := range effects {
		before, after := diff.MaskPair(e.Before, e.After)
		from, to := "live/"+e.Ref.ID(), fmt.Sprintf(at, e.Origin.File)
		if after == nil {
			to = "/dev/null"
		}
		if before == nil {
			from = "/dev/null"
		}
		text := diff.Text(before, after, diff.Options{FromName: from, ToName: to, Context: 3})
		if text == "" {
			continue
		}
		pairs = append(pairs, pair{e.Ref.ID(), before, after, text})
		names = append(names, e.Ref.String())
	}
	handled, err := o.output.print(u.Out, nil, names)
	if err == nil && !handled {
		err = showPairs(ctx, u, pairs)
	}
	if len(pairs) > 0 || report.Result != record.ResultFailed {
		fmt.Fprintln(u.Err, diffSummary(report, len(pairs)))
	}
	return len(pairs) > 0, err
}

func diffSummary(report reconcile.AppReport, differences int) string {
	if differences == 0 {
		return fmt.Sprintf("%s: no differences, %d unchanged", report.Name, report.Counts.Unchanged)
	}
	c := report.Counts
	text := report.Name + ":"
	for _, part := range []struct {
		n    int
		what string
	}{{c.Created, "to create"}, {c.Configured, "to configure"}, {c.Reverted, "to revert"}, {c.Pruned, "to prune"},
		{c.Failed, "failed"}, {c.Unchanged, "unchanged"}} {
		if part.n > 0 {
			text += fmt.Sprintf(" %d %s,", part.n, part.what)
		}
	}
	return text[:len(text)-1]
}

func printText(w io.Writer, color bool, text string) error {
	if color {
		text = diff.Color(text)
	}
	_, err := io.WriteString(w, text)
	return err
}
