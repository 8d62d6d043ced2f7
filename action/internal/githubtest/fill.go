package githubtest

import (
	"encoding/json"

	"github.com/getkin/kin-openapi/openapi3"
)

// plain turns Go values into what encoding/json would read back.
func plain(v any) any {
	data, err := json.Marshal(v)
	if err != nil {
		return v
	}
	var out any
	_ = json.Unmarshal(data, &out)
	return out
}

// fill adds to v the properties that the schema requires and v does not have. It never changes a
// value that is there, so what the double says itself is still checked as it stands.
func fill(ref *openapi3.SchemaRef, v any) any {
	if ref == nil || ref.Value == nil {
		return v
	}
	schema := ref.Value
	switch v := v.(type) {
	case map[string]any:
		for _, part := range branches(schema) {
			fill(part, v)
		}
		for name, prop := range schema.Properties {
			if have, ok := v[name]; ok {
				v[name] = fill(prop, have)
			}
		}
		for _, name := range schema.Required {
			if _, ok := v[name]; !ok {
				v[name] = example(schema.Properties[name], 0)
			}
		}
		return v
	case []any:
		for i := range v {
			v[i] = fill(schema.Items, v[i])
		}
	}
	return v
}

// branches are the schemas an object must satisfy as well: all of allOf, the first of a choice.
func branches(s *openapi3.Schema) openapi3.SchemaRefs {
	out := append(openapi3.SchemaRefs(nil), s.AllOf...)
	for _, choice := range []openapi3.SchemaRefs{s.OneOf, s.AnyOf} {
		for _, c := range choice {
			if c.Value.Type.Is("object") || len(c.Value.Properties) > 0 {
				out = append(out, c)
				break
			}
		}
	}
	return out
}

// example is the smallest value the schema allows.
func example(ref *openapi3.SchemaRef, depth int) any {
	if ref == nil || ref.Value == nil || depth > 12 {
		return nil
	}
	s := ref.Value
	switch {
	case s.Nullable:
		return nil
	case len(s.Enum) > 0:
		return s.Enum[0]
	case len(s.OneOf) > 0:
		return example(s.OneOf[0], depth+1)
	case len(s.AnyOf) > 0:
		return example(s.AnyOf[0], depth+1)
	case s.Type.Is("array"):
		return []any{}
	case s.Type.Is("boolean"):
		return false
	case s.Type.Is("integer"), s.Type.Is("number"):
		return float64(1)
	case s.Type.Is("string"):
		return exampleString(s)
	}
	out := map[string]any{}
	for _, part := range s.AllOf {
		if m, ok := example(part, depth+1).(map[string]any); ok {
			for k, v := range m {
				out[k] = v
			}
		}
	}
	for _, name := range s.Required {
		out[name] = example(s.Properties[name], depth+1)
	}
	return out
}

func exampleString(s *openapi3.Schema) string {
	switch s.Format {
	case "uri":
		return "https://api.github.com/x"
	case "date-time":
		return "2026-01-01T00:00:00Z"
	case "email":
		return "bot@example.com"
	}
	if text, ok := s.Example.(string); ok {
		return text
	}
	return "x"
}
