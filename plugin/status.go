package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/install"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
)

type statusOptions struct {
	output outputFlags
	watch  bool
	sync   []string
	health []string
	app    string

	noInstance bool // nothing is installed, or it may not be read
}

func newStatusCommand(c *cli) *cobra.Command {
	o := &statusOptions{}
	cmd := &cobra.Command{
		Use:   "status [APP]",
		Short: "Show revision, sync and health of the apps, or of one app's objects",
		Long: `Show what each app looks like now: the commit that is applied, whether the
cluster still equals it, and how the objects are doing. Worst first. With APP,
each object. Only the cluster is asked, not Git.

When the instance is installed and its CronJob is suspended, fails, does not
start jobs or is missing, a line below the table says so, and why.`,
		Example: `  kubectl gitops status
  kubectl gitops status shop -o wide
  kubectl gitops status --sync Drifted,Failed
  kubectl gitops status -w`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: c.completeAppNames(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.app = args[0]
			}
			if err := errors.Join(o.output.Validate(), checkWords("--sync", o.sync, syncWords), checkWords("--health", o.health, healthWords)); err != nil {
				return err
			}
			return o.run(cmd.Context(), c)
		},
	}
	o.output.AddFlags(cmd)
	cmd.Flags().StringSliceVar(&o.sync, "sync", nil, "Only apps in one of these states: "+strings.Join(syncWords, ", "))
	cmd.Flags().StringSliceVar(&o.health, "health", nil, "Only apps of one of these: "+strings.Join(healthWords, ", "))
	cmd.Flags().BoolVarP(&o.watch, "watch", "w", false, "Show it again whenever it changes")
	return cmd
}

func (o *statusOptions) run(ctx context.Context, c *cli) error {
	client, store, err := c.connect()
	if err != nil {
		return err
	}
	r := newReconciler(client, store, source.Repo{}, nil, nil)
	list, err := r.Status(ctx, o.app)
	if err != nil {
		return err
	}
	o.addInstance(ctx, client, store, &list)
	if o.app != "" && len(list.Items) == 0 {
		return unknownApp(o.app, store.Namespace, recordedNames(ctx, store))
	}
	if err := o.print(c.ui(), list); err != nil || !o.watch {
		return err
	}
	return o.follow(ctx, c.ui(), r, list, func(list *reconcile.StatusList) { o.addInstance(ctx, client, store, list) })
}

// addInstance adds how the CronJob is doing. Whoever may not read it is asked about it once only, also while watching.
func (o *statusOptions) addInstance(ctx context.Context, client *cluster.Client, store *record.Store, list *reconcile.StatusList) {
	if o.noInstance {
		return
	}
	instance := install.Instance{Cluster: client, Namespace: store.Namespace}
	h, known := instance.Health(ctx, time.Now())
	if o.noInstance = !known; !known {
		return
	}
	list.Instance = &reconcile.InstanceStatus{Namespace: store.Namespace, State: string(h.State), Message: h.Message, Schedule: h.Schedule,
		Suspended: h.Suspended, LastSchedule: h.LastSchedule, LastSuccess: h.LastSuccess}
}

// recordedNames are the apps of the instance, as far as they can be read.
func recordedNames(ctx context.Context, store *record.Store) []string {
	var names []string
	if parents, err := store.Parents(ctx); err == nil {
		for name := range parents {
			names = append(names, name)
		}
	}
	return names
}

// follow prints the status again each time it differs from the last one printed.
func (o *statusOptions) follow(ctx context.Context, u *ui, r *reconcile.Reconciler, last reconcile.StatusList, complete func(*reconcile.StatusList)) error {
	tick := time.NewTicker(2 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil // this is how one ends a watch
		case <-tick.C:
		}
		list, err := r.Status(ctx, o.app)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		complete(&list)
		if same(list, last) {
			continue
		}
		if !o.output.document() {
			u.repaint()
		}
		if err := o.print(u, list); err != nil {
			return err
		}
		last = list
	}
}

func same(a, b reconcile.StatusList) bool {
	rawA, errA := json.Marshal(a)
	rawB, errB := json.Marshal(b)
	return errA == nil && errB == nil && string(rawA) == string(rawB)
}

func (o *statusOptions) print(u *ui, list reconcile.StatusList) error {
	all := list.Items
	list.Items = o.wanted(all)
	var names []string
	for _, s := range list.Items {
		if o.app == "" {
			names = append(names, s.Name)
		}
		for _, rs := range s.Resources {
			names = append(names, rs.Short)
		}
	}
	if handled, err := o.output.print(u.Out, list, names); handled || err != nil {
		return err
	}
	if len(all) > 0 && len(list.Items) == 0 {
		fmt.Fprintf(u.Err, "No app is in that state. %s\n", statusSummary(all))
		u.instanceLine(list.Instance)
		return nil
	}
	u.statusTable(list, o.output.wide())
	u.instanceLine(list.Instance)
	if len(all) > manyApps || len(list.Items) < len(all) {
		fmt.Fprintln(u.Err, statusSummary(all))
	}
	if o.app != "" {
		fmt.Fprintln(u.Out)
	}
	if o.app != "" && len(list.Items) == 1 {
		u.resourceTable(list.Items[0], o.output.wide())
	}
	return nil
}
