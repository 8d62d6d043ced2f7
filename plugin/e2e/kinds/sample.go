package kinds

import (
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

//go:embed samples.yaml
var samplesYAML []byte

// samples is what makes examples valid that OpenAPI alone would not.
type samples struct {
	Must   map[string]map[string]any     // fields that a struct needs, by its name
	Either map[string]map[string]any     // one of the alternatives of a struct, where none is asked for
	Groups map[string][][]map[string]any // alternatives that take more than one field each
	Values map[string][]any              // values of a field, "Struct.field": the variants that are tried
	Skip   map[string]string             // kinds that are not tried, and why
}

// Maker makes examples.
type Maker struct{ samples }

// NewMaker reads what is known about examples.
func NewMaker() (*Maker, error) {
	m := &Maker{}
	if err := yaml.UnmarshalStrict(samplesYAML, &m.samples); err != nil {
		return nil, fmt.Errorf("samples.yaml: %w", err)
	}
	return m, nil
}

func short(name string) string { return name[strings.LastIndex(name, ".")+1:] }

// Unknown lists what samples.yaml says of structs that there are none of.
func (m *Maker) Unknown(structs []Struct) []string {
	known := map[string]bool{}
	for _, s := range structs {
		for name := range s.Kind.schemas {
			known[short(name)] = true
		}
	}
	var out []string
	for _, names := range []map[string]map[string]any{m.Must, m.Either} {
		for name := range names {
			if !known[name] {
				out = append(out, name)
			}
		}
	}
	for name := range m.Values {
		if of, _, _ := strings.Cut(name, "."); !known[of] {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// Variants returns values for a field of a struct, none for one of which there is no example.
func (m *Maker) Variants(s Struct, field string) []any {
	if v, ok := m.Values[short(s.Name)+"."+field]; ok {
		return copied(v).([]any)
	}
	p := s.Kind.schemas[s.Name].Properties[field]
	if len(p.Enum) > 0 {
		return slices.DeleteFunc(slices.Clone(p.Enum), func(v any) bool { return v == "" })
	}
	return []any{m.value(s.Kind, p, field, 0)}
}

// Alternatives returns the sets of fields of a struct of which each excludes the others, as far as they are known.
func (m *Maker) Alternatives(s Struct) [][]map[string]any {
	var out [][]map[string]any
	for _, group := range m.Groups[short(s.Name)] {
		var sets []map[string]any
		for _, set := range group {
			sets = append(sets, copied(set).(map[string]any))
		}
		out = append(out, sets)
	}
	return out
}

// Items returns two items for a list of a struct, whose names differ. alike tells whether they have everything else in
// common.
func (m *Maker) Items(s Struct, list string, alike bool) (one, other any) {
	p := s.Kind.schemas[s.Name].Properties[list]
	if v, ok := m.Values[short(s.Name)+"."+list]; ok && len(v) > 1 {
		return copied(v[0]), copied(v[1])
	}
	one, other = m.value(s.Kind, p.Items, list, 0), m.value(s.Kind, p.Items, list, 1)
	if a, ok := one.(map[string]any); ok && alike {
		b := copied(a).(map[string]any)
		for _, key := range p.Keys {
			if v, ok := other.(map[string]any)[key]; ok {
				b[key] = v
			}
		}
		other = b
	}
	return one, other
}

func copied(v any) any {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // values of YAML
	}
	var out any
	_ = json.Unmarshal(raw, &out)
	return out
}

// value makes an example of a schema; n tells examples of one field apart.
func (m *Maker) value(k *Kind, s *Schema, field string, n int) any {
	if ref := s.ref(); ref != "" {
		switch short(ref) {
		case "IntOrString":
			return int64(1 + n)
		case "Quantity":
			return fmt.Sprint(1 + n)
		case "Time", "MicroTime":
			return fmt.Sprintf("2026-01-0%dT00:00:00.000000Z", 1+n)
		}
		return m.object(k, ref, n, true)
	}
	if len(s.Enum) > 0 {
		return s.Enum[n%len(s.Enum)]
	}
	switch s.Type {
	case "integer":
		return int64(1 + n)
	case "number":
		return 1.5 + float64(n)
	case "boolean":
		return true
	case "array":
		return []any{m.value(k, s.Items, field, n)}
	case "object":
		values := &Schema{}
		if len(s.Values) > 0 && json.Unmarshal(s.Values, values) == nil {
			return map[string]any{fmt.Sprintf("example.com/%c", 'a'+n): m.value(k, values, field, n)}
		}
		return map[string]any{}
	}
	if s.Format == "byte" {
		return base64.StdEncoding.EncodeToString([]byte{byte('a' + n)})
	}
	if strings.HasSuffix(strings.ToLower(field), "path") {
		return fmt.Sprintf("/%c", 'a'+n)
	}
	return string(rune('a' + n))
}

// object makes an example of a struct: what it needs and, if whole, one of its alternatives.
func (m *Maker) object(k *Kind, name string, n int, whole bool) map[string]any {
	out := map[string]any{}
	s := k.schemas[name]
	if s == nil {
		return out
	}
	for _, field := range s.Required {
		out[field] = m.field(k, name, field, n)
	}
	for field, v := range m.Must[short(name)] {
		out[field] = copied(v)
	}
	if whole {
		for field, v := range m.Either[short(name)] {
			out[field] = copied(v)
		}
	}
	return out
}

func (m *Maker) field(k *Kind, of, field string, n int) any {
	if v := m.Values[short(of)+"."+field]; len(v) > 0 {
		return copied(v[n%len(v)])
	}
	return m.value(k, k.schemas[of].Properties[field], field, n)
}

// Object makes an object of the struct's kind in which the struct has the given fields, besides those that it needs.
func (m *Maker) Object(s Struct, namespace, name string, set map[string]any) *unstructured.Unstructured {
	root := m.object(s.Kind, s.Kind.root, 0, len(s.path) > 0)
	if spec := s.Kind.schemas[s.Kind.root].Properties["spec"]; spec != nil && root["spec"] == nil {
		root["spec"] = m.object(s.Kind, spec.ref(), 0, true)
	}
	at, of := root, s.Kind.root
	for i, p := range s.path {
		schema := s.Kind.schemas[of].Properties[p.field]
		for field := range m.Either[short(of)] {
			if field != p.field {
				delete(at, field)
			}
		}
		if p.item {
			of = schema.Items.ref()
			list, _ := at[p.field].([]any)
			if len(list) == 0 {
				list = []any{m.object(s.Kind, of, 0, i < len(s.path)-1)}
				at[p.field] = list
			}
			at = list[0].(map[string]any)
			continue
		}
		of = schema.ref()
		inner, _ := at[p.field].(map[string]any)
		if inner == nil {
			inner = m.object(s.Kind, of, 0, i < len(s.path)-1)
			at[p.field] = inner
		}
		at = inner
	}
	for field := range m.Either[short(of)] {
		if _, also := set[field]; also || !m.onlyLists(s, set) {
			delete(at, field)
		}
	}
	for field, v := range set {
		if list, ok := v.([]any); ok && set[field] != nil {
			if have, ok := at[field].([]any); ok && m.appends(s, field) {
				v = append(slices.Clone(have), list...)
			}
		}
		at[field] = v
	}
	root["apiVersion"], root["kind"] = s.Kind.APIVersion(), s.Kind.Kind
	meta, _ := root["metadata"].(map[string]any)
	if meta == nil {
		meta = map[string]any{}
		root["metadata"] = meta
	}
	if _, named := meta["name"]; !named {
		meta["name"] = name
	}
	if s.Kind.Namespaced {
		meta["namespace"] = namespace
	}
	raw, err := json.Marshal(root)
	if err != nil {
		panic(err) // values of YAML and of this package
	}
	u := &unstructured.Unstructured{}
	text := strings.NewReplacer("$NAME", name, "$NS", namespace).Replace(string(raw))
	if err := u.UnmarshalJSON([]byte(text)); err != nil {
		panic(err)
	}
	return u
}

// onlyLists tells whether none of the fields can be one of several alternatives.
func (m *Maker) onlyLists(s Struct, set map[string]any) bool {
	for field := range set {
		if !m.appends(s, field) {
			return false
		}
	}
	return len(set) > 0
}

func (m *Maker) appends(s Struct, field string) bool {
	t := s.Kind.schemas[s.Name].Properties[field].ListType
	return t == "map" || t == "set"
}

// At returns the value of the struct in an object.
func (s Struct) At(u *unstructured.Unstructured) map[string]any {
	at := u.Object
	for _, p := range s.path {
		next := at[p.field]
		if p.item {
			list, _ := next.([]any)
			if len(list) == 0 {
				return nil
			}
			next = list[0]
		}
		m, _ := next.(map[string]any)
		if m == nil {
			return nil
		}
		at = m
	}
	return at
}
