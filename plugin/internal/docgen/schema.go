package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"maps"
	"slices"
	"strings"
)

// schema is the part of JSON Schema (draft 2020-12) that our documents need. Unknown properties are allowed: a later
// version may add some.
type schema struct {
	Schema      string            `json:"$schema,omitempty"`
	Ref         string            `json:"$ref,omitempty"`
	Title       string            `json:"title,omitempty"`
	Description string            `json:"description,omitempty"`
	Type        any               `json:"type,omitempty"` // one name, or a list of them
	Format      string            `json:"format,omitempty"`
	Const       string            `json:"const,omitempty"`
	Enum        []string          `json:"enum,omitempty"`
	Properties  map[string]schema `json:"properties,omitempty"`
	Required    []string          `json:"required,omitempty"`
	Items       *schema           `json:"items,omitempty"`
	Additional  *schema           `json:"additionalProperties,omitempty"`
	Defs        map[string]schema `json:"$defs,omitempty"`
}

// known are the types from outside this code, as they look in JSON.
var known = map[string]schema{
	"time.Time":       {Type: "string", Format: "date-time"},
	"metav1.Time":     {Type: []string{"string", "null"}, Format: "date-time"},
	"metav1.Duration": {Type: "string", Description: "as Go prints it, such as 1m30s"},
	"json.RawMessage": {},
}

var basic = map[string]string{"string": "string", "bool": "boolean", "int": "integer", "int32": "integer", "int64": "integer",
	"float64": "number"}

// schemas returns docs/schemas: one for each kind of document that a command prints, and a list of them.
func (s *source) schemas() (map[string]string, error) {
	pages := map[string]string{}
	var index strings.Builder
	index.WriteString(generated + "# What `-o json` prints\n\nEach document has `apiVersion: kubectl-gitops.dev/v1alpha1` and a `kind`. " +
		"Later versions may add fields. They do not rename or remove one.\n\n| kind | |\n|---|---|\n")
	for _, kind := range slices.Sorted(maps.Keys(s.kinds)) {
		b := builder{source: s, defs: map[string]schema{}}
		doc, err := b.document(kind)
		if err != nil {
			return nil, err
		}
		var out bytes.Buffer
		e := json.NewEncoder(&out)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		if err := e.Encode(doc); err != nil {
			return nil, err
		}
		pages["docs/schemas/"+kind+".json"] = out.String()
		fmt.Fprintf(&index, "| [%s](%s.json) | %s |\n", kind, kind, cell(doc.Description))
	}
	pages["docs/schemas/README.md"] = index.String()
	return pages, nil
}

// builder collects the definitions that one document needs.
type builder struct {
	*source
	defs map[string]schema
}

func (b *builder) document(kind string) (schema, error) {
	doc, err := b.structure(b.kinds[kind])
	if err != nil {
		return schema{}, fmt.Errorf("kind %s: %w", kind, err)
	}
	doc.Schema, doc.Title = "https://json-schema.org/draft/2020-12/schema", kind
	doc.Properties["apiVersion"] = schema{Const: keyPrefix + "v1alpha1"}
	doc.Properties["kind"] = schema{Const: kind}
	doc.Required = append([]string{"apiVersion", "kind"}, doc.Required...)
	doc.Defs = b.defs
	return doc, nil
}

// structure describes a struct type by its name.
func (b *builder) structure(typeName string) (schema, error) {
	d, ok := b.types[typeName]
	if !ok {
		return schema{}, fmt.Errorf("the type %s is not known", typeName)
	}
	st, ok := d.expr.(*ast.StructType)
	if !ok {
		return schema{}, fmt.Errorf("%s is not a struct", typeName)
	}
	out := schema{Type: "object", Description: d.doc, Properties: map[string]schema{}}
	for _, f := range st.Fields.List {
		key, optional := jsonName(f)
		switch {
		case key == "-":
			continue
		case len(f.Names) == 0 && key == "":
			if err := b.embed(&out, d.pkg, f); err != nil {
				return schema{}, fmt.Errorf("%s: %w", typeName, err)
			}
			continue
		case len(f.Names) > 0 && !f.Names[0].IsExported():
			continue
		case key == "":
			key = f.Names[0].Name
		}
		p, err := b.expression(d.pkg, f.Type)
		if err != nil {
			return schema{}, fmt.Errorf("%s.%s: %w", typeName, key, err)
		}
		if c := sentence(f.Doc.Text() + " " + f.Comment.Text()); c != "" {
			p.Description = c
		}
		out.Properties[key] = p
		if !optional {
			out.Required = append(out.Required, key)
		}
	}
	return out, nil
}

// embed adds the fields of an embedded struct.
func (b *builder) embed(out *schema, pkg string, f *ast.Field) error {
	typeName := name(pkg, f.Type)
	if typeName == "metav1.TypeMeta" {
		return nil
	}
	inner, err := b.structure(typeName)
	if err != nil {
		return err
	}
	maps.Copy(out.Properties, inner.Properties)
	out.Required = append(out.Required, inner.Required...)
	return nil
}

// expression describes the type of a field that is declared in pkg.
func (b *builder) expression(pkg string, e ast.Expr) (schema, error) {
	switch e := e.(type) {
	case *ast.StarExpr:
		return b.expression(pkg, e.X)
	case *ast.ArrayType:
		items, err := b.expression(pkg, e.Elt)
		return schema{Type: []string{"array", "null"}, Items: &items}, err
	case *ast.MapType:
		values, err := b.expression(pkg, e.Value)
		return schema{Type: []string{"object", "null"}, Additional: &values}, err
	case *ast.InterfaceType:
		return schema{}, nil
	case *ast.Ident:
		if e.Name == "any" {
			return schema{}, nil
		}
		if t, ok := basic[e.Name]; ok {
			return schema{Type: t}, nil
		}
	}
	typeName := name(pkg, e)
	if s, ok := known[typeName]; ok {
		return s, nil
	}
	return b.named(typeName)
}

// named puts a type into the definitions and refers to it.
func (b *builder) named(typeName string) (schema, error) {
	d, ok := b.types[typeName]
	if !ok {
		return schema{}, fmt.Errorf("the type %s is not known: add it to known", typeName)
	}
	ref := schema{Ref: "#/$defs/" + typeName}
	if _, ok := b.defs[typeName]; ok {
		return ref, nil
	}
	b.defs[typeName] = schema{} // a type may contain itself
	var def schema
	var err error
	if _, isStruct := d.expr.(*ast.StructType); isStruct {
		def, err = b.structure(typeName)
	} else {
		def, err = b.expression(d.pkg, d.expr)
		def.Description = d.doc
		for _, v := range b.values[typeName] {
			def.Enum = append(def.Enum, v.text)
		}
	}
	b.defs[typeName] = def
	return ref, err
}
