package render

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	yamlv2 "go.yaml.in/yaml/v2"
	yamlv3 "go.yaml.in/yaml/v3"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/safeyaml"
)

var errExpands = errors.New("aliases make the document far larger than the file")

// toValue reads one YAML document as kubectl does, whole numbers as int64, but takes control characters as they are. The YAML library bounds how often aliases are
// followed, but not how large the values are that they repeat: that is checked here, before the values are copied out.
func toValue(text []byte, strict bool) (any, error) {
	tamed, changed := safeyaml.Tame(text)
	value, err := parse(tamed, strict)
	if changed {
		value = safeyaml.Restore(value)
	}
	return value, err
}

func parse(text []byte, strict bool) (any, error) {
	if bytes.IndexByte(text, '&') >= 0 && bytes.IndexByte(text, '*') >= 0 {
		var value any
		if err := yamlv2.Unmarshal(text, &value); err != nil {
			return nil, err
		}
		if !fits(value, maxObjectBytes+10*len(text)) {
			return nil, errExpands
		}
	}
	unmarshal := yamlv2.Unmarshal
	if strict {
		unmarshal = yamlv2.UnmarshalStrict
	}
	var read any
	err := unmarshal(text, &read)
	if err != nil && strict && bytes.Contains(text, []byte("<<")) {
		// The library takes a key that overrides a merged one (<<: *base) for a duplicate. That is what merging is for.
		if err := writtenTwice(text); err != nil {
			return nil, err
		}
		read = nil
		err = yamlv2.Unmarshal(text, &read)
	}
	if err != nil {
		return nil, err
	}
	if value, same := asInJSON(read); same {
		return value, nil
	}
	return throughJSON(text)
}

// throughJSON is how kubectl reads YAML: it makes JSON of it first.
func throughJSON(text []byte) (value any, err error) {
	asJSON, err := yaml.YAMLToJSON(text)
	if err == nil {
		err = kjson.UnmarshalCaseSensitivePreserveInts(asJSON, &value)
	}
	return value, err
}

// asInJSON returns what a way through JSON would make of a value, for values that it only gives other types. It is not
// ok for others: fractions, huge numbers, keys that are no strings.
func asInJSON(value any) (_ any, ok bool) {
	switch v := value.(type) {
	case nil, bool:
		return v, true
	case int:
		return int64(v), true
	case string:
		return v, utf8.ValidString(v)
	case []any:
		out := make([]any, len(v))
		for i, inner := range v {
			if out[i], ok = asInJSON(inner); !ok {
				return nil, false
			}
		}
		return out, true
	case map[any]any:
		out := make(map[string]any, len(v))
		for key, inner := range v {
			name, ok := key.(string)
			if !ok || !utf8.ValidString(name) {
				return nil, false
			}
			if out[name], ok = asInJSON(inner); !ok {
				return nil, false
			}
		}
		return out, true
	}
	return nil, false
}

// writtenTwice reports keys that stand twice in one mapping, in the words of the library.
func writtenTwice(text []byte) error {
	var document yamlv3.Node
	if err := yamlv3.Unmarshal(text, &document); err != nil {
		return err
	}
	var found []string
	var walk func(*yamlv3.Node)
	walk = func(n *yamlv3.Node) {
		seen := map[string]bool{}
		for i, inner := range n.Content {
			if n.Kind == yamlv3.MappingNode && i%2 == 0 && inner.Kind == yamlv3.ScalarNode {
				if seen[inner.Value] {
					found = append(found, fmt.Sprintf("  line %d: key %q already set in map", inner.Line, inner.Value))
				}
				seen[inner.Value] = true
			}
			walk(inner)
		}
	}
	walk(&document)
	if found == nil {
		return nil
	}
	return errors.New("yaml: unmarshal errors:\n" + strings.Join(found, "\n"))
}

// fits reports whether value written out needs no more than budget bytes.
func fits(value any, budget int) bool {
	return spend(value, budget) >= 0
}

// spend returns what is left of budget, negative as soon as nothing is.
func spend(value any, budget int) int {
	switch v := value.(type) {
	case map[any]any:
		for key, inner := range v {
			if budget = spend(inner, spend(key, budget)); budget < 0 {
				return budget
			}
		}
	case []any:
		for _, inner := range v {
			if budget = spend(inner, budget); budget < 0 {
				return budget
			}
		}
	case string:
		return budget - len(v) - 3
	}
	return budget - 2
}
