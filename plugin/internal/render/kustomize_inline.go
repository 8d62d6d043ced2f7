package render

import (
	"strings"
	"unicode"

	"sigs.k8s.io/kustomize/api/provider"
	"sigs.k8s.io/kustomize/api/resource"
)

// Some fields of a kustomization hold either YAML or the name of a file. The library parses such an entry: if that works it is
// inline, and if not the library opens it as an address or a path. The survey asks the same parser, because an entry that it
// takes for YAML is not checked as a path.

// textOrPath is what a field that holds YAML or a path means to the library.
type textOrPath struct {
	inline  bool
	objects []*resource.Resource // of an inline entry
	refused bool                 // it was reported
}

// entryOf reads one entry of k. what says in messages what the entry should be. An entry that is neither inline nor refused is a
// path, and must be located.
func (s *survey) entryOf(k *kustomization, text, what string) textOrPath {
	if isAddress(text) {
		return textOrPath{} // also where it parses: which of the two it is may depend on other entries
	}
	before := len(s.problems)
	s.syntax(k.file, []byte(text), k.lines.ofText(text))
	readable := len(s.problems) == before
	if !readable {
		if strings.Contains(text, "\n") {
			return textOrPath{refused: true}
		}
		s.problems = s.problems[:before] // a path need not be YAML
		return textOrPath{}
	}
	objects, err := parseObjects([]byte(text))
	if err != nil && !isWritten(text) {
		return textOrPath{}
	}
	if err != nil {
		s.problems = append(s.problems, k.problem(k.lines.of(text), "write apiVersion, kind and metadata.name; the name of a file is written without \": \" and line breaks",
			"%s is not what Kustomize reads", what))
		return textOrPath{refused: true}
	}
	return textOrPath{inline: true, objects: objects}
}

// parseObjects parses YAML as the library does.
func parseObjects(text []byte) ([]*resource.Resource, error) {
	return provider.NewDefaultDepProvider().GetResourceFactory().SliceFromBytes(text)
}

// isWritten tells a text that was meant as YAML from a path.
func isWritten(text string) bool {
	if strings.Contains(text, "\n") {
		return true
	}
	value, err := toValue([]byte(text), false)
	if err != nil {
		return false
	}
	switch value.(type) {
	case map[string]any, []any:
		return true
	}
	return false
}

// sameKey compares keys as encoding/json does, with which the library reads fields: without regard to case, and with the letters
// of Unicode that have an ASCII letter as their other case.
func sameKey(key, field string) bool { return strings.EqualFold(key, field) }

// plainKey is the lower case of a key, by the rule of sameKey.
func plainKey(key string) string {
	return strings.ToLower(strings.Map(func(r rune) rune {
		least := r
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			least = min(least, next)
		}
		return least
	}, key))
}
