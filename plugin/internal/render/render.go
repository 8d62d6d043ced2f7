// Package render turns one directory of a checkout into Kubernetes objects, each with the file and line that it comes from. The
// directory holds plain YAML and JSON, a kustomization, or a Helm chart. The package refuses manifests that must never reach a
// cluster, and reports all problems at once.
//
// Dir renders in this process. Isolated renders in a child process with limits, and Worker is that child.
//
// It does NOT talk to a cluster or a network, run a program other than its own, write a file, set namespaces or order objects.
// It reads nothing outside the checkout: every byte comes through an os.Root.
package render

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/generated"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

// ErrEmpty is the cause of an error about a directory that renders no objects.
var ErrEmpty = errors.New("renders no objects")

// renderer turns a directory into objects that are not checked yet. Refusals it finds on its way are collected in t.
type renderer func(ctx context.Context, t *tree, dir string, o Options) ([]Object, error)

// Dir renders the directory path, a slash path inside root; "." is root itself. The first of these that fits decides how:
//
//   - kustomization.yaml, kustomization.yml or Kustomization: Kustomize renders, in its own order
//   - Options.Layout is LayoutFlux: the directory is read as Flux reads it
//   - Chart.yaml: Helm renders, in the order in which Helm installs, CRDs first and hooks last
//   - otherwise each *.yaml, *.yml and *.json file below path is read, in path order. Names that begin with a dot are skipped,
//     and so are files that the patterns in the file .gitopsignore in path match (written as in .gitignore)
//
// Problems in the files are returned together, as manifest.Problems. An error of another type means that the directory could
// not be read, or that it renders no objects (ErrEmpty). Nothing is kept between calls. Several goroutines may call Dir;
// kustomizations are then rendered one after the other.
func Dir(ctx context.Context, root *os.Root, path string, o Options) ([]Object, error) {
	return o.onDemand(ctx, func() ([]Object, error) { return once(ctx, root, path, o) })
}

func once(ctx context.Context, root *os.Root, path string, o Options) ([]Object, error) {
	o.Limits = o.Limits.withDefaults()
	o.Substitute = o.Substitute.forOneRender()
	t := newTree(root, o.Limits)
	t.mayHold = o.MayHold
	objects, err := t.dir(ctx, path, o)
	if len(t.lacking) > 0 && ctx.Err() == nil { // whatever came of it
		return nil, &lackingError{slices.Sorted(maps.Keys(t.lacking))}
	}
	if err != nil {
		return nil, t.conceal(err, o)
	}
	o.tellInputs(t.dependsOn())
	o.tellFiles(t)
	return objects, nil
}

func (t *tree) dir(ctx context.Context, path string, o Options) ([]Object, error) {
	var err error
	t.keysHint = o.KeysHint
	if t.identities, err = o.AgeKeys.identities(); err != nil {
		return nil, err
	}
	dir, render := "", overlaid(renderNamed)
	if o.Chart == nil {
		if dir, err = t.directory(path); err == nil {
			render, err = detect(t, dir, o.Layout)
		}
	}
	if err != nil {
		return nil, asProblems(err)
	}
	objects, err := render(ctx, t, dir, o)
	if err != nil {
		return nil, asProblems(err)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := substitute(t, objects, o); err != nil {
		return nil, err
	}
	t.problems = append(t.problems, check(objects, o, t.valueLine)...)
	hidden := t.guard(objects, o)
	for i := range objects {
		objects[i].Sealed, objects[i].Hidden = false, hidden // the first one has served its purpose
		objects[i].Generated = inData(objects[i])
		if o.Helm != nil && o.Helm.Generated == GeneratedShow {
			generated.Blank(objects[i].Object, objects[i].Generated)
		}
	}
	if len(t.problems) > 0 {
		return nil, t.problems.Sorted()
	}
	if len(objects) == 0 {
		if o.Chart != nil {
			return nil, hint.With(fmt.Errorf("%s: the chart %s %w", o.Chart.Origin, o.Chart.Name, ErrEmpty), "an empty render would remove everything: check its values")
		}
		return nil, hint.With(fmt.Errorf("directory %q %w", dir, ErrEmpty),
			"an empty render would remove everything: check the path and .gitopsignore")
	}
	return objects, nil
}

// substitute replaces variables in all objects. What is wrong in objects becomes a problem of the tree.
func substitute(t *tree, objects []Object, o Options) error {
	if o.Substitute == nil {
		return nil
	}
	open := t.openTexts(objects)
	if o.Substitute.Dialect == DialectFlux {
		if err := o.Substitute.applyFlux(t, objects, o.warn); err != nil {
			return err
		}
	} else {
		o.Substitute.applyStrict(t, objects)
	}
	t.keepFilled(open, objects)
	return nil
}

// detect chooses the renderer of a directory by the files in it.
func detect(t *tree, dir, layout string) (renderer, error) {
	var found []string
	for _, name := range kustomizationNames {
		if t.exists(path.Join(dir, name)) {
			found = append(found, name)
		}
	}
	switch {
	case len(found) > 1:
		return nil, Problem{Origin: Origin{File: path.Join(dir, found[1])}, Message: "the directory also holds " + found[0],
			Hint: "keep one kustomization file per directory"}
	case len(found) == 1:
		return renderKustomize, nil
	case layout == LayoutFlux:
		return renderFlux, nil
	case t.exists(path.Join(dir, "Chart.yaml")):
		return overlaid(renderHelm), nil
	}
	return overlaid(renderPlain), nil
}

// overlaid is a renderer of objects that Options.Overlay changes. Kustomizations need none: they are built with the overlay.
func overlaid(render renderer) renderer {
	return func(ctx context.Context, t *tree, dir string, o Options) ([]Object, error) {
		objects, err := render(ctx, t, dir, o)
		if err != nil || o.Overlay.isEmpty() || len(t.problems) > 0 {
			return objects, err
		}
		return overlay(ctx, t, objects, o)
	}
}

// directory checks the path given by the user and returns it clean, as it was spelled.
func (t *tree) directory(name string) (string, error) {
	clean := path.Clean(name)
	if name == "" || path.IsAbs(clean) || clean == ".." || strings.HasPrefix(clean, "../") {
		return "", hint.With(fmt.Errorf("path %q is not inside the repository", name), "give a path from the root of the repository")
	}
	real, err := t.resolve(clean)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return "", asProblems(t.absent(clean, t.missing(clean)))
	} else if err != nil {
		return "", fmt.Errorf("path %q: %w", name, asProblems(err))
	}
	info, err := t.root.Stat(real)
	if err != nil {
		return "", fmt.Errorf("path %q: %w", name, err)
	}
	if !info.IsDir() {
		wrong := hint.With(fmt.Errorf("path %q is a file, not a directory", name), "name the directory it is in: %s", path.Dir(clean))
		return "", asProblems(t.absent(clean, wrong))
	}
	if t.isSubmodule(real) {
		return "", asProblems(t.whyAbsent(clean))
	}
	return clean, nil
}
