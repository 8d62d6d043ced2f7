package plugin

import (
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
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/status"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/target"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/ui"
)

type diffOptions struct {
	source target.Flags
	output ui.Output
	local  bool // the working tree is compared
}

func newDiffCommand(c *cli) *cobra.Command {
	o := &diffOptions{}
	cmd := &cobra.Command{
		Use:   "diff [APP...]",
		Short: "Show what reconcile would change; exit status 0: nothing, 1: something",
		Long: `Show what reconcile would change, as the API server would store it. diff writes
nothing.

A line in front of an object says what its difference does not show: another
app hands the object over, or an earlier app defines its kind in the same
commit.

Inside a checkout of the repository that the apps come from, without --repo and
--ref, diff compares the working tree with its uncommitted changes. Elsewhere,
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
			return o.run(cmd.Context(), c, args)
		},
	}
	o.source.Add(cmd.Flags())
	o.output.AddFlags(cmd)
	return cmd
}

func (o *diffOptions) run(ctx context.Context, c *cli, args []string) error {
	client, store, err := c.connect()
	if err != nil {
		return err
	}
	work, local, err := o.source.Here(ctx, store, args)
	if err != nil {
		return err
	}
	o.local = local
	u := c.ui()
	progress := ui.NewProgress(u, true)
	r := newReconciler(client, store, work.Repository, work.Source, func(e report.Event) {
		if e.Kind == report.Warning {
			progress.Event(e)
		}
	})
	o.source.ReadSecrets(chartSecrets(connected(client, store)))
	defer target.ShareSources(&o.source)()
	r.Render, r.Apps = o.source.Renderer(notices(u)), gitopsyaml.Load
	r.Resolve = target.SourceResolver(&o.source, notices(u))
	out := r.Run(ctx, work.Target, reconcile.Options{Cause: report.CauseManual, DryRun: true, Timeout: o.source.Timeout, Records: work.Records})
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

// show prints the differences and tells whether there are any.
func (o *diffOptions) show(ctx context.Context, c *cli, out reconcile.Outcome) (bool, error) {
	u := c.ui()
	list := DiffList{TypeMeta: metav1.TypeMeta{APIVersion: status.APIVersion, Kind: "DiffList"}, Apps: []DiffApp{}, Items: []Difference{}}
	var pairs differing
	var names, summaries []string
	same, unchanged := 0, 0
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
			same++
			unchanged += a.Report.Counts.Unchanged
		}
		if len(pairs) > before || len(out.Apps) == 1 {
			summaries = append(summaries, ui.DiffSummary(a.Report, len(pairs)-before))
		}
	}
	if len(out.Apps) > 1 && same > 0 {
		summaries = append(summaries, fmt.Sprintf("%s: no differences, %d unchanged", report.Plural(same, "app"), unchanged))
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
func (o *diffOptions) pairs(all differing, names []string, a reconcile.AppOutcome) (differing, []string) {
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

// DiffList is what `diff -o json` prints: what reconcile would change. Apps lists every app that was compared, Items only the
// objects that differ.
type DiffList struct {
	metav1.TypeMeta `json:",inline"`
	Apps            []DiffApp    `json:"apps"`
	Items           []Difference `json:"items"`
}

// DiffApp is the summary of one app. Message says why the app waits, is removed, or could not be compared.
type DiffApp struct {
	Name     string          `json:"name"`
	Result   report.Result   `json:"result"`
	Revision report.Revision `json:"revision"`
	Counts   report.Counts   `json:"counts"`
	Message  string          `json:"message,omitempty"`
}

// Difference is one object that differs. Action is what reconcile would do to the object. Origin is its file:line in Git. Diff
// is a unified diff from the live state to the state in Git, with values of Secrets masked. Note says what the diff does not show.
type Difference struct {
	App    string        `json:"app"`
	Object string        `json:"object"` // group/Kind/namespace/name
	Action report.Action `json:"action"`
	Origin string        `json:"origin,omitempty"`
	Note   string        `json:"note,omitempty"`
	Diff   string        `json:"diff"`
}

// pair is one object that differs: what a run would do to it, and what is shown of that.
type pair struct {
	effect report.Effect
	shown  ui.Difference
}

type differing []pair

func (p differing) shown() []ui.Difference {
	all := make([]ui.Difference, len(p))
	for i := range p {
		all[i] = p[i].shown
	}
	return all
}

// add adds an app and what differs of it.
func (l *DiffList) add(a reconcile.AppOutcome, pairs differing) {
	r := a.Report
	l.Apps = append(l.Apps, DiffApp{Name: r.Name, Result: r.Result, Revision: r.Revision, Counts: r.Counts, Message: r.Message})
	actions := map[string]report.Action{}
	for _, c := range r.Changes {
		actions[c.Object] = c.Action
	}
	for _, p := range pairs {
		d := Difference{App: r.Name, Object: p.shown.Object, Action: actions[p.shown.Object], Note: p.effect.Note, Diff: p.shown.Text}
		if p.effect.Origin.File != "" {
			d.Origin = p.effect.Origin.String()
		}
		if d.Action == "" {
			d.Action = plainAction(p.effect)
		}
		l.Items = append(l.Items, d)
	}
}

// plainAction is what happens to an object that the report has no line of.
func plainAction(e report.Effect) report.Action {
	switch {
	case e.Before == nil:
		return report.Created
	case e.After == nil:
		return report.Pruned
	}
	return report.Configured
}
