package plugin

import (
	"context"
	"slices"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/apps/gitopsyaml"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/apps/rendering"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/install"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/rbac"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/target"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/ui"
)

type rbacOptions struct {
	source target.Flags
	output ui.Output
}

func newRBACCommand(c *cli) *cobra.Command {
	o := &rbacOptions{}
	cmd := &cobra.Command{
		Use:   "rbac",
		Short: "Show the rights that a run of the repository needs",
		Long: `Show the rights that the service account of the instance needs: rights to its
records, and rights to apply, watch and prune the objects that the repository
renders now or that the records of its apps name. With -o yaml, print them as
Roles and bindings. install --rbac=generated grants the same rights.

In Kubernetes, nobody can grant rights that they do not have. So when the
repository contains Roles, the rights of these Roles are included.`,
		Example: `  kubectl gitops rbac
  kubectl gitops rbac --repo https://github.com/acme/config --path clusters/prod -o yaml`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.output.Validate(); err != nil {
				return err
			}
			return o.run(cmd.Context(), c)
		},
	}
	o.source.Add(cmd.Flags())
	o.output.AddFlags(cmd)
	return cmd
}

func (o *rbacOptions) run(ctx context.Context, c *cli) error {
	client, store, err := c.connect()
	if err != nil {
		return err
	}
	work, err := o.source.Resolve(ctx, store, nil)
	if err != nil {
		return err
	}
	o.source.ReadSecrets(chartSecrets(c.connect))
	needs, err := neededRights(ctx, o.source.KeylessRenderer(notices(c.ui())), work.Source, work.Target.App, c.namespace(), served(client))
	if err != nil {
		return err
	}
	records := work.Records
	if records == nil {
		records, err = store.Load(ctx)
	}
	if err == nil { // without, what has left Git is not known
		needs.grants = append(needs.grants, ofRecords(records, c.namespace())...)
	}
	objects := install.Rights(c.namespace(), needs.grants)
	if o.output.Document() {
		return printObjects(c.ui().Out, &o.output, objects)
	}
	ui.Rights(c.ui(), manifestsOf(objects))
	return nil
}

// needed is what reconciling a repository takes.
type needed struct {
	grants  []rbac.Grant
	defined []string // Namespaces among the objects of the repository
}

// spaces are the namespaces that rights are needed in.
func (n needed) spaces() []string {
	var names []string
	for _, g := range n.grants {
		if g.Namespace != "" && !slices.Contains(names, g.Namespace) {
			names = append(names, g.Namespace)
		}
	}
	slices.Sort(names)
	return names
}

// served asks the cluster about kinds that Kubernetes itself does not have.
func served(client *cluster.Client) reconcile.Kinds {
	return func(ctx context.Context, gvk schema.GroupVersionKind, defined map[schema.GroupVersionKind]cluster.Kind) (cluster.Kind, error) {
		if k, ok := rbac.BuiltIn(gvk); ok {
			return k, nil
		}
		return client.KindOr(ctx, gvk, defined)
	}
}

// guessed takes kinds that neither Kubernetes itself has nor the repository defines to be as most are, and says so.
func guessed(u *ui.Terminal) reconcile.Kinds {
	return func(_ context.Context, gvk schema.GroupVersionKind, defined map[schema.GroupVersionKind]cluster.Kind) (cluster.Kind, error) {
		k, ok := rbac.BuiltIn(gvk)
		if d, known := defined[gvk]; known && !ok {
			return d, nil
		}
		if !ok {
			u.Warn("without a cluster, the kind %s is assumed to be the namespaced resource %s.%s", gvk.Kind, k.Resource, k.Group)
		}
		return k, nil
	}
}

// neededRights renders all apps of the repository, or the one that own describes when it has no gitops.yaml.
func neededRights(ctx context.Context, dir target.RenderFunc, from source.Source, own app.App, namespace string, kinds reconcile.Kinds) (needed, error) {
	var n needed
	commit, err := from.Poll(ctx)
	if err != nil {
		return n, err
	}
	tree, err := from.Open(ctx, commit)
	if err != nil {
		return n, err
	}
	defer tree.Close()
	if err := tree.Fetch(ctx, gitopsyaml.Files(own.Path)...); err != nil {
		return n, err
	}
	apps, found, err := gitopsyaml.Load(tree.Root, own.Path)
	if err != nil {
		return n, err
	}
	if !found {
		apps = []app.App{own}
	}
	rendered := make([][]manifest.Object, len(apps))
	var all []manifest.Object
	var paths []string
	for _, a := range apps {
		paths = append(paths, a.Directories()...)
	}
	if err := tree.Fetch(ctx, paths...); err != nil {
		return n, err
	}
	for i, a := range apps {
		options := rendering.Options(a)
		options.Lacking = tree.Lacking
		if rendered[i], err = dir(ctx, tree.Root, a.Path, options); err != nil {
			return n, err
		}
		all = append(all, rendered[i]...)
	}
	defined := desired.Definitions(apps, rendered)
	for i, a := range apps {
		grants, err := reconcile.RightsFor(ctx, a, namespace, rendered[i], defined, kinds)
		if err != nil {
			return n, err
		}
		n.grants = append(n.grants, grants...)
	}
	for _, o := range all {
		if object.Is(o.GetAPIVersion(), o.GetKind(), "", "Namespace") {
			n.defined = append(n.defined, o.GetName())
		}
	}
	return n, nil
}

func ofRecords(records *record.Loaded, namespace string) []rbac.Grant {
	var grants []rbac.Grant
	for _, rec := range records.Apps {
		grants = append(grants, reconcile.RightsForRecord(rec, namespace)...)
	}
	return grants
}
