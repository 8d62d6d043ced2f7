package apply

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
)

// unconverted reads the answer to a manifest with a value that the server cannot read, such as half a replica or a memory of
// 1GB. The answer does not say where the value is, so unconverted names every place of the manifest that fits.
func unconverted(message string, manifest map[string]any) []mismatch {
	_, why, _ := strings.Cut(message, ") to ")
	_, why, _ = strings.Cut(why, ": ")
	if rest, ok := strings.CutPrefix(why, "unable to convert unstructured object to "); ok {
		_, why, _ = strings.Cut(rest, ": ")
	}
	var out []mismatch
	switch {
	case strings.HasPrefix(why, "cannot convert float64 to int"):
		out = places(manifest, nil, func(_ []any, v any) bool { f, isFloat := v.(float64); return isFloat && f != math.Trunc(f) },
			"must be a whole number", "write it without a fraction")
	case strings.HasPrefix(why, "quantities must match"):
		out = places(manifest, nil, badQuantity, "is not a quantity", "write a number with a suffix such as m, Ki, Mi or Gi: 500m, 1Gi")
	}
	if len(out) > 0 {
		return out
	}
	why, _, _ = strings.Cut(why, "\n")
	return []mismatch{{text: "cannot be read: " + cmp.Or(why, "a value has the wrong form")}}
}

// places returns the values below at for which fits is true, in the order of their paths.
func places(at any, path []any, fits func(path []any, v any) bool, text, advice string) []mismatch {
	var out []mismatch
	switch v := at.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			out = append(out, places(v[name], append(slices.Clip(path), name), fits, text, advice)...)
		}
	case []any:
		for i, item := range v {
			out = append(out, places(item, append(slices.Clip(path), i), fits, text, advice)...)
		}
	default:
		if fits(path, at) {
			out = append(out, mismatch{path: path, at: spelt(path), value: at, text: text, advice: advice})
		}
	}
	return out
}

// badQuantity reports whether a value lies where the API has quantities, and is none.
func badQuantity(path []any, v any) bool {
	if len(path) < 2 {
		return false
	}
	name, _ := path[len(path)-1].(string)
	in, _ := path[len(path)-2].(string)
	if !slices.Contains([]string{"limits", "requests", "hard", "capacity", "overhead", "podFixed", "min", "max", "default", "defaultRequest"}, in) &&
		!slices.Contains([]string{"storage", "sizeLimit", "divisor", "averageValue"}, name) {
		return false
	}
	_, err := resource.ParseQuantity(fmt.Sprint(v))
	return err != nil
}
