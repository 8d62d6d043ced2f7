package plugin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/apps/gitopsyaml"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/loop"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record/store"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/status"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/target"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/ui"
)

type reconcileOptions struct {
	notify   notifications
	source   target.Flags
	output   ui.Output
	dryRun   string
	upgrade  bool
	interval time.Duration
	length   time.Duration
	inPod    podOptions
	progress *ui.Progress
}

func newReconcileCommand(c *cli) *cobra.Command {
	o := &reconcileOptions{}
	cmd := &cobra.Command{
		Use:   "reconcile [APP...]",
		Short: "Fetch, render, apply, prune and verify: once, or in a loop",
		Long: `Make the cluster equal to one directory of a Git repository, or to the apps that
the gitops.yaml in that directory lists. With APP, reconcile only these apps. For
an app with sync: manual, or to revert what drift: report leaves, name the app.

A run reads the commit that --ref points at, applies what differs, prunes what
left Git, reverts what somebody changed in the cluster, and waits until all
objects are healthy. A run that finds no difference writes nothing.
Without --repo, the source is the one that the app's last run used.`,
		Example: `  kubectl gitops reconcile --repo https://github.com/acme/config \
    --path apps/shop/overlays/prod --name shop
  kubectl gitops reconcile shop --dry-run=server
  kubectl gitops reconcile shop --interval 5s --for 55s`,
		ValidArgsFunction: c.completeAppNames(0),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.validate(cmd); err != nil {
				return err
			}
			return o.run(cmd.Context(), c, args)
		},
	}
	o.source.Add(cmd.Flags())
	o.output.AddFlags(cmd)
	o.notify.addFlags(cmd.Flags())
	cmd.Flags().StringVar(&o.dryRun, "dry-run", "none", "none, or server: show what the API server would do, and write nothing")
	cmd.Flags().DurationVar(&o.interval, "interval", 0, "Repeat the run: time from the start of one run to the start of the next")
	fixedWords(cmd, "dry-run", "none", "server")
	cmd.Flags().BoolVar(&o.upgrade, "upgrade", false, "Move charts to the newest version in their range, where no gitops.lock.yaml pins it")
	cmd.Flags().BoolVar(&o.source.AllowUnsigned, "allow-unsigned", false, "Apply unsigned commits, although earlier runs verified signatures")
	o.inPod.addFlags(cmd)
	cmd.Flags().DurationVar(&o.length, "for", 0, "With --interval: start no run after this time (default no end)")
	return cmd
}

const shortestInterval = time.Second

func (o *reconcileOptions) validate(cmd *cobra.Command) error {
	switch {
	case o.dryRun != "none" && o.dryRun != "server":
		return hint.Errorf(fmt.Sprintf("--dry-run=%s is not known", o.dryRun), "one of: none, server")
	case cmd.Flags().Changed("interval") && o.interval < shortestInterval:
		return hint.Errorf(fmt.Sprintf("--interval %s is too short", o.interval), "use at least %s", shortestInterval)
	case o.length < 0, o.length > 0 && o.interval == 0:
		return hint.Errorf("--for needs --interval, and a duration above zero", "for example --interval 5s --for 55s")
	case o.upgrade && (cmd.Flags().NArg() == 0 || o.interval > 0):
		return hint.Errorf("--upgrade is about single apps, once", "name them: kubectl gitops reconcile APP --upgrade")
	case o.interval > 0 && o.dryRun != "none":
		return hint.Errorf("--dry-run and --interval exclude each other", "leave one of them out")
	}
	return errors.Join(ui.CheckLogFormat(o.inPod.logFormat), o.output.Validate())
}

func (o *reconcileOptions) run(ctx context.Context, c *cli, args []string) error {
	u := c.ui()
	u.SetLog(o.inPod.logFormat)
	client, store, err := c.connect()
	if err != nil {
		return err
	}
	store.Writer = true
	work, err := o.source.Resolve(ctx, store, args)
	if err != nil {
		return err
	}
	o.inPod.start(u, client, store.Namespace)
	dryRun := o.dryRun == "server"
	o.progress = ui.NewProgress(u, dryRun)
	if o.output.Document() {
		u.ReserveOut()
	}
	ended, err := o.notify.start(u, dryRun, store.Namespace, &o.source)
	if err != nil {
		return err
	}
	defer ended()
	r := newReconciler(client, store, work.Repository, nil, o.progress.Event)
	from, done := o.source.Verified(work.Repository, r.LastVerified)
	defer done()
	r.Source = from
	o.source.ReadSecrets(chartSecrets(connected(client, store)))
	defer target.ShareSources(&o.source)()
	r.Render, r.Apps = o.source.Renderer(notices(u)), gitopsyaml.Load
	r.Resolve = target.SourceResolver(&o.source, notices(u))
	opts := reconcile.Options{Cause: report.CauseManual, DryRun: dryRun, Upgrade: o.upgrade, Timeout: o.source.Timeout, Records: work.Records}
	if o.interval == 0 {
		out := r.Run(ctx, work.Target, opts)
		o.inPod.tellAll(ctx, out)
		o.notify.tellAll(out)
		return o.print(u, client, report.Requests{}, out)
	}
	return o.loop(ctx, u, client, r, work.Target, opts)
}

// loop prints every pass that did something, the first one, and every change of the result.
func (o *reconcileOptions) loop(ctx context.Context, u *ui.Terminal, client *cluster.Client, r *reconcile.Reconciler,
	on reconcile.Target, opts reconcile.Options) error {
	var before report.Requests
	passes := 0
	states := map[string]string{}
	err := loop.Run(ctx, r, on, opts, o.interval, o.length, func(out reconcile.Outcome) {
		o.inPod.tellAll(ctx, out)
		o.notify.tellAll(out)
		fresh := news(states, out)
		if passes++; passes == 1 || fresh {
			o.print(u, client, before, out)
		}
		before = client.Requests()
	})
	u.LogEnd(passes, client.Requests())
	if err != nil {
		return errReported
	}
	return nil
}

// news tells whether something happened since states were noted, and notes the new ones.
func news(states map[string]string, out reconcile.Outcome) bool {
	changed := false
	note := func(app, state string) {
		changed = changed || states[app] != state
		states[app] = state
	}
	problem := ""
	if out.Err != nil {
		problem = out.Err.Error()
	}
	note("", problem)
	for _, a := range out.Apps {
		r := a.Report
		note(r.Name, string(r.Result)+r.Message+r.Revision.Commit)
		changed = changed || len(r.Changes) > 0
	}
	return changed
}

// print tells one finished run. A pass that failed has its error in the report, so that it is told once.
func (o *reconcileOptions) print(u *ui.Terminal, client *cluster.Client, before report.Requests, out reconcile.Outcome) error {
	list := report.List{TypeMeta: metav1.TypeMeta{APIVersion: status.APIVersion, Kind: "Report"},
		Apps: []report.App{}, Requests: client.Requests().Minus(before)}
	var names []string
	var failures []error
	for _, a := range out.Apps {
		list.Apps = append(list.Apps, a.Report)
		list.Duration.Duration += a.Report.Duration.Duration
		failures = append(failures, a.Err)
		for _, change := range a.Report.Changes {
			names = append(names, change.Short)
		}
	}
	if _, err := o.output.Print(u.Out, list, names); err != nil {
		return err
	}
	o.progress.Conclude(list, failures...)
	u.Fail(out.Err)
	if out.Failed() != nil {
		return errReported
	}
	return nil
}

func newReconciler(client *cluster.Client, store *store.Store, repo target.Repository, from source.Source, events func(report.Event)) *reconcile.Reconciler {
	return &reconcile.Reconciler{Cluster: client, Records: store, Source: from, Tool: toolVersion(), Now: time.Now, Events: events,
		Signed: repo.Signed(), From: repo.Origin()}
}

// newReader returns a reconciler that looks at what was applied, and renders it again.
func newReader(u *ui.Terminal, client *cluster.Client, store *store.Store, flags *target.Flags) *reconcile.Reconciler {
	r := newReconciler(client, store, target.Repository{}, nil, nil)
	flags.ReadSecrets(chartSecrets(connected(client, store)))
	r.Render, r.Apps = flags.Renderer(notices(u)), gitopsyaml.Load
	return r
}
