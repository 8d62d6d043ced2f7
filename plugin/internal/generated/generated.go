// Package generated is about the values that a chart makes up anew in each render: where they are in an object, and how an object
// takes them from another one. Places are JSON pointers (RFC 6901) as package fields reads them: a list item that has a name is
// named by it, and any other one by its index.
//
// It does NOT render, and does not know which of two values is the right one.
package generated

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Shown stands in the place of a generated value where no cluster is asked: the next render would give another one.
const Shown = "(generated)"

// ShapeError says that two renders of an object differ in more than values, so that nothing can be kept.
type ShapeError struct{ Message string }

// Error implements error.
func (e *ShapeError) Error() string { return e.Message }

// Paths returns where two renders of one object hold different values, in the order of the object. It returns a *ShapeError when
// they are not the same object, or when a field, an item or a kind of value is in one of them only.
func Paths(a, b map[string]any) ([]string, error) {
	c := &comparison{}
	if err := c.maps(nil, a, b); err != nil {
		return nil, err
	}
	return c.found, nil
}

// comparison collects where two renders differ.
type comparison struct{ found []string }

func (c *comparison) values(at []string, a, b any) error {
	switch a := a.(type) {
	case map[string]any:
		if b, ok := b.(map[string]any); ok {
			return c.maps(at, a, b)
		}
	case []any:
		if b, ok := b.([]any); ok {
			return c.lists(at, a, b)
		}
	}
	switch {
	case reflect.DeepEqual(a, b):
	case !isScalar(a) || !isScalar(b):
		return shapeError(at, "is a mapping or a list in one render, and something else in another")
	case isIdentity(at):
		return shapeError(at, "is another one in each render, so no two renders have the same objects")
	default:
		c.found = append(c.found, pointer(at))
	}
	return nil
}

func (c *comparison) maps(at []string, a, b map[string]any) error {
	for _, key := range slices.Sorted(maps.Keys(b)) {
		if _, both := a[key]; !both {
			return shapeError(below(at, key), "is there in one render, and not in another")
		}
	}
	for _, key := range slices.Sorted(maps.Keys(a)) {
		inner, both := b[key]
		if !both {
			return shapeError(below(at, key), "is there in one render, and not in another")
		}
		if err := c.values(below(at, key), a[key], inner); err != nil {
			return err
		}
	}
	return nil
}

func (c *comparison) lists(at []string, a, b []any) error {
	if len(a) != len(b) {
		return shapeError(at, "is a list of %d in one render, and of %d in another", len(a), len(b))
	}
	for i := range a {
		name := nameOf(a[i])
		if name != nameOf(b[i]) {
			return shapeError(below(at, strconv.Itoa(i), "name"), "is another one in each render: a list item is known by its name")
		}
		if !tells(name, a) {
			name = strconv.Itoa(i)
		}
		if err := c.values(below(at, name), a[i], b[i]); err != nil {
			return err
		}
	}
	return nil
}

// tells reports whether a name stands for one item of a list. A number would be an index.
func tells(name string, list []any) bool {
	if _, err := strconv.Atoi(name); err == nil || name == "" || name == "*" {
		return false
	}
	n := 0
	for _, item := range list {
		if nameOf(item) == name {
			n++
		}
	}
	return n == 1
}

// isIdentity reports whether a field says which object it is.
func isIdentity(at []string) bool {
	switch strings.Join(at, "/") {
	case "apiVersion", "kind", "metadata/name", "metadata/namespace", "metadata/generateName":
		return true
	}
	return false
}

func isScalar(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return false
	}
	return true
}

func nameOf(item any) string {
	object, _ := item.(map[string]any)
	name, _ := object["name"].(string)
	return name
}

func shapeError(at []string, format string, args ...any) error {
	return &ShapeError{Message: strings.Join(at, ".") + " " + fmt.Sprintf(format, args...)}
}

// below returns the path of a field in at, which stays as it is.
func below(at []string, names ...string) []string {
	return append(slices.Clip(at), names...)
}

func pointer(at []string) string {
	var text strings.Builder
	for _, name := range at {
		text.WriteByte('/')
		text.WriteString(strings.NewReplacer("~", "~0", "/", "~1").Replace(name))
	}
	return text.String()
}

func segments(pointer string) []string {
	all := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i := range all {
		all[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(all[i])
	}
	return all
}

// Fill sets in object what from holds at the pointers. object keeps its own value where from has none, or one that is no scalar, and
// where an item of a list is meant by its index and the two lists differ in more than generated values: the index could mean
// another item there.
func Fill(object, from map[string]any, pointers []string) {
	for _, p := range pointers {
		path := segments(p)
		value, ok := at(from, path)
		if mine, have := at(object, path); ok && have && isScalar(value) && isScalar(mine) && sameItems(object, from, path, pointers) {
			set(object, path, value)
		}
	}
}

// sameItems reports whether each list that a place leads into by an index is the same list in both objects.
func sameItems(object, from map[string]any, path, pointers []string) bool {
	for i, name := range path {
		if _, err := strconv.Atoi(name); err != nil {
			continue
		}
		above, _ := at(object, path[:i])
		other, _ := at(from, path[:i])
		mine, isList := above.([]any)
		theirs, both := other.([]any)
		if isList != both || isList && !sameList(mine, theirs, pointer(path[:i]), pointers) {
			return false
		}
	}
	return true
}

// sameList reports whether two lists at a place have the same scalars, apart from those at the pointers.
func sameList(a, b []any, place string, pointers []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if slices.Contains(pointers, place+"/"+strconv.Itoa(i)) {
			continue
		}
		if isScalar(a[i]) != isScalar(b[i]) || isScalar(a[i]) && !reflect.DeepEqual(a[i], b[i]) {
			return false
		}
	}
	return true
}

// Blank puts Shown in the place of the values that object has at the pointers.
func Blank(object map[string]any, pointers []string) {
	for _, p := range pointers {
		if value, ok := at(object, segments(p)); ok && isScalar(value) {
			set(object, segments(p), Shown)
		}
	}
}

// Texts returns the texts that object has at the pointers.
func Texts(object map[string]any, pointers []string) []string {
	var out []string
	for _, p := range pointers {
		if value, ok := at(object, segments(p)); ok {
			if text, is := value.(string); is {
				out = append(out, text)
			}
		}
	}
	return out
}

// Cut removes the values at the pointers, which must be in the order of Paths, from object.
func Cut(object map[string]any, pointers []string) {
	for _, p := range slices.Backward(pointers) { // the last item of a list first: indices stay right
		cut(object, segments(p))
	}
}

// at returns the value at a place.
func at(v any, path []string) (any, bool) {
	for _, name := range path {
		switch in := v.(type) {
		case map[string]any:
			inner, ok := in[name]
			if !ok {
				return nil, false
			}
			v = inner
		case []any:
			i := indexOf(in, name)
			if i < 0 {
				return nil, false
			}
			v = in[i]
		default:
			return nil, false
		}
	}
	return v, true
}

// set replaces the value at a place.
func set(object map[string]any, path []string, value any) {
	holder, ok := at(object, path[:len(path)-1])
	if !ok {
		return
	}
	last := path[len(path)-1]
	switch in := holder.(type) {
	case map[string]any:
		in[last] = value
	case []any:
		if i := indexOf(in, last); i >= 0 {
			in[i] = value
		}
	}
}

// cut removes the value at a place. A list keeps its other items.
func cut(v any, path []string) any {
	switch in := v.(type) {
	case map[string]any:
		inner, ok := in[path[0]]
		switch {
		case !ok:
		case len(path) == 1:
			delete(in, path[0])
		default:
			in[path[0]] = cut(inner, path[1:])
		}
	case []any:
		i := indexOf(in, path[0])
		switch {
		case i < 0:
		case len(path) == 1:
			return slices.Delete(in, i, i+1)
		default:
			in[i] = cut(in[i], path[1:])
		}
	}
	return v
}

// indexOf finds the item of a list by its index or its name, -1 when there is none.
func indexOf(list []any, name string) int {
	if i, err := strconv.Atoi(name); err == nil {
		if i < 0 || i >= len(list) {
			return -1
		}
		return i
	}
	return slices.IndexFunc(list, func(item any) bool { return nameOf(item) == name })
}
