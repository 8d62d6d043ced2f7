package sealed

import (
	"strconv"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Object returns u with the values masked in all of its texts and keys: u itself when it holds none.
func (v *Values) Object(u *unstructured.Unstructured) *unstructured.Unstructured {
	if v == nil || u == nil {
		return u
	}
	masked, changed := v.Any(u.Object)
	if !changed {
		return u
	}
	object, _ := masked.(map[string]any)
	return &unstructured.Unstructured{Object: object}
}

// Text returns the text by which a string or a number of JSON is recognised.
func Text(x any) string {
	switch x := x.(type) {
	case string:
		return x
	case int64:
		return strconv.FormatInt(x, 10)
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	}
	return ""
}

// Any returns a value of JSON with all texts, numbers and keys masked, and whether that changed anything. x is not changed.
func (v *Values) Any(x any) (any, bool) {
	if v == nil {
		return x, false
	}
	switch x := x.(type) {
	case string:
		masked := v.Mask(x)
		return masked, masked != x
	case int64, float64:
		if v.In(Text(x)) {
			return Mask, true
		}
	case map[string]any:
		out, changed := make(map[string]any, len(x)), false
		for key, value := range x {
			name := v.Mask(key)
			inner, other := v.Any(value)
			out[name], changed = inner, changed || other || name != key
		}
		if !changed {
			return x, false
		}
		return out, true
	case []any:
		var out []any
		for i, value := range x {
			inner, changed := v.Any(value)
			if changed && out == nil {
				out = append(make([]any, 0, len(x)), x...)
			}
			if changed {
				out[i] = inner
			}
		}
		if out == nil {
			return x, false
		}
		return out, true
	}
	return x, false
}
