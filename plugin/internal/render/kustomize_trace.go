package render

import (
	"bytes"
	"context"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/types"
)

// run builds with a trace, and once more without where the trace, which is an annotation, could make a difference. Then
// the objects are those of the second build, and the first one says where they come from.
func (s *survey) run(ctx context.Context, top *kustomization) ([]Object, error) {
	traced, showed, err := s.build(ctx, top, true)
	if ctx.Err() != nil || err == nil && !showed && !s.traceMatters(top, traced) {
		return traced, err
	}
	objects, _, err := s.build(ctx, top, false)
	if err != nil {
		return nil, err
	}
	s.takeOrigins(top, objects, traced)
	return objects, nil
}

// readsAnnotations are words in files that can make the library look at annotations: it adds below them, tests,
// selects or copies them.
var readsAnnotations = [][]byte{[]byte("metadata/annotations"), []byte("metadata.annotations"), []byte("annotationSelector")}

// traceMatters reports whether an object could be another one because it carried the trace while it was built: the
// library hashes all of an object that is neither ConfigMap nor Secret.
func (s *survey) traceMatters(top *kustomization, objects []Object) bool {
	if slices.Contains(top.spec.BuildMetadata, types.OriginAnnotations) {
		return false // it is wanted
	}
	for _, o := range objects {
		if kind := o.GetKind(); kind != "ConfigMap" && kind != "Secret" && hashed.MatchString(o.GetName()) {
			return true
		}
	}
	for _, data := range append(slices.Collect(maps.Values(s.files)), top.data) { // an overlay is in no file
		for _, word := range readsAnnotations {
			if bytes.Contains(data, word) {
				return true
			}
		}
	}
	return false
}

// takeOrigins gives objects the origins of those that were built with a trace: of the same name, or of the same name but
// for its hash.
func (s *survey) takeOrigins(top *kustomization, objects, traced []Object) {
	key := func(u *unstructured.Unstructured, name string) string {
		return u.GroupVersionKind().GroupKind().String() + " " + u.GetNamespace() + " " + name
	}
	bare := func(u *unstructured.Unstructured) string {
		return "-" + key(u, hashed.ReplaceAllString(u.GetName(), ""))
	}
	origins := map[string][]Origin{}
	for _, o := range traced {
		for _, k := range []string{key(o.Unstructured, o.GetName()), bare(o.Unstructured)} {
			origins[k] = append(origins[k], o.Origin)
		}
	}
	for i, o := range objects {
		found := origins[key(o.Unstructured, o.GetName())]
		if len(found) == 0 {
			found = origins[bare(o.Unstructured)]
		}
		if len(found) > 0 {
			objects[i].Origin = found[0]
		} else {
			objects[i].Origin = s.guess(top, o.Unstructured)
		}
	}
}
