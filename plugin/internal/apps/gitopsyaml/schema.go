package gitopsyaml

import (
	"encoding/json"
	"reflect"
	"strings"
	"time"
)

// schemaID is where the schema is published.
const schemaID = "https://raw.githubusercontent.com/kubectl-gitops/kubectl-gitops/main/docs/gitops.schema.json"

// Schema returns the JSON Schema of gitops.yaml, made from the types of this package.
func Schema() ([]byte, error) {
	s := schemaOf(reflect.TypeFor[File]())
	s["$schema"], s["$id"], s["title"] = "https://json-schema.org/draft/2020-12/schema", schemaID, "gitops.yaml"
	out, err := json.MarshalIndent(s, "", "  ")
	return append(out, '\n'), err
}

func schemaOf(t reflect.Type) map[string]any {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return map[string]any{"type": "string", "pattern": `^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`}
	case t == reflect.TypeFor[Values]():
		return map[string]any{"type": "object"}
	case t == reflect.TypeFor[Wait]():
		return map[string]any{"oneOf": []any{map[string]any{"type": "boolean"}, schemaOf(reflect.TypeFor[[]WaitFor]())}}
	case t.Kind() == reflect.Pointer:
		return schemaOf(t.Elem())
	case t.Kind() == reflect.Slice:
		return map[string]any{"type": "array", "items": schemaOf(t.Elem())}
	case t.Kind() == reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": schemaOf(t.Elem())}
	case t.Kind() == reflect.Interface:
		return map[string]any{"type": []string{"string", "boolean", "integer"}}
	case t.Kind() == reflect.Bool:
		return map[string]any{"type": "boolean"}
	case t.Kind() == reflect.Int:
		return map[string]any{"type": "integer", "minimum": 0}
	case t.Kind() == reflect.String:
		return map[string]any{"type": "string"}
	}
	properties, required := map[string]any{}, []string{}
	for i := range t.NumField() {
		tag := t.Field(i).Tag
		p := schemaOf(t.Field(i).Type)
		p["description"] = tag.Get("doc")
		if enum := tag.Get("enum"); enum != "" {
			p["enum"] = strings.Split(enum, ",")
		}
		properties[tag.Get("yaml")] = p
		if tag.Get("required") != "" {
			required = append(required, tag.Get("yaml"))
		}
	}
	s := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}
