package fields

import (
	"maps"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/value"
)

// Pointer splits a JSON pointer (RFC 6901) into its segments.
func Pointer(text string) []string {
	var out []string
	for s := range strings.SplitSeq(strings.TrimPrefix(text, "/"), "/") {
		out = append(out, strings.NewReplacer("~1", "/", "~0", "~").Replace(s))
	}
	return out
}

// Select returns the part of set at or below the pointers. The segment "*" stands for any one element; an element of a
// list is named by its index in u, its name, or another of its keys. Where the server tracks a list or map as a whole,
// a pointer into it selects the whole.
func Select(u *unstructured.Unstructured, set *fieldpath.Set, pointers []string) *fieldpath.Set {
	out := fieldpath.NewSet()
	for _, p := range pointers {
		out = out.Union(selected(u.Object, set, Pointer(p)))
	}
	return out
}

func selected(at any, set *fieldpath.Set, segments []string) *fieldpath.Set {
	out := fieldpath.NewSet()
	set.Members.Iterate(func(pe fieldpath.PathElement) {
		_, below := set.Children.Get(pe)
		if named(at, pe, segments[0]) && (len(segments) == 1 || !below) {
			out.Members.Insert(pe)
		}
	})
	set.Children.Iterate(func(pe fieldpath.PathElement) {
		if !named(at, pe, segments[0]) {
			return
		}
		sub, _ := set.Children.Get(pe)
		if len(segments) > 1 {
			v, _ := child(at, pe)
			sub = selected(v, sub, segments[1:])
		}
		if !sub.Empty() {
			*out.Children.Descend(pe) = *sub
		}
	})
	return out
}

func named(at any, pe fieldpath.PathElement, segment string) bool {
	if segment == "*" {
		return true
	}
	if list, ok := at.([]any); ok {
		if i, err := strconv.Atoi(segment); err == nil && i >= 0 && i < len(list) {
			v, ok := child(at, pe)
			return ok && equal(v, list[i])
		}
	}
	switch {
	case pe.FieldName != nil:
		return *pe.FieldName == segment
	case pe.Key != nil:
		for _, f := range *pe.Key {
			if f.Value.IsString() && f.Value.AsString() == segment {
				return true
			}
		}
	case pe.Value != nil:
		return (*pe.Value).IsString() && (*pe.Value).AsString() == segment
	}
	return false
}

// Extract returns the values that u holds at set, with the keys of the list items they are in: what a manager sends to
// own these fields as they are.
func Extract(u *unstructured.Unstructured, set *fieldpath.Set) map[string]any {
	out, _ := extract(u.Object, set).(map[string]any)
	return out
}

func extract(at any, set *fieldpath.Set) any {
	var object map[string]any
	var list []any
	put := func(pe fieldpath.PathElement, v any) {
		switch {
		case pe.FieldName != nil:
			if object == nil {
				object = map[string]any{}
			}
			object[*pe.FieldName] = v
		default:
			list = append(list, v)
		}
	}
	set.Members.Iterate(func(pe fieldpath.PathElement) {
		if _, below := set.Children.Get(pe); below {
			return
		}
		if v, ok := child(at, pe); ok {
			put(pe, v)
		}
	})
	set.Children.Iterate(func(pe fieldpath.PathElement) {
		v, ok := child(at, pe)
		if !ok {
			return
		}
		sub, _ := set.Children.Get(pe)
		inner := extract(v, sub)
		if pe.Key != nil {
			item, _ := inner.(map[string]any)
			if item == nil {
				item = map[string]any{}
			}
			for _, f := range *pe.Key {
				item[f.Name] = f.Value.Unstructured()
			}
			inner = item
		}
		if inner != nil {
			put(pe, inner)
		}
	})
	if object != nil {
		return object
	}
	if list != nil {
		return list
	}
	return nil
}

// Remove takes the leaves of set out of object, but leaves the keys of list items.
func Remove(object map[string]any, set *fieldpath.Set) {
	remove(object, set, nil)
}

func remove(at any, set *fieldpath.Set, key *value.FieldList) any {
	set.Children.Iterate(func(pe fieldpath.PathElement) {
		sub, _ := set.Children.Get(pe)
		if v, ok := loosely(at, pe); ok {
			left := remove(v, sub, pe.Key)
			if m, isMap := at.(map[string]any); isMap && pe.FieldName != nil {
				m[*pe.FieldName] = left
			}
		}
	})
	set.Members.Iterate(func(pe fieldpath.PathElement) {
		if _, below := set.Children.Get(pe); below {
			return
		}
		switch v := at.(type) {
		case map[string]any:
			if pe.FieldName != nil && !isKey(key, *pe.FieldName) {
				delete(v, *pe.FieldName)
			}
		case []any:
			if item, ok := loosely(at, pe); ok {
				at = without(v, item)
			}
		}
	})
	return at
}

func without(list []any, item any) []any {
	out := make([]any, 0, len(list))
	for _, v := range list {
		if !equal(v, item) {
			out = append(out, v)
		}
	}
	return out
}

func isKey(key *value.FieldList, name string) bool {
	if key == nil {
		return false
	}
	for _, f := range *key {
		if f.Name == name {
			return true
		}
	}
	return false
}

// loosely is child for a manifest, whose list items may lack the parts of their key that the server fills in.
func loosely(at any, pe fieldpath.PathElement) (any, bool) {
	if v, ok := child(at, pe); ok || pe.Key == nil {
		return v, ok
	}
	list, _ := at.([]any)
	for _, item := range list {
		m, ok := item.(map[string]any)
		if !ok {
			continue
		}
		full := maps.Clone(m)
		for _, f := range *pe.Key {
			if _, set := full[f.Name]; !set {
				full[f.Name] = f.Value.Unstructured()
			}
		}
		if matchesKey(full, *pe.Key) {
			return item, true
		}
	}
	return nil, false
}
