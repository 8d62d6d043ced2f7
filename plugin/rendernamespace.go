package plugin

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/desired"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/manifest"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/near"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/reconcile"
)

// placeIn sets a namespace on the namespaced objects that name none, as a run does. Which kinds are namespaced, the
// CustomResourceDefinitions among all objects say where kinds does not know.
func placeIn(ctx context.Context, objects, all []manifest.Object, namespace string, kinds reconcile.Kinds) error {
	if namespace == "" {
		return nil
	}
	defined := desired.Definitions([]reconcile.App{{}}, [][]manifest.Object{all})
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

// neither says that an argument of render is no directory; why tells what is known of an app of that name.
func neither(arg string, why error) error {
	info, err := os.Stat(arg)
	switch {
	case err == nil && !info.IsDir():
		return hint.With(fmt.Errorf("%s is a file, not a directory", arg), "name the directory it is in: %s", filepath.Dir(arg))
	case checkName(arg) != nil: // it cannot be an app
		return nearDirectory(fmt.Errorf("there is no directory %s", arg), arg)
	}
	err = fmt.Errorf("there is neither a directory nor an app called %s", arg)
	if why != nil {
		err = fmt.Errorf("%w (apps of a cluster: %w)", err, why)
	}
	return nearDirectory(err, arg)
}

// noDirectory adds to the error about an app that there is no directory of its name either.
func noDirectory(arg string, err error) error {
	return nearDirectory(fmt.Errorf("there is no directory %s, and %w", arg, err), arg)
}

// nearDirectory adds which directory may have been meant.
func nearDirectory(err error, arg string) error {
	parent := filepath.Dir(filepath.Clean(arg))
	entries, readErr := os.ReadDir(parent)
	if readErr != nil {
		return hint.With(err, "%s is no directory either", parent)
	}
	var there []string
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			there = append(there, e.Name())
		}
	}
	if text := near.DidYouMean(filepath.Base(arg), there); text != "" {
		return hint.With(err, "%s", strings.Replace(text, "one of:", "directories there:", 1))
	}
	return hint.With(err, "name a directory, or an app that a gitops.yaml lists")
}
