package fields

import (
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// Extra is a field that somebody added beside those that our manager applied, which server-side apply never takes away.
type Extra struct {
	Path    string // as Dotted writes it
	Manager string // "" when nobody owns the field: somebody rewrote managedFields
}

// Beside lists what people added to live with kubectl, and the keys of data, labels and annotations that nobody owns
// any more. What controllers add is not told, nor is what the server fills in elsewhere: nobody owns defaults either.
// It is empty when ours has no entry.
func Beside(live *unstructured.Unstructured, ours string) []Extra {
	set, ok, err := Applied(live, ours)
	if !ok || err != nil {
		return nil
	}
	var out []Extra
	owned := set
	for _, e := range live.GetManagedFields() {
		theirs, err := decode(e)
		if err != nil {
			return nil
		}
		owned = owned.Union(theirs)
		if !byHand(e, ours) {
			continue
		}
		theirs.Leaves().Difference(set).Iterate(func(p fieldpath.Path) {
			if !owns(set, p) {
				out = append(out, Extra{Path: Dotted(p), Manager: e.Manager})
			}
		})
	}
	for _, names := range [][]string{{"data"}, {"metadata", "labels"}, {"metadata", "annotations"}} {
		var at fieldpath.Path
		for _, name := range names {
			at = append(at, fieldpath.PathElement{FieldName: &name})
		}
		keys, _, _ := unstructured.NestedMap(live.Object, names...)
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			if p := append(at.Copy(), fieldpath.PathElement{FieldName: &key}); !owns(owned, p) {
				out = append(out, Extra{Path: Dotted(p)})
			}
		}
	}
	return out
}
