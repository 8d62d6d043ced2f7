package render

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	yamlv2 "go.yaml.in/yaml/v2"
	yamlv3 "gopkg.in/yaml.v3"
	"sigs.k8s.io/yaml"
)

var errExpands = errors.New("aliases make the document far larger than the file")

// toJSON converts one YAML document with the library kubectl uses. The library bounds how often aliases are followed,
// but not how large the values are that they repeat: that is checked here, before the values are copied out.
func toJSON(text []byte, strict bool) ([]byte, error) {
	if bytes.IndexByte(text, '&') >= 0 && bytes.IndexByte(text, '*') >= 0 {
		var value any
		if err := yamlv2.Unmarshal(text, &value); err != nil {
			return nil, err
		}
		if !fits(value, maxObjectBytes+10*len(text)) {
			return nil, errExpands
		}
	}
	if !strict {
		return yaml.YAMLToJSON(text)
	}
	out, err := yaml.YAMLToJSONStrict(text)
	if err == nil || !bytes.Contains(text, []byte("<<")) {
		return out, err
	}
	// The library takes a key that overrides a merged one (<<: *base) for a duplicate. That is what merging is for.
	if err := writtenTwice(text); err != nil {
		return nil, err
	}
	return yaml.YAMLToJSON(text)
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
