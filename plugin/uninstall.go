package plugin

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/install"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record/store"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/report"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/target"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/ui"
)

// stopBudget is how long uninstall waits for a running job to end.
const stopBudget = 2 * time.Minute

type uninstallOptions struct {
	pruneApps bool
	dryRun    string
	yes       bool
}

func newUninstallCommand(c *cli) *cobra.Command {
	o := &uninstallOptions{}
	cmd := &cobra.Command{
		Use:   "uninstall",
		Short: "Remove what install created, and with --prune-apps the objects of the apps",
		Long: `Remove an instance: the CronJob, its service account, its rights and the records
of its apps. The objects of the apps stay in the cluster. They only lose the
label that says which app they belong to.

With --prune-apps, uninstall lists the objects of the apps and deletes them, in
the reverse order of dependsOn. Objects of apps with onRemoval: keep stay. It
also deletes the namespaces that were created for apps, unless they contain
objects of others. On a terminal, it asks first.

The namespace of the instance is deleted when install or a run created it and it
contains nothing else. A Secret with credentials is yours, so it stays.`,
		Example: `  kubectl gitops uninstall --prune-apps --dry-run=server
  kubectl gitops uninstall`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !slices.Contains([]string{"none", "server", "client"}, o.dryRun) {
				return hint.Errorf(fmt.Sprintf("--dry-run=%s is not known", o.dryRun), "one of: none, server, client")
			}
			return o.run(cmd.Context(), c)
		},
	}
	cmd.Flags().BoolVar(&o.pruneApps, "prune-apps", false, "Also delete the objects of all apps")
	cmd.Flags().StringVar(&o.dryRun, "dry-run", "none", "none, or server: list what would be deleted and what would stay, and delete nothing; client is the same")
	fixedWords(cmd, "dry-run", "none", "server", "client")
	cmd.Flags().BoolVarP(&o.yes, "yes", "y", false, "With --prune-apps: do not ask")
	return cmd
}

func (o *uninstallOptions) run(ctx context.Context, c *cli) error {
	client, store, err := c.connect()
	if err != nil {
		return err
	}
	store.Writer = true
	u := c.ui()
	instance := install.Instance{Cluster: client, Namespace: store.Namespace, Tell: u.Installed}
	records, err := store.Load(ctx)
	if err != nil {
		return err
	}
	parents, err := store.Parents(ctx)
	if err != nil {
		return err
	}
	installed, err := instance.Exists(ctx)
	if err != nil {
		return err
	}
	apps := appsToRemove(records.Apps, parents)
	if !installed && len(apps) == 0 {
		return hint.Errorf(fmt.Sprintf("nothing is installed in namespace %s", store.Namespace), "-n selects another instance")
	}
	if err := anySuspended(records, apps); err != nil {
		return err
	}
	o.list(u, records.Apps, apps)
	if o.dryRun != "none" {
		return o.foresee(ctx, u, &instance, store, records.Apps)
	}
	if o.pruneApps && !o.yes {
		question := fmt.Sprintf("Delete all objects of %s in instance %s?", report.Plural(len(apps), "app"), store.Namespace)
		if err := u.Confirm(question, "leave --prune-apps out to keep the objects, or pass --yes"); err != nil {
			return err
		}
	}
	stopCtx, cancel := context.WithTimeout(ctx, stopBudget)
	defer cancel()
	if err := instance.Stop(stopCtx); err != nil {
		return err
	}
	progress := ui.NewProgress(u, false)
	r := newReconciler(client, store, target.Repository{}, nil, progress.Event)
	for _, app := range apps {
		removed, err := r.Remove(ctx, app, o.pruneApps, records)
		records = nil // each removal changes them
		if err != nil {
			progress.Conclude(report.List{Apps: []report.App{removed}}, err)
			return hint.With(fmt.Errorf("%s is not removed, so the rest of the instance stays", app), "repair that, then run uninstall again")
		}
	}
	if err := store.RemoveLists(ctx); err != nil {
		return err
	}
	if o.pruneApps {
		if err := removeCreated(ctx, u, &instance); err != nil {
			return err
		}
	}
	others, err := instance.Remove(ctx)
	if err != nil {
		return err
	}
	if len(others) > 0 {
		u.Warn("namespace %s stays: %s", store.Namespace, strings.Join(others, ", "))
	}
	return nil
}

// removeCreated deletes the namespaces that runs created for apps, unless something of others is in them.
func removeCreated(ctx context.Context, u *ui.Terminal, instance *install.Instance) error {
	created, err := instance.Created(ctx)
	if err != nil {
		return err
	}
	for n := range created {
		others, err := instance.RemoveNamespace(ctx, &created[n])
		if err != nil {
			return err
		}
		if len(others) > 0 {
			u.Warn("namespace %s stays: %s", created[n].GetName(), strings.Join(others, ", "))
		}
	}
	return nil
}

// foresee lists what goes beside the objects of the apps, and what stays of what an instance made.
func (o *uninstallOptions) foresee(ctx context.Context, u *ui.Terminal, instance *install.Instance, store *store.Store, records map[string]*record.Record) error {
	kept, err := store.Objects(ctx)
	if err != nil {
		return err
	}
	goes := slices.Clone(kept)
	if o.pruneApps {
		for _, rec := range records {
			if !reconcile.StaysOnRemoval(rec) {
				goes = append(goes, rec.Refs()...)
			}
		}
	}
	r, err := instance.Foresee(ctx, goes, o.pruneApps)
	if err != nil {
		return err
	}
	for _, ref := range append(kept, r.Goes...) {
		u.Note("%s will be deleted", refAt(ref))
	}
	for _, ref := range r.Order {
		u.Note("%s stays: %s", refAt(ref), r.Leaves[ref])
	}
	return nil
}

// refAt names an object with its namespace.
func refAt(ref cluster.Ref) string {
	if ref.Namespace == "" {
		return ref.String()
	}
	return ref.String() + " in " + ref.Namespace
}

// anySuspended refuses to touch an app that is to be left alone, before anything is done to the others.
func anySuspended(records *record.Loaded, apps []string) error {
	for _, app := range apps {
		if l := records.Lists.Suspending(app); l != nil {
			return hint.With(staysSuspended(app, l), "then uninstall again; nothing was removed")
		}
		if rec := records.Apps[app]; rec != nil && rec.Suspended.At(time.Now()) {
			return hint.Errorf(fmt.Sprintf("the app %s is %s", app, rec.Suspended), "kubectl gitops resume %s, then uninstall again; nothing was removed", app)
		}
	}
	return nil
}

// list tells which objects go, or stay behind, and which hooks run.
func (o *uninstallOptions) list(u *ui.Terminal, records map[string]*record.Record, apps []string) {
	for _, app := range apps {
		what := "stays"
		switch {
		case o.pruneApps && reconcile.StaysOnRemoval(records[app]):
			what = "stays: gitops.yaml says onRemoval: keep"
		case o.pruneApps:
			what = "will be deleted"
			hooks, err := reconcile.RemovalHooks(records[app])
			if err != nil {
				u.Warn("%s: %v", app, err)
			}
			for _, hook := range hooks {
				u.Note("%s: %s runs", app, hook)
			}
		}
		for _, ref := range records[app].Refs() {
			u.Note("%s: %s %s", app, refAt(ref), what)
		}
	}
}

// appsToRemove are the apps of the instance, in the order of their removal.
func appsToRemove(records, parents map[string]*record.Record) []string {
	all := map[string]bool{}
	for name := range records {
		all[name] = true
	}
	for name := range parents {
		all[name] = true
	}
	return reconcile.RemovalOrder(slices.Collect(maps.Keys(all)), records)
}
