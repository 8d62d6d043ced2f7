package fields

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// Put sets what live holds at set in object, with the maps and list items that it takes.
func Put(object map[string]any, live *unstructured.Unstructured, set *fieldpath.Set) {
	put(object, live.Object, set)
}

func put(at, from any, set *fieldpath.Set) any {
	set.Members.Iterate(func(pe fieldpath.PathElement) {
		if _, below := set.Children.Get(pe); below {
			return
		}
		if v, ok := child(from, pe); ok {
			at = with(at, pe, v)
		}
	})
	set.Children.Iterate(func(pe fieldpath.PathElement) {
		source, ok := child(from, pe)
		if !ok {
			return
		}
		sub, _ := set.Children.Get(pe)
		below, there := loosely(at, pe)
		if !there {
			below = emptyLike(source, pe)
		}
		at = with(at, pe, put(below, source, sub))
	})
	return at
}

// emptyLike is what a new list item or map begins as: with its key, when it has one.
func emptyLike(source any, pe fieldpath.PathElement) any {
	if _, isList := source.([]any); isList {
		return []any{}
	}
	item := map[string]any{}
	if pe.Key != nil {
		for _, f := range *pe.Key {
			item[f.Name] = f.Value.Unstructured()
		}
	}
	return item
}

// with returns at with a value at one path element.
func with(at any, pe fieldpath.PathElement, v any) any {
	if pe.FieldName != nil {
		object, _ := at.(map[string]any)
		if object == nil {
			object = map[string]any{}
		}
		object[*pe.FieldName] = v
		return object
	}
	list, _ := at.([]any)
	old, there := loosely(at, pe)
	for i, item := range list {
		if there && equal(item, old) {
			list[i] = v
			return list
		}
	}
	return append(list, v)
}
