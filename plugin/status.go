package plugin

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/inspect"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/install"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record/store"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/status"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/target"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/ui"
)

type statusOptions struct {
	output    ui.Output
	watch     bool
	all       bool
	noHeaders bool
	sync      []string
	health    []string
	apps      []string

	noInstance map[string]bool // by namespace: nothing is installed, or it may not be read
}

func newStatusCommand(c *cli) *cobra.Command {
	o := &statusOptions{}
	cmd := &cobra.Command{
		Use:   "status [APP...]",
		Short: "Show revision, sync and health of the apps, or of one app's objects",
		Long: `Show the state of each app: the commit that is applied, whether the cluster is
still equal to it, and the health of its objects. The worst app comes first.
With one APP, show each object. status asks only the cluster, not Git.

When the CronJob of an installed instance is suspended, fails, starts no jobs or
is missing, a line below the table says so, and why.`,
		Example: `  kubectl gitops status
  kubectl gitops status shop -o wide
  kubectl gitops status --sync Drifted,Failed
  kubectl gitops status -A
  kubectl gitops status -w`,
		ValidArgsFunction: c.completeAppNames(0),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.apps = args
			if o.all && cmd.Flags().Changed("namespace") {
				return hint.Errorf("--all-namespaces and --namespace exclude each other", "leave one of them out")
			}
			if err := errors.Join(o.output.Validate(), checkWords("--sync", o.sync, ui.SyncWords()), checkWords("--health", o.health, ui.HealthWords())); err != nil {
				return err
			}
			return o.run(cmd.Context(), c)
		},
	}
	o.output.AddFlags(cmd)
	cmd.Flags().StringSliceVar(&o.sync, "sync", nil, "Only apps in one of these states: "+strings.Join(ui.SyncWords(), ", "))
	cmd.Flags().StringSliceVar(&o.health, "health", nil, "Only apps with one of these health states: "+strings.Join(ui.HealthWords(), ", "))
	fixedWords(cmd, "sync", ui.SyncWords()...)
	fixedWords(cmd, "health", ui.HealthWords()...)
	cmd.Flags().BoolVarP(&o.all, "all-namespaces", "A", false, "Show the apps of all instances, in all namespaces")
	cmd.Flags().BoolVar(&o.noHeaders, "no-headers", false, "Print tables without the header line")
	cmd.Flags().BoolVarP(&o.watch, "watch", "w", false, "Show the status again whenever it changes")
	return cmd
}

func (o *statusOptions) run(ctx context.Context, c *cli) error {
	client, store, err := c.connect()
	if err != nil {
		return err
	}
	u := c.ui()
	u.NoHeaders = o.noHeaders
	look := func(ctx context.Context) (status.List, error) {
		if o.all {
			return o.lookEverywhere(ctx, client, store)
		}
		return o.look(ctx, client, store)
	}
	namespace := store.Namespace
	if o.all {
		namespace = ""
	}
	list, err := look(ctx)
	if err != nil {
		return err
	}
	if err := o.print(u, list, namespace); err != nil || !o.watch {
		return err
	}
	return o.follow(ctx, u, look, list, namespace)
}

// one is the app whose objects are shown, "" when apps are.
func (o *statusOptions) one() string {
	if len(o.apps) == 1 {
		return o.apps[0]
	}
	return ""
}

// look asks for the apps of one instance that are named, or for all of them.
func (o *statusOptions) look(ctx context.Context, client *cluster.Client, store *store.Store) (status.List, error) {
	list, err := inspect.New(client, store).Status(ctx, o.one())
	if err != nil {
		return list, err
	}
	list.Instance = o.instance(ctx, client, store.Namespace)
	if len(o.apps) == 0 {
		return list, nil
	}
	var errs []error
	for _, app := range o.apps {
		if !slices.ContainsFunc(list.Items, func(s status.App) bool { return s.Name == app }) {
			errs = append(errs, target.UnknownApp(app, store.Namespace, target.Names(ctx, store)))
		}
	}
	list.Items = slices.DeleteFunc(list.Items, func(s status.App) bool { return !slices.Contains(o.apps, s.Name) })
	return list, errors.Join(errs...)
}

// lookEverywhere is look for every instance of the cluster. An app that is named may be in any of them.
func (o *statusOptions) lookEverywhere(ctx context.Context, client *cluster.Client, records *store.Store) (status.List, error) {
	all := status.List{TypeMeta: metav1.TypeMeta{APIVersion: status.APIVersion, Kind: "StatusList"}, Items: []status.App{}}
	instances, err := records.Instances(ctx)
	if err != nil {
		return all, err
	}
	for _, namespace := range instances {
		there := &store.Store{Cluster: client, Namespace: namespace, Tool: records.Tool}
		list, err := inspect.New(client, there).Status(ctx, o.one())
		if err != nil {
			return all, fmt.Errorf("instance %s: %w", namespace, err)
		}
		if i := o.instance(ctx, client, namespace); i != nil {
			all.Instances = append(all.Instances, *i)
		}
		for _, s := range list.Items {
			if len(o.apps) == 0 || slices.Contains(o.apps, s.Name) {
				s.Instance = namespace
				all.Items = append(all.Items, s)
			}
		}
	}
	for _, app := range o.apps {
		if !slices.ContainsFunc(all.Items, func(s status.App) bool { return s.Name == app }) {
			return all, hint.Errorf(fmt.Sprintf("no app %s in any instance", app), "`kubectl gitops status -A` lists all apps")
		}
	}
	return all, nil
}

// instance says how the CronJob of an instance is doing; nil when nothing is installed, or it may not be read. That is
// asked only once, also while watching.
func (o *statusOptions) instance(ctx context.Context, client *cluster.Client, namespace string) *status.Instance {
	if o.noInstance[namespace] {
		return nil
	}
	h, known := (&install.Instance{Cluster: client, Namespace: namespace}).Health(ctx, time.Now())
	if !known {
		if o.noInstance == nil {
			o.noInstance = map[string]bool{}
		}
		o.noInstance[namespace] = true
		return nil
	}
	return &status.Instance{Namespace: namespace, State: string(h.State), Message: h.Message, Schedule: h.Schedule,
		Suspended: h.Suspended, LastSchedule: h.LastSchedule, LastSuccess: h.LastSuccess}
}

// follow prints the status again each time it differs from the last one printed.
func (o *statusOptions) follow(ctx context.Context, u *ui.Terminal, look func(context.Context) (status.List, error), last status.List, namespace string) error {
	tick := time.NewTicker(2 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil // this is how one ends a watch
		case <-tick.C:
		}
		list, err := look(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if same(list, last) {
			continue
		}
		if !o.output.Document() {
			u.Repaint()
		}
		if err := o.print(u, list, namespace); err != nil {
			return err
		}
		last = list
	}
}

func same(a, b status.List) bool {
	rawA, errA := json.Marshal(a)
	rawB, errB := json.Marshal(b)
	return errA == nil && errB == nil && string(rawA) == string(rawB)
}

// print prints the apps of an instance, or of all where its namespace is "".
func (o *statusOptions) print(u *ui.Terminal, list status.List, namespace string) error {
	all, cronJob := list.Items, object.Ref{Kind: install.CronJobs, Name: install.Name}.String()
	list.Items = o.wanted(all)
	var names []string
	for _, s := range list.Items {
		if o.one() == "" {
			names = append(names, s.Name)
		}
		for _, rs := range s.Resources {
			names = append(names, cmp.Or(rs.Where, rs.Short))
		}
	}
	if handled, err := o.output.Print(u.Out, list, names); handled || err != nil {
		return err
	}
	if len(all) > 0 && len(list.Items) == 0 {
		fmt.Fprintf(u.Err, "No app is in that state. %s\n", ui.StatusSummary(all))
		ui.Instances(u, list, cronJob)
		return nil
	}
	ui.Status(u, list, namespace, o.output.Wide())
	ui.Instances(u, list, cronJob)
	if list.Limits != "" {
		u.Warn("%s", list.Limits)
	}
	if len(all) > manyApps || len(list.Items) < len(all) {
		fmt.Fprintln(u.Err, ui.StatusSummary(all))
	}
	if o.one() == "" {
		return nil
	}
	for _, s := range list.Items { // of several instances with -A
		fmt.Fprintln(u.Out)
		ui.Resources(u, s, o.output.Wide())
		ui.Charts(u, s, o.output.Wide())
		ui.Sources(u, s, o.output.Wide())
	}
	return nil
}

// manyApps is when a table of apps is followed by its summary.
const manyApps = 20

// checkWords refuses words that are not known, and spells the others as they are.
func checkWords(flag string, words, known []string) error {
	for i, word := range words {
		j := slices.IndexFunc(known, func(k string) bool { return strings.EqualFold(k, strings.TrimSpace(word)) })
		if j < 0 {
			return hint.Errorf(fmt.Sprintf("%s %s is not known", flag, word), "one of: %s", strings.Join(known, ", "))
		}
		words[i] = known[j]
	}
	return nil
}

// wanted are the apps that the filters let through.
func (o *statusOptions) wanted(items []status.App) []status.App {
	kept := []status.App{}
	for _, s := range items {
		if (len(o.sync) == 0 || slices.Contains(o.sync, string(s.Sync))) && (len(o.health) == 0 || slices.Contains(o.health, string(s.Health))) {
			kept = append(kept, s)
		}
	}
	return kept
}
