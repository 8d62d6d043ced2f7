package render

import (
	"maps"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
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

// lineIndex finds the lines of a kustomization file. It only helps messages: what a file means is decided by the
// library's own parser.
type lineIndex struct {
	root    *yaml.Node
	aliases map[string]string
}

func indexLines(data []byte) lineIndex {
	index := lineIndex{aliases: map[string]string{}}
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err == nil && len(document.Content) > 0 {
		index.root = document.Content[0]
	}
	return index
}

// alias makes of(name) find the line of the longer text that holds it, such as key=name.
func (l lineIndex) alias(name, text string) {
	if name != text {
		l.aliases[name] = text
	}
}

// of returns the line of the first scalar, key or value, that reads text; 0 when there is none.
func (l lineIndex) of(text string) int {
	if n := l.find(text); n != nil {
		return n.Line
	}
	return 0
}

// ofText returns the line before the first line of a text written into the file, so that the text's own can be added.
func (l lineIndex) ofText(text string) int {
	n := l.find(text)
	switch {
	case n == nil:
		return 0
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return n.Line // it begins below its | or >
	}
	return n.Line - 1
}

func (l lineIndex) find(text string) *yaml.Node {
	if n := find(l.root, text); n != nil {
		return n
	}
	if longer, ok := l.aliases[text]; ok {
		return find(l.root, longer)
	}
	return nil
}

func find(n *yaml.Node, text string) *yaml.Node {
	if n == nil || n.Kind == yaml.ScalarNode && n.Value == text {
		return n
	}
	for _, inner := range n.Content {
		if found := find(inner, text); found != nil {
			return found
		}
	}
	return nil
}

type entry struct{ *yaml.Node }

// entries returns the items of a top-level list.
func (l lineIndex) entries(field string) []entry {
	if l.root == nil {
		return nil
	}
	list := entry{l.root}.field(field)
	if list == nil {
		return nil
	}
	var items []entry
	for _, item := range list.Content {
		items = append(items, entry{item})
	}
	return items
}

func (e entry) field(name string) *yaml.Node {
	for i := 0; e.Kind == yaml.MappingNode && i+1 < len(e.Content); i += 2 {
		if e.Content[i].Value == name {
			return e.Content[i+1]
		}
	}
	return nil
}
