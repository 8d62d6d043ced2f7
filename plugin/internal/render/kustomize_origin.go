package render

import (
	"maps"
	"path"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/resource"
	sigsyaml "sigs.k8s.io/yaml"
)

const originAnnotation = "config.kubernetes.io/origin"

// originOf maps the annotation Kustomize leaves on an object to the line of its manifest, or of its generator. When
// Kustomize tells nothing, it is the kustomization itself.
func (s *survey) originOf(top *kustomization, u *unstructured.Unstructured) Origin {
	var from resource.Origin
	if err := sigsyaml.Unmarshal([]byte(u.GetAnnotations()[originAnnotation]), &from); err != nil {
		return Origin{File: top.file}
	}
	if from.Path != "" {
		file := path.Join(top.dir, from.Path)
		if n, ok := top.given.number(file); ok {
			return numbered(n)
		}
		if docs, ok := s.docs[file]; ok { // also of charts, which have no file
			if origin, ok := bestMatch(docs, u); ok {
				return origin
			}
		}
		file = s.real(file)
		if real, err := s.resolve(file); err == nil {
			if origin, ok := bestMatch(s.docs[real], u); ok {
				return origin
			}
		}
		return Origin{File: file}
	}
	// An object whose annotations a patch replaced carries the trace of that patch.
	if from.ConfiguredIn != "" && strings.HasSuffix(from.ConfiguredBy.Kind, "Generator") {
		file := s.real(path.Join(top.dir, from.ConfiguredIn))
		if real, err := s.resolve(file); err == nil {
			if all := s.visited[path.Dir(real)]; len(all) > 0 && all[0].file == real {
				return Origin{File: real, Line: all[0].generatorLine(u)}
			}
			return Origin{File: real}
		}
		return Origin{File: file}
	}
	return s.guess(top, u)
}

// guess finds the manifest of an object that carries no trace, by kind and name alone.
func (s *survey) guess(top *kustomization, u *unstructured.Unstructured) Origin {
	if top.given != nil {
		return Origin{File: top.dir} // see given.restore
	}
	for _, file := range slices.Sorted(maps.Keys(s.docs)) {
		for _, doc := range s.docs[file] {
			if doc.GroupVersionKind().GroupKind() == u.GroupVersionKind().GroupKind() && strings.Contains(u.GetName(), doc.GetName()) {
				return doc.Origin
			}
		}
	}
	return Origin{File: top.file}
}

// bestMatch finds the manifest an object was made from. Kustomize may have changed its name with a prefix, a suffix
// or a patch: the longest name that is part of the new one wins, then the first of the kind.
func bestMatch(docs []Object, u *unstructured.Unstructured) (Origin, bool) {
	best, length := Origin{}, -1
	for _, doc := range docs {
		n := 0
		switch {
		case doc.GroupVersionKind().GroupKind() != u.GroupVersionKind().GroupKind():
			continue
		case doc.GetName() == u.GetName() && doc.GetNamespace() == u.GetNamespace():
			return doc.Origin, true
		case strings.Contains(u.GetName(), doc.GetName()):
			n = len(doc.GetName())
		}
		if n > length {
			best, length = doc.Origin, n
		}
	}
	if length < 0 && len(docs) > 0 {
		return docs[0].Origin, true
	}
	return best, length >= 0
}

// generatorLine returns the line of the entry that generates u, 0 when there is none.
func (k *kustomization) generatorLine(u *unstructured.Unstructured) int {
	field := "configMapGenerator"
	if isSecret(u) {
		field = "secretGenerator"
	}
	line, length := k.lines.of("generators"), -1
	for _, entry := range k.lines.entries(field) {
		name := entry.field("name")
		if name != nil && strings.Contains(u.GetName(), name.Value) && len(name.Value) > length {
			line, length = entry.Line, len(name.Value)
		}
	}
	return line
}

func dropOrigin(u *unstructured.Unstructured) {
	annotations := u.GetAnnotations()
	if _, ok := annotations[originAnnotation]; !ok {
		return
	}
	delete(annotations, originAnnotation)
	if len(annotations) == 0 {
		annotations = nil
	}
	u.SetAnnotations(annotations)
}
