package promotion

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kubectl-gitops/kubectl-gitops/bumper"
)

// Files of our own are read strictly: a key that is not in the shape of the file is an error with its line. The same
// shapes make the JSON schemas in docs/.

const apiVersion = "kubectl-gitops.dev/v1alpha1"

// shape is what one value of such a file may be.
type shape struct {
	name     string // the key, for a field of a mapping
	doc      string
	kind     shapeKind
	required bool
	oneOf    []string // of text
	pattern  string   // of text, for the schema; the program checks the value itself
	fields   []shape  // of a mapping, or of the items of a list of mappings
}

type shapeKind int

const (
	isText shapeKind = iota
	isNumber
	isMapping
	isTexts    // a list of text
	isMappings // a list of mappings
)

// lineError is an error at a line of a file.
type lineError struct {
	file string
	line int
	text string
}

func (e *lineError) Error() string { return fmt.Sprintf("%s:%d: %s", e.file, e.line, e.text) }

// readStrict checks a file against its shape, tells everything that is wrong with it at once, and decodes it into out.
// It returns the root of the document.
func readStrict(file string, data []byte, kind string, s shape, out any) (*yaml.Node, error) {
	var root yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(data))
	switch err := dec.Decode(&root); {
	case errors.Is(err, io.EOF):
		return nil, &lineError{file, 1, "the file is empty"}
	case err != nil:
		return nil, fmt.Errorf("%s: %s", file, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: more than one document", file)
	}
	top := shape{kind: isMapping, fields: append([]shape{
		{name: "apiVersion", required: true, oneOf: []string{apiVersion}}, {name: "kind", required: true, oneOf: []string{kind}},
	}, s.fields...)}
	c := &strictCheck{file: file}
	c.value(root.Content[0], top)
	if len(c.errs) > 0 {
		return nil, errors.Join(c.errs...)
	}
	if err := root.Decode(out); err != nil {
		return nil, fmt.Errorf("%s: %s", file, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	return root.Content[0], nil
}

type strictCheck struct {
	file string
	errs []error
}

func (c *strictCheck) bad(n *yaml.Node, format string, args ...any) {
	c.errs = append(c.errs, &lineError{c.file, n.Line, fmt.Sprintf(format, args...)})
}

func (c *strictCheck) value(n *yaml.Node, s shape) {
	if n.Kind == yaml.AliasNode {
		c.bad(n, "%s: aliases are not read here; write the value out", s.label())
		return
	}
	switch s.kind {
	case isText:
		if n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" {
			c.bad(n, "%s must be a text", s.label())
		} else if len(s.oneOf) > 0 && !slices.Contains(s.oneOf, n.Value) {
			c.bad(n, "%s: %q is unknown; use %s", s.label(), n.Value, strings.Join(s.oneOf, ", "))
		}
	case isNumber:
		if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!int" {
			c.bad(n, "%s must be a whole number", s.label())
		}
	case isTexts, isMappings:
		if n.Kind != yaml.SequenceNode {
			c.bad(n, "%s must be a list", s.label())
			return
		}
		item := shape{name: s.name, kind: isText, oneOf: s.oneOf}
		if s.kind == isMappings {
			item = shape{name: s.name, kind: isMapping, fields: s.fields}
		}
		for _, e := range n.Content {
			c.value(e, item)
		}
	case isMapping:
		c.mapping(n, s)
	}
}

func (s shape) label() string {
	if s.name == "" {
		return "the file"
	}
	return s.name
}

func (c *strictCheck) mapping(n *yaml.Node, s shape) {
	if n.Kind != yaml.MappingNode {
		c.bad(n, "%s must be a mapping", s.label())
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		at := slices.IndexFunc(s.fields, func(f shape) bool { return f.name == key.Value })
		switch {
		case seen[key.Value]:
			c.bad(key, "%s is there twice", key.Value)
		case at < 0:
			c.bad(key, "unknown key %q%s", key.Value, c.near(key.Value, s))
		default:
			c.value(n.Content[i+1], s.fields[at])
		}
		seen[key.Value] = true
	}
	for _, f := range s.fields {
		if f.required && !seen[f.name] {
			c.bad(n, "%s is missing", f.name)
		}
	}
}

func (c *strictCheck) near(key string, s shape) string {
	var names []string
	for _, f := range s.fields {
		names = append(names, f.name)
	}
	if best := bumper.Nearest(key, names, 1); len(best) == 1 {
		return fmt.Sprintf("; did you mean %q?", best[0])
	}
	return "; use " + strings.Join(names, ", ")
}

// schema is the JSON Schema of a file.
func (s shape) schema(id, kind string) map[string]any {
	s.kind = isMapping
	s.fields = append([]shape{
		{name: "apiVersion", required: true, oneOf: []string{apiVersion}}, {name: "kind", required: true, oneOf: []string{kind}},
	}, s.fields...)
	out := s.json()
	out["$schema"], out["$id"], out["title"] = "https://json-schema.org/draft/2020-12/schema", id, kind
	return out
}

func (s shape) json() map[string]any {
	out := map[string]any{}
	if s.doc != "" {
		out["description"] = s.doc
	}
	text := func() map[string]any {
		t := map[string]any{"type": "string"}
		if len(s.oneOf) > 0 {
			t["enum"] = s.oneOf
		}
		if s.pattern != "" {
			t["pattern"] = s.pattern
		}
		return t
	}
	merge := func(m map[string]any) map[string]any {
		for k, v := range m {
			out[k] = v
		}
		return out
	}
	switch s.kind {
	case isNumber:
		return merge(map[string]any{"type": "integer", "minimum": 0})
	case isTexts:
		return merge(map[string]any{"type": "array", "items": text()})
	case isMappings:
		return merge(map[string]any{"type": "array", "items": shape{kind: isMapping, fields: s.fields}.json()})
	case isMapping:
		properties, required := map[string]any{}, []string{}
		for _, f := range s.fields {
			properties[f.name] = f.json()
			if f.required {
				required = append(required, f.name)
			}
		}
		merge(map[string]any{"type": "object", "properties": properties, "additionalProperties": false})
		if len(required) > 0 {
			out["required"] = required
		}
		return out
	}
	return merge(text())
}

func mappingValue(n *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}
