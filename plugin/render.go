package plugin

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/app"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/apps/gitopsyaml"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/apps/rendering"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record/store"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/render"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/source"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/status"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/target"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/ui"
)

type renderOptions struct {
	source target.Flags
	output ui.Output
	kinds  reconcile.Kinds // of the cluster that the app is in; nil where none is asked
}

// renderedApp is what one app, or one directory, renders to.
type renderedApp struct {
	name, path string
	objects    []manifest.Object
}

// RenderList is what `render -o json` prints: the objects of each app, as they would be applied.
type RenderList struct {
	metav1.TypeMeta `json:",inline"`
	Items           []RenderItem `json:"items"`
}

// RenderItem is one app. App is empty for a directory that no gitops.yaml lists and that has no name. Objects are manifests;
// values of Secrets are masked.
type RenderItem struct {
	App     string `json:"app,omitempty"`
	Path    string `json:"path"`
	Objects []any  `json:"objects"`
}

func newRenderCommand(c *cli) *cobra.Command {
	o := &renderOptions{}
	cmd := &cobra.Command{
		Use:   "render [DIR|APP]",
		Short: "Print the rendered manifests; a directory needs no cluster",
		Long: `Print the manifests of a directory, of a repository (--repo) or of an app. Inside
a checkout of its repository, an app is rendered from the working tree, otherwise
from the source that its last run used. The file and line of each object are
printed in front of it. Values of Secrets are masked.`,
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
	o.source.Add(cmd.Flags())
	o.output.AddFlags(cmd)
	return cmd
}

func (o *renderOptions) run(ctx context.Context, c *cli, args []string) error {
	from, path, err := o.source.Manifests(ctx, args, func() (*store.Store, error) {
		client, store, err := c.connect()
		if err == nil {
			o.kinds = served(client)
		}
		return store, err
	})
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
	apps, err := o.objects(ctx, c, tree, path, args)
	if err != nil {
		return err
	}
	return o.print(c.ui().Out, apps)
}

// print writes the manifests as a stream of YAML, as kubectl apply takes it, or as one document where -o asks for one.
func (o *renderOptions) print(w io.Writer, apps []renderedApp) error {
	list := RenderList{TypeMeta: metav1.TypeMeta{APIVersion: status.APIVersion, Kind: "RenderList"}, Items: []RenderItem{}}
	var objects []manifest.Object
	var names []string
	for _, a := range apps {
		item := RenderItem{App: a.name, Path: a.path, Objects: []any{}}
		for _, ro := range a.objects {
			item.Objects = append(item.Objects, render.Masked(ro))
			names = append(names, ro.ID())
		}
		list.Items = append(list.Items, item)
		objects = append(objects, a.objects...)
	}
	if o.output.Document() && o.output.Format != ui.FormatYAML {
		_, err := o.output.Print(w, list, names)
		return err
	}
	out, err := render.YAML(objects)
	if err != nil {
		return err
	}
	_, err = w.Write(out)
	return err
}

// objects renders the directory or, where a gitops.yaml lies in it, the apps that it lists, or the one that is named.
func (o *renderOptions) objects(ctx context.Context, c *cli, tree *source.Tree, path string, args []string) ([]renderedApp, error) {
	o.source.ReadSecrets(chartSecrets(c.connect))
	dir := o.source.Renderer(notices(c.ui()))
	if err := tree.Fetch(ctx, gitopsyaml.Files(path)...); err != nil {
		return nil, err
	}
	apps, found, err := gitopsyaml.Load(tree.Root, path)
	if err != nil {
		return nil, err
	}
	kinds := o.kinds
	if kinds == nil {
		kinds = guessed(c.ui())
	}
	if !found {
		if err := tree.Fetch(ctx, path); err != nil {
			return nil, err
		}
		options := o.source.RenderOptions()
		options.Lacking = tree.Lacking
		objects, err := dir(ctx, tree.Root, path, options)
		if err != nil {
			return nil, err
		}
		name := o.source.Name
		if len(args) == 1 && !target.IsDirectory(args[0]) {
			name = args[0]
		}
		return []renderedApp{{name, path, objects}}, placeIn(ctx, objects, objects, o.source.Namespace, kinds)
	}
	var rendered []renderedApp
	var objects []manifest.Object
	from := map[string][]manifest.Object{} // by namespace
	apps = slices.DeleteFunc(apps, func(a app.App) bool {
		return len(args) == 1 && !target.IsDirectory(args[0]) && args[0] != a.Name
	})
	var paths []string
	for _, a := range apps {
		paths = append(paths, a.Directories()...)
	}
	if err := tree.Fetch(ctx, paths...); err != nil {
		return nil, err
	}
	for _, app := range apps {
		options := rendering.Options(app)
		if names := app.Helm.NamesInCluster(); len(names) > 0 {
			options.AllowPlainSecrets = true // with its values, a Secret may be made of a Secret
			c.ui().Warn("%s: values of %s are in the cluster only: it is rendered without them", app.Name, strings.Join(names, ", "))
		}
		options.Lacking = tree.Lacking
		some, err := dir(ctx, tree.Root, app.Path, options)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", app.Name, err)
		}
		rendered = append(rendered, renderedApp{app.Name, app.Path, some})
		objects = append(objects, some...)
		from[app.Namespace] = append(from[app.Namespace], some...)
	}
	for _, namespace := range slices.Sorted(maps.Keys(from)) {
		if err := placeIn(ctx, from[namespace], objects, namespace, kinds); err != nil {
			return nil, err
		}
	}
	if len(rendered) == 0 {
		return nil, fmt.Errorf("no app %s in the gitops.yaml of %s", strings.Join(args, ""), path)
	}
	return rendered, nil
}

// placeIn sets a namespace on the namespaced objects that name none, as a run does. Which kinds are namespaced, the
// CustomResourceDefinitions among all objects say where kinds does not know.
func placeIn(ctx context.Context, objects, all []manifest.Object, namespace string, kinds reconcile.Kinds) error {
	if namespace == "" {
		return nil
	}
	defined := desired.Definitions([]app.App{{}}, [][]manifest.Object{all})
	known := map[schema.GroupKind]bool{}
	for _, o := range objects {
		gvk := o.GroupVersionKind()
		if o.GetNamespace() != "" {
			continue
		}
		namespaced, ok := known[gvk.GroupKind()]
		if !ok {
			k, err := kinds(ctx, gvk, defined)
			if err != nil {
				return fmt.Errorf("%s: %w", o.Origin, err)
			}
			namespaced = k.Namespaced
			known[gvk.GroupKind()] = namespaced // asked, and warned of, once
		}
		if namespaced {
			o.SetNamespace(namespace)
		}
	}
	return nil
}
