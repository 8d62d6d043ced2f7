package diff

import (
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/sealed"
)

// hide masks hidden values in two states of one object. Where a text of one state holds one, and that of the other state is
// another one, both are masked as a whole: the other one is the value that was there before, which nobody may see either.
func hide(before, after *unstructured.Unstructured, hidden *sealed.Values) (b, a *unstructured.Unstructured) {
	b, a = hidden.Object(before), hidden.Object(after)
	if before == nil || after == nil || b == before && a == after {
		return b, a
	}
	b, a = b.DeepCopy(), a.DeepCopy()
	markPair(before.Object, after.Object, b.Object, a.Object)
	return b, a
}

// markPair compares two values, and masks in their copies, where hidden values are masked already, what differs in one.
func markPair(before, after, b, a any) {
	switch before := before.(type) {
	case map[string]any:
		after, _ := after.(map[string]any)
		b, _ := b.(map[string]any)
		a, _ := a.(map[string]any)
		for key, value := range before {
			other, both := after[key]
			mb, isThere := b[key]
			ma, isThereToo := a[key]
			switch {
			case !both || !isThere || !isThereToo:
			case isPair(value, other, mb, ma):
				b[key], a[key] = maskedBefore, maskedAfter
			default:
				markPair(value, other, mb, ma)
			}
		}
	case []any:
		after, _ := after.([]any)
		b, _ := b.([]any)
		a, _ := a.([]any)
		for i, value := range before {
			j := indexOf(value, i, after)
			switch {
			case j < 0 || i >= len(b) || j >= len(a):
			case isPair(value, after[j], b[i], a[j]):
				b[i], a[j] = maskedBefore, maskedAfter
			default:
				markPair(value, after[j], b[i], a[j])
			}
		}
	}
}

// isPair tells whether two values are texts that differ, of which one holds a hidden value.
func isPair(before, after, b, a any) bool {
	bt, bok := before.(string)
	at, aok := after.(string)
	return bok && aok && bt != at && (b != bt || a != at)
}

// indexOf finds the item of a list that belongs to item i of another one: that of its name, or else the one at its place. It is -1
// when there is none.
func indexOf(item any, i int, list []any) int {
	name := nameOf(item)
	if name == "" {
		if i < len(list) {
			return i
		}
		return -1
	}
	return slices.IndexFunc(list, func(other any) bool { return nameOf(other) == name })
}

func nameOf(item any) string {
	m, _ := item.(map[string]any)
	name, _ := m["name"].(string)
	return name
}

// HideBefore returns before with each text masked that after does not have at the same place. What it held is not known any more. What
// identifies an object stays as it is. after is nil when the object goes.
func HideBefore(before, after *unstructured.Unstructured) *unstructured.Unstructured {
	if before == nil {
		return nil
	}
	now := map[string]any{}
	if after != nil {
		now = after.Object
	}
	out := map[string]any{}
	for key, value := range before.Object {
		switch key {
		case "apiVersion", "kind", "status":
			out[key] = value
		case "metadata":
			metadata, _ := value.(map[string]any)
			metadata = maps.Clone(metadata)
			other, _ := now[key].(map[string]any)
			for _, field := range []string{"annotations", "labels"} {
				if old, is := metadata[field]; is {
					metadata[field] = hideBefore(old, other[field])
				}
			}
			out[key] = metadata
		default:
			out[key] = hideBefore(value, now[key])
		}
	}
	return &unstructured.Unstructured{Object: out}
}

func hideBefore(before, after any) any {
	switch before := before.(type) {
	case map[string]any:
		after, _ := after.(map[string]any)
		out := make(map[string]any, len(before))
		for key, value := range before {
			out[key] = hideBefore(value, after[key])
		}
		return out
	case []any:
		after, _ := after.([]any)
		out := make([]any, len(before))
		for i, value := range before {
			var other any
			if j := indexOf(value, i, after); j >= 0 {
				other = after[j]
			}
			out[i] = hideBefore(value, other)
		}
		return out
	case string:
		if before != after {
			return sealed.Mask
		}
	}
	return before
}
