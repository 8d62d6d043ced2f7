package render

import (
	"bytes"
	"errors"

	yamlv2 "go.yaml.in/yaml/v2"
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
	if strict {
		return yaml.YAMLToJSONStrict(text)
	}
	return yaml.YAMLToJSON(text)
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
