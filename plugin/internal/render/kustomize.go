package render

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/safeyaml"
)

// kustomizeLock lets one Kustomize build run at a time: the library keeps the OpenAPI schema of the current build in
// package variables and is not safe for concurrent use. It is the only package state here, and guards the library's.
var kustomizeLock sync.Mutex

// renderKustomize renders the kustomization in dir in three steps: survey reads everything the library will read and
// refuses what must not happen, build runs the library on the same bytes, and origins are mapped back to lines.
func renderKustomize(ctx context.Context, t *tree, dir string, o Options) ([]Object, error) {
	if o.RemoteBases {
		return nil, errors.New("remote bases are not supported yet")
	}
	s, top, err := surveyKustomization(ctx, t, dir, o)
	if err != nil {
		return nil, err
	}
	if len(t.problems) > 0 {
		return nil, nil // the library would stop at the first of them, and say less
	}
	return exclusively(ctx, func() ([]Object, error) {
		if top.layer == nil {
			return s.run(ctx, top)
		}
		return top.layer.build(ctx, s, top)
	})
}

// exclusively runs a build while no other one runs in this process.
func exclusively(ctx context.Context, build func() ([]Object, error)) ([]Object, error) {
	type result struct {
		objects []Object
		err     error
	}
	done := make(chan result, 1)
	go func() {
		kustomizeLock.Lock()
		defer kustomizeLock.Unlock()
		objects, err := build()
		done <- result{objects, err}
	}()
	// The library knows no context. When ctx ends first, the build is left behind; it stops at its next read.
	select {
	case r := <-done:
		return r.objects, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// build runs the library. With trace, it lets the library note on each object which file it comes from; showed tells
// that the note got into a field of the object itself.
func (s *survey) build(ctx context.Context, top *kustomization, trace bool) (objects []Object, showed bool, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = libraryError{s.shorten(top, fmt.Errorf("the library panicked: %v", r)), ""}
		}
	}()
	content := top.data
	if trace {
		if content, err = withOrigins(top); err != nil {
			return nil, false, err
		}
	}
	// LoadRestrictionsNone: a base or a file may lie anywhere in the checkout (../../base, ../../shared/ca.pem), as
	// with Flux. The library's own restriction would forbid that, and is not needed: files outside the checkout do
	// not exist in this file system. ReorderOptionUnspecified gives the order of `kubectl kustomize`.
	options := &krusty.Options{
		Reorder:          top.order(),
		LoadRestrictions: types.LoadRestrictionsNone,
		PluginConfig:     types.DisabledPluginConfig(),
	}
	resources, err := krusty.MakeKustomizer(options).Run(readOnlyFS{ctx: ctx, tree: s.tree, file: top.file, content: content, survey: s}, mounted(top.dir))
	if ctx.Err() != nil {
		return nil, false, ctx.Err()
	}
	if err != nil {
		return nil, false, libraryError{s.shorten(top, err), err.Error()}
	}
	return s.objects(top, resources, trace)
}

// libraryError is an error of the library as it is shown, and in the words of the library, which may quote values.
type libraryError struct {
	error
	raw string
}

// Unwrap returns the error that is shown.
func (e libraryError) Unwrap() error { return e.error }

func (s *survey) objects(top *kustomization, resources resmap.ResMap, trace bool) (objects []Object, showed bool, err error) {
	if n := resources.Size(); n > s.limits.Objects {
		return nil, false, fmt.Errorf("kustomization %s renders more than %d objects", Origin{File: top.file}, s.limits.Objects)
	}
	keep := slices.Contains(top.spec.BuildMetadata, types.OriginAnnotations)
	objects = make([]Object, 0, resources.Size())
	for _, r := range resources.Resources() {
		data, err := r.MarshalJSON()
		if err != nil {
			return nil, false, s.shorten(top, err)
		}
		u := &unstructured.Unstructured{}
		if err := kjson.UnmarshalCaseSensitivePreserveInts(data, &u.Object); err != nil {
			return nil, false, s.shorten(top, err)
		}
		origin := s.originOf(top, u)
		if keep {
			if err := s.publicOrigin(top, u); err != nil {
				return nil, false, s.shorten(top, err)
			}
		} else {
			dropOrigin(u)
			showed = showed || trace && bytes.Count(data, []byte(originAnnotation)) > 1
		}
		objects = append(objects, Object{Unstructured: u, Origin: origin})
	}
	s.markSealed(objects)
	return objects, showed, nil
}

// withOrigins returns the kustomization file with buildMetadata: [originAnnotations] added, as JSON. The library
// takes this setting from the kustomization that is built and hands it down to all bases.
func withOrigins(k *kustomization) ([]byte, error) {
	var fields map[string]any
	asJSON, err := yaml.YAMLToJSON(k.data)
	if err == nil {
		err = kjson.UnmarshalCaseSensitivePreserveInts(asJSON, &fields)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", Origin{File: k.file}, err)
	}
	for key := range fields { // the library does not mind the case of keys
		if sameKey(key, "buildMetadata") {
			delete(fields, key)
		}
	}
	if fields == nil {
		return k.data, nil // an empty file: the library says so
	}
	metadata := k.spec.BuildMetadata
	if !slices.Contains(metadata, types.OriginAnnotations) {
		metadata = append(slices.Clip(metadata), types.OriginAnnotations)
	}
	fields["buildMetadata"] = metadata
	return safeyaml.JSON(fields)
}
