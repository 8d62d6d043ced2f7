package fields

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// Applied returns the fields that manager owns in u by server-side apply, and false when it applied none. Entries of
// the manager for a subresource, or by Update, are other owners and do not count. What it owns under the name that it had
// in an earlier version counts.
func Applied(u metav1.Object, manager string) (*fieldpath.Set, bool, error) {
	set, ok, err := applied(u, manager)
	if err != nil {
		return nil, false, fmt.Errorf("managedFields of %s: %w", manager, err)
	}
	return set, ok, nil
}

func applied(u metav1.Object, manager string) (*fieldpath.Set, bool, error) {
	var all *fieldpath.Set
	add := func(set *fieldpath.Set, err error) error {
		if err == nil && all != nil {
			set = all.Union(set)
		}
		all = set
		return err
	}
	if whole, ok := u.(*unstructured.Unstructured); ok {
		for _, e := range rawEntries(whole) {
			if is(e, manager) && e["operation"] == string(metav1.ManagedFieldsOperationApply) && (e["subresource"] == nil || e["subresource"] == "") {
				if err := add(fromMap(e["fieldsV1"])); err != nil {
					return nil, false, err
				}
			}
		}
		return all, all != nil, nil
	}
	for _, e := range u.GetManagedFields() {
		if Today(e.Manager) == manager && e.Operation == metav1.ManagedFieldsOperationApply && e.Subresource == "" {
			if err := add(decode(e)); err != nil {
				return nil, false, err
			}
		}
	}
	return all, all != nil, nil
}

// is tells whether an entry as it was decoded is manager's.
func is(entry map[string]any, manager string) bool {
	name, _ := entry["manager"].(string)
	return Today(name) == manager
}

// OfAnybody returns the fields of u that any manager owns, apart from those of its status. What cannot be read is left out.
func OfAnybody(u metav1.Object) *fieldpath.Set {
	out := fieldpath.NewSet()
	if whole, ok := u.(*unstructured.Unstructured); ok {
		for _, e := range rawEntries(whole) {
			if set, err := fromMap(e["fieldsV1"]); err == nil && e["subresource"] != "status" {
				out = out.Union(set)
			}
		}
		return out
	}
	for _, e := range u.GetManagedFields() {
		if set, err := decode(e); err == nil && e.Subresource != "status" {
			out = out.Union(set)
		}
	}
	return out
}

// OwnedBy returns the fields of u that the managers own, whatever they wrote them with.
func OwnedBy(u *unstructured.Unstructured, managers []string) *fieldpath.Set {
	out := fieldpath.NewSet()
	for _, e := range rawEntries(u) {
		for _, m := range managers {
			if set, err := fromMap(e["fieldsV1"]); is(e, m) && err == nil && e["subresource"] != "status" {
				out = out.Union(set)
			}
		}
	}
	return out
}
