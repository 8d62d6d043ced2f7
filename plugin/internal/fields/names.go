package fields

import (
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// Today returns the name that a field manager has today. Ours were named otherwise in earlier versions, and objects that
// were not written since still hold that name: both names are one manager.
func Today(manager string) string {
	switch manager {
	case "kubectl-gitops", "kubectl-gitops-keeper", "kubectl-gitops-install":
		return manager[len("kubectl-"):]
	}
	return manager
}

// HasEarlierName tells whether u holds an entry of ours under the name of an earlier version.
func HasEarlierName(u metav1.Object) bool {
	if whole, ok := u.(*unstructured.Unstructured); ok {
		return slices.ContainsFunc(rawEntries(whole), func(e map[string]any) bool {
			name, _ := e["manager"].(string)
			return Today(name) != name && (e["subresource"] == nil || e["subresource"] == "")
		})
	}
	return slices.ContainsFunc(u.GetManagedFields(), hasEarlierName)
}

// hasEarlierName is HasEarlierName for one entry. We write no subresources: an entry for one is somebody else's, whatever
// it is called.
func hasEarlierName(e metav1.ManagedFieldsEntry) bool {
	return e.Subresource == "" && Today(e.Manager) != e.Manager
}

// AppliedAs returns the name under which u holds the Apply entry of manager: the earlier one where it has both.
func AppliedAs(u metav1.Object, manager string) string {
	for _, e := range u.GetManagedFields() {
		if e.Operation == metav1.ManagedFieldsOperationApply && hasEarlierName(e) && Today(e.Manager) == manager {
			return e.Manager
		}
	}
	return manager
}

// Renamed returns the managedFields of u with today's names for our managers, and nil when u holds no earlier name. Where
// both names have an entry, as after a rollback to an earlier version, one entry holds the fields of both.
func Renamed(u metav1.Object) ([]metav1.ManagedFieldsEntry, error) {
	if !HasEarlierName(u) {
		return nil, nil
	}
	var out []metav1.ManagedFieldsEntry
	for _, e := range u.GetManagedFields() {
		if e.Subresource == "" {
			e.Manager = Today(e.Manager)
		}
		twin := indexOf(out, e)
		if twin < 0 {
			out = append(out, e)
			continue
		}
		both, err := joined(out[twin], e)
		if err != nil {
			return nil, err
		}
		out[twin] = both
	}
	return out, nil
}

// indexOf finds the entry that the server takes for the same as e: it tells applies apart by their manager, and updates
// by version, too.
func indexOf(entries []metav1.ManagedFieldsEntry, e metav1.ManagedFieldsEntry) int {
	for i, o := range entries {
		if o.Manager == e.Manager && o.Operation == e.Operation && o.Subresource == e.Subresource &&
			(o.APIVersion == e.APIVersion || e.Operation == metav1.ManagedFieldsOperationApply) {
			return i
		}
	}
	return -1
}

// joined returns the newer of two entries of one manager, with the fields of both.
func joined(a, b metav1.ManagedFieldsEntry) (metav1.ManagedFieldsEntry, error) {
	if a.Time != nil && b.Time != nil && a.Time.Before(b.Time) {
		a, b = b, a
	}
	union := fieldpath.NewSet()
	for _, e := range []metav1.ManagedFieldsEntry{a, b} {
		set, err := decode(e)
		if err != nil {
			return a, fmt.Errorf("fields of %s: %w", e.Manager, err)
		}
		union = union.Union(set)
	}
	raw, err := union.ToJSON()
	if err != nil {
		return a, fmt.Errorf("fields of %s: %w", a.Manager, err)
	}
	a.FieldsV1 = metav1.NewFieldsV1(string(raw))
	return a, nil
}

// WithoutTwin returns u as it would be if the entries that manager has under its two names were one, and the one under
// the earlier name had just been applied: what only the other one holds goes.
func WithoutTwin(u *unstructured.Unstructured, manager string) (*unstructured.Unstructured, error) {
	applied, stale, others := fieldpath.NewSet(), fieldpath.NewSet(), fieldpath.NewSet()
	for _, e := range u.GetManagedFields() {
		set, err := decode(e)
		if err != nil {
			return nil, fmt.Errorf("fields of %s: %w", e.Manager, err)
		}
		switch {
		case e.Operation != metav1.ManagedFieldsOperationApply || e.Subresource != "" || Today(e.Manager) != manager:
			others = others.Union(set)
		case hasEarlierName(e):
			applied = set
		default:
			stale = set
		}
	}
	if stale = stale.Leaves().Difference(applied).Difference(others); stale.Empty() {
		return u, nil
	}
	u = u.DeepCopy()
	Remove(u.Object, stale)
	return u, nil
}
