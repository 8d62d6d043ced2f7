package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// jsonSchema is the part of JSON Schema that docs/schemas uses. Here, properties that it does not name are wrong: the pages
// would miss them.
type jsonSchema struct {
	Ref        string                `json:"$ref"`
	Type       any                   `json:"type"`
	Const      string                `json:"const"`
	Enum       []string              `json:"enum"`
	Properties map[string]jsonSchema `json:"properties"`
	Required   []string              `json:"required"`
	Items      *jsonSchema           `json:"items"`
	Additional *jsonSchema           `json:"additionalProperties"`
	Defs       map[string]jsonSchema `json:"$defs"`
}

// cmdSchema implements: schema KIND FILE, which checks a document against docs/schemas/KIND.json.
func cmdSchema(ts *testscript.TestScript, args []string) error {
	if len(args) != 2 {
		return usageError("schema KIND FILE")
	}
	data, err := os.ReadFile(filepath.Join(ts.Getenv("DOCS"), "schemas", args[0]+".json"))
	if err != nil {
		return err
	}
	var root jsonSchema
	if err := json.Unmarshal(data, &root); err != nil {
		return err
	}
	var doc any
	if err := json.Unmarshal([]byte(ts.ReadFile(args[1])), &doc); err != nil {
		return err
	}
	return root.check(root.Defs, "", doc)
}

// check returns everything that does not fit, each with its path.
func (s jsonSchema) check(defs map[string]jsonSchema, path string, v any) error {
	if s.Ref != "" {
		def, ok := defs[strings.TrimPrefix(s.Ref, "#/$defs/")]
		if !ok {
			return fmt.Errorf("%s: the schema has no %s", path, s.Ref)
		}
		return def.check(defs, path, v)
	}
	if err := s.checkType(path, v); err != nil {
		return err
	}
	text, isText := v.(string)
	switch {
	case s.Const != "" && text != s.Const:
		return fmt.Errorf("%s: %v, want %q", path, v, s.Const)
	case len(s.Enum) > 0 && isText && text != "" && !slices.Contains(s.Enum, text):
		return fmt.Errorf("%s: %q is not one of %v", path, text, s.Enum)
	}
	var errs []error
	switch v := v.(type) {
	case []any:
		for i, item := range v {
			if s.Items != nil {
				errs = append(errs, s.Items.check(defs, fmt.Sprintf("%s[%d]", path, i), item))
			}
		}
	case map[string]any:
		errs = s.checkObject(defs, path, v)
	}
	return errors.Join(errs...)
}

func (s jsonSchema) checkObject(defs map[string]jsonSchema, path string, v map[string]any) []error {
	if s.Properties == nil && s.Additional == nil {
		return nil // anything
	}
	var errs []error
	for _, key := range s.Required {
		if _, ok := v[key]; !ok {
			errs = append(errs, fmt.Errorf("%s.%s is missing", path, key))
		}
	}
	for key, value := range v {
		switch p, ok := s.Properties[key]; {
		case ok:
			errs = append(errs, p.check(defs, path+"."+key, value))
		case s.Additional != nil:
			errs = append(errs, s.Additional.check(defs, path+"."+key, value))
		default:
			errs = append(errs, fmt.Errorf("%s.%s is not in the schema", path, key))
		}
	}
	return errs
}

func (s jsonSchema) checkType(path string, v any) error {
	var allowed []string
	switch t := s.Type.(type) {
	case nil:
		return nil
	case string:
		allowed = []string{t}
	case []any:
		for _, name := range t {
			allowed = append(allowed, fmt.Sprint(name))
		}
	}
	got := map[bool]string{true: "null"}[v == nil]
	switch v := v.(type) {
	case string:
		got = "string"
	case bool:
		got = "boolean"
	case []any:
		got = "array"
	case map[string]any:
		got = "object"
	case float64:
		got = "number"
		if v == float64(int64(v)) && slices.Contains(allowed, "integer") {
			got = "integer"
		}
	}
	if !slices.Contains(allowed, got) {
		return fmt.Errorf("%s: %s, want %s", path, got, strings.Join(allowed, " or "))
	}
	return nil
}
