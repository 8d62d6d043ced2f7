package render

import (
	"cmp"
	"context"
	"fmt"
	"path"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
)

// kustomization is one kustomization file and what it needs.
type kustomization struct {
	dir       string // resolved
	name      string // of its file in dir
	file      string // resolved
	data      []byte
	spec      types.Kustomization
	lines     lineIndex
	generated bool // there is no such file: a layout made it

	layer *layer // an overlay of the app, of the kustomization that is built
	given *given // what the app renders to without the overlay, where this kustomization exists for the overlay only

	loads int // kustomizations read by building this one, itself included; bases count once per use
	items int // objects read by building this one, counted alike

	// What charts render depends on the namespace of the kustomizations above: see kustomize_variants.go.
	inherits  bool              // a chart in it, or below, takes its namespace from above
	inherited string            // the namespace above, for which it was surveyed
	shown     string            // the directory in which the library finds it; dir for the first variant
	moved     map[string]string // entries of resources and components that lead to another variant, and the path to it
	rendered  []string          // files with what its charts rendered
}

func (k *kustomization) problem(line int, hint, format string, args ...any) Problem {
	return Problem{Origin: Origin{File: k.file, Line: line}, Message: fmt.Sprintf(format, args...), Hint: hint}
}

// undecrypted says that a file is encrypted, and used for what nothing is decrypted for.
func (k *kustomization) undecrypted(name string) Problem {
	return k.problem(k.lines.of(name), "resources, patches, values files of charts and files of generators are decrypted: keep secret values there", "%q is encrypted with SOPS, and is not decrypted here", name)
}

// lay makes an overlay a part of the kustomization that is built.
func (k *kustomization) lay(v *Overlay) {
	if v.isEmpty() {
		return
	}
	k.layer = &layer{Overlay: v}
	k.spec.Namespace = cmp.Or(v.Namespace, k.spec.Namespace)
}

// order is that in which the objects are given: that of the library, or the one that they had before.
func (k *kustomization) order() krusty.ReorderOption {
	if k.given != nil {
		return krusty.ReorderOptionNone
	}
	return krusty.ReorderOptionUnspecified
}

// at joins a relative path of the kustomization to its directory.
func (k *kustomization) at(name string) string { return path.Join(k.dir, name) }

// survey walks a kustomization and its bases before the library does. It refuses what would reach out of the
// checkout, and everything of which the library's own error would be long or quote the content of a file.
type survey struct {
	*tree
	ctx        context.Context
	options    Options
	stack      []string                    // directories of the kustomizations being visited
	namespaces []string                    // of the stack: each its own, or the nearest above
	visited    map[string][]*kustomization // by resolved directory: one for each variant
	variants   []variant
	generated  map[string]*kustomization // files with what charts rendered
	docs       map[string][]Object       // objects of resource files, by resolved name
	secrets    []string                  // values that no error may show
	overlaid   bool                      // the directory of an overlay exists
}

// variant is a directory that shows another one.
type variant struct{ shown, dir string }
