package plugin

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/cluster"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/inspect"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record/store"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/target"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/ui"
)

type traceOptions struct {
	source    target.Flags
	output    ui.Output
	namespace string
}

func newTraceCommand(c *cli) *cobra.Command {
	o := &traceOptions{}
	cmd := &cobra.Command{
		Use:   "trace KIND/NAME",
		Short: "Show which app, file, line, commit and author a live object comes from",
		Long: `Show which app a live object belongs to, the file and line it comes from, the
applied commit with its author, and who changed the object last. For an object
that another object created, such as a Pod, show the object in Git behind it.

To find file and line, trace renders that commit. The commit comes from the
current checkout if it has it, otherwise from the app's repository.`,
		Example: `  kubectl gitops trace deployment/web
  kubectl gitops trace pod/web-7d4b9c-x2x4p --object-namespace shop`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.output.Validate(); err != nil {
				return err
			}
			return o.run(cmd.Context(), c, strings.Join(args, "/"))
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&o.namespace, "object-namespace", "", "Namespace of the object (not needed when only one object has that name)")
	o.source.AddCredentials(fs)
	o.output.AddFlags(cmd)
	return cmd
}

func (o *traceOptions) run(ctx context.Context, c *cli, what string) error {
	kind, name, ok := strings.Cut(what, "/")
	if !ok || kind == "" || name == "" || strings.Contains(name, "/") {
		return hint.Errorf(fmt.Sprintf("%q is not KIND/NAME", what), "for example deployment/web, or certificates.cert-manager.io/web")
	}
	client, store, err := c.connect()
	if err != nil {
		return err
	}
	r := newReader(c.ui(), client, store, &o.source)
	found, err := inspect.New(client, store).Trace(ctx, kind, o.namespace, name)
	if err == nil {
		found.Origin, err = o.origin(ctx, r, found.Applied, found.Revision.Commit, found.Managed, found.Name)
		if err != nil && !errors.Is(err, context.Canceled) {
			c.ui().Warn("the file is not known: %v", err)
			err = nil
		}
		o.lastChange(ctx, &found)
	} else {
		found, err = o.foreignHook(ctx, r, found, err)
	}
	if err != nil {
		return o.meantObject(ctx, c, store, err)
	}
	return o.print(c.ui(), found)
}

func (o *traceOptions) print(u *ui.Terminal, found inspect.Traced) error {
	if found.Limits != "" {
		u.Warn("%s", found.Limits)
	}
	if handled, err := o.output.Print(u.Out, found.Trace, []string{found.Managed.String()}); handled || err != nil {
		return err
	}
	ui.Trace(u, found.Trace)
	if file, _, _ := strings.Cut(found.Origin, ":"); file != "" {
		u.Hint("`git log -- %s` in the config repository lists the commits that changed it", file)
	}
	return nil
}

// meantObject adds to an error what somebody should know who gave the namespace of the object with -n.
func (o *traceOptions) meantObject(ctx context.Context, c *cli, store *store.Store, err error) error {
	given := *c.config.Namespace
	if given == "" || o.namespace != "" {
		return err
	}
	if parents, readErr := store.Parents(ctx); readErr == nil && len(parents) > 0 {
		return err
	}
	return hint.With(err, "-n names an instance (default %s), and namespace %s has none; for the namespace of the object, use --object-namespace %s", DefaultNamespace, given, given)
}

// origin renders the commit that an app equals, and finds the object in it.
func (o *traceOptions) origin(ctx context.Context, r *reconcile.Reconciler, a record.Applied, commit string, ref cluster.Ref, name string) (string, error) {
	tree, err := o.source.OpenApplied(ctx, a.Source, commit)
	if err != nil {
		return "", err
	}
	defer tree.Close()
	origin, err := r.FindIn(ctx, a, tree, ref, name)
	if err == nil && origin == "" {
		err = fmt.Errorf("%s is not among the rendered objects of %s", ref.ID(), a.Source.Path)
	}
	return origin, err
}

// lastChange finds the commit that wrote the file of an object last, from the checkout we stand in if it has the history,
// otherwise from the repository. What cannot be found leaves what the history of the app tells.
func (o *traceOptions) lastChange(ctx context.Context, found *inspect.Traced) {
	file, _, _ := strings.Cut(found.Origin, ":")
	if file == "" {
		return
	}
	commit, err := o.source.LastChange(ctx, found.Source, found.Revision.Commit, file)
	if err == nil {
		found.Commit, found.Unclear = &commit, ""
	}
}

// foreignHook looks for an object that no app manages in the manifests of the apps, if it is annotated as a hook: a test
// that Helm ran, or a hook that another tool did. failure is returned as it is when no app has it.
func (o *traceOptions) foreignHook(ctx context.Context, r *reconcile.Reconciler, found inspect.Traced, failure error) (inspect.Traced, error) {
	var unmanaged *inspect.UnmanagedError
	if !errors.As(failure, &unmanaged) || unmanaged.Hook == "" {
		return found, failure
	}
	for _, a := range unmanaged.Apps() {
		candidate := found
		candidate.Adopt(unmanaged, a)
		origin, err := o.origin(ctx, r, a, candidate.Revision.Commit, unmanaged.Ref, unmanaged.Ref.Name)
		if ctx.Err() != nil {
			return found, ctx.Err()
		}
		if err == nil {
			candidate.Origin = origin
			o.lastChange(ctx, &candidate)
			return candidate, nil
		}
	}
	return found, failure
}
