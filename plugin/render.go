package plugin

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
)

type renderOptions struct {
	source sourceFlags
	output outputFlags
}

func newRenderCommand(c *cli) *cobra.Command {
	o := &renderOptions{output: outputFlags{only: []string{formatYAML, formatName}}}
	cmd := &cobra.Command{
		Use:   "render [DIR|APP]",
		Short: "Print the manifests; no cluster is asked for a directory",
		Long: `Print the manifests of a directory, of a repository (--repo) or of an app's
last source. Each object is preceded by its file and line. Values of Secrets
are masked.`,
		Example: `  kubectl gitops render apps/shop/overlays/prod
  kubectl gitops render --repo https://github.com/acme/config \
    --path apps/shop/overlays/prod`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.output.Validate(); err != nil {
				return err
			}
			return o.run(cmd.Context(), c, args)
		},
	}
	o.source.addFlags(cmd)
	o.output.AddFlags(cmd)
	return cmd
}

func (o *renderOptions) run(ctx context.Context, c *cli, args []string) error {
	from, path, err := o.tree(ctx, c, args)
	if err != nil {
		return err
	}
	commit, err := from.Poll(ctx)
	if err != nil {
		return err
	}
	tree, err := from.Open(ctx, commit)
	if err != nil {
		return err
	}
	defer tree.Close()
	objects, err := o.source.renderer(c.ui())(ctx, tree.Root, path, o.source.renderOptions())
	if err != nil {
		return err
	}
	var names []string
	for _, ro := range objects {
		names = append(names, ro.ID())
	}
	if o.output.format == formatName {
		_, err := o.output.print(c.ui().Out, nil, names)
		return err
	}
	out, err := render.YAML(objects)
	if err != nil {
		return err
	}
	_, err = c.ui().Out.Write(out)
	return err
}

// tree decides what to render: --repo, a directory of the working tree, or the last source of a named app.
func (o *renderOptions) tree(ctx context.Context, c *cli, args []string) (reconcile.Source, string, error) {
	dir := workingDirectory()
	if len(args) == 1 {
		dir = args[0]
	}
	if o.source.repo == "" && (len(args) == 0 || isDirectory(dir)) {
		tree, rel, err := openCheckout(dir)
		if err != nil { // no repository: the directory is all there is
			tree, rel = checkout{top: dir}, "."
		}
		if o.source.path != "." {
			rel = o.source.path
		}
		return tree, rel, nil
	}
	if o.source.repo != "" {
		app, err := o.source.appOf()
		return gitSource{o.source.repository()}, app.Path, err
	}
	_, store, err := c.connect()
	if err != nil {
		return nil, "", err
	}
	app, repo, err := o.source.resolve(ctx, store, args)
	o.source.allowPlainSecrets = app.AllowPlainSecrets
	return gitSource{repo}, app.Path, err
}
