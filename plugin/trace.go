package plugin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/config"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
)

type traceOptions struct {
	source    sourceFlags
	output    outputFlags
	namespace string
}

func newTraceCommand(c *cli) *cobra.Command {
	o := &traceOptions{}
	cmd := &cobra.Command{
		Use:   "trace KIND/NAME",
		Short: "Show which app, file, line, commit and author a live object comes from",
		Long: `Show which app a live object belongs to, the file and line it comes from, the
commit that is applied with its author, and who changed the object last. An
object that another one made, such as a Pod, is traced to the one in Git.

File and line are found by rendering that commit: from the checkout we stand in
if it has it, otherwise from the app's repository.`,
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
	fs.StringVar(&o.namespace, "object-namespace", "", "Namespace of the object (default wherever it is the only one)")
	o.source.addCredentialFlags(fs)
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
	found, err := newReconciler(client, store, source.Repo{}, nil, nil).Trace(ctx, kind, o.namespace, name)
	if err != nil {
		return o.meantObject(ctx, c, store, err)
	}
	u := c.ui()
	origin, err := o.origin(ctx, c, store, found)
	if errors.Is(err, context.Canceled) {
		return err
	}
	if err != nil {
		u.warn("the file is not known: %v", err)
	}
	found.Origin = origin
	if handled, err := o.output.print(u.Out, found.Trace, []string{found.Managed.String()}); handled || err != nil {
		return err
	}
	u.trace(found.Trace)
	if file, _, _ := strings.Cut(origin, ":"); file != "" {
		u.hint("`git log -- %s` in the config repository tells which commits wrote it", file)
	}
	return nil
}

// meantObject adds to an error what somebody should know who gave the namespace of the object with -n.
func (o *traceOptions) meantObject(ctx context.Context, c *cli, store *record.Store, err error) error {
	given := *c.config.Namespace
	if given == "" || o.namespace != "" {
		return err
	}
	if parents, readErr := store.Parents(ctx); readErr == nil && len(parents) > 0 {
		return err
	}
	return hint.With(err, "-n names an instance (default %s), and there is none in %s; the namespace of the object is --object-namespace %s", DefaultNamespace, given, given)
}

// origin renders the commit that is applied, and finds the object in it.
func (o *traceOptions) origin(ctx context.Context, c *cli, store *record.Store, found reconcile.Traced) (string, error) {
	o.source.timeout = reconcile.DefaultTimeout
	app, repo, err := o.source.resolve(ctx, store, []string{found.App})
	if err != nil {
		return "", err
	}
	tree, err := openApplied(ctx, repo, found.Revision.Commit)
	if err != nil {
		return "", err
	}
	defer tree.Close()
	app = o.source.asListed(ctx, store, tree, app)
	options := app.RenderOptions()
	options.AllowPlainSecrets = true // it is applied already
	objects, err := o.source.renderer(c.ui())(ctx, tree.Root, app.Path, options)
	if err != nil {
		return "", err
	}
	origin, ok := found.Locate(objects)
	if !ok {
		return "", fmt.Errorf("%s is not in the render of %s", found.Managed.ID(), app.Path)
	}
	return origin.String(), nil
}

// asListed is app with the settings that the gitops.yaml of the tree has for it, if it comes from one.
func (f *sourceFlags) asListed(ctx context.Context, store *record.Store, tree *reconcile.Tree, app reconcile.App) reconcile.App {
	rec, err := recorded(ctx, store, []string{app.Name})
	if err != nil || rec.List == "" {
		return app
	}
	listed, _, err := config.Load(tree.Root, rec.List)
	if i := slices.IndexFunc(listed, func(a reconcile.App) bool { return a.Name == app.Name }); err == nil && i >= 0 {
		return listed[i]
	}
	return app
}

// openApplied opens a commit: from the checkout we stand in if it has it, otherwise from repo.
func openApplied(ctx context.Context, repo source.Repo, commit string) (*reconcile.Tree, error) {
	if top, _, err := source.WorkTree(workingDirectory()); err == nil {
		if tree, err := (gitSource{source.Repo{URL: top, Limits: repo.Limits}}).Open(ctx, commit); err == nil {
			return tree, nil
		}
	}
	return gitSource{repo}.Open(ctx, commit)
}
