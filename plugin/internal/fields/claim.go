package fields

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// Claim returns the managedFields of live with the leftovers as ours, and as nobody else's: as if we had applied them.
// The next apply takes away what its owner applied before and does not send any more, in the same write.
func Claim(live *unstructured.Unstructured, oursIs, apiVersion string, now time.Time, leftovers []Leftover) ([]metav1.ManagedFieldsEntry, error) {
	claimed := fieldpath.NewSet()
	for _, l := range leftovers {
		claimed.Insert(l.path)
	}
	var out []metav1.ManagedFieldsEntry
	mine := metav1.ManagedFieldsEntry{Manager: oursIs, Operation: metav1.ManagedFieldsOperationApply, APIVersion: apiVersion,
		FieldsType: "FieldsV1", Time: &metav1.Time{Time: now}}
	all := claimed
	for _, e := range live.GetManagedFields() {
		set, err := decode(e)
		if err != nil {
			return nil, err
		}
		switch {
		case Today(e.Manager) == oursIs && e.Operation == metav1.ManagedFieldsOperationApply && e.Subresource == "":
			mine, all = e, all.Union(set)
			mine.Manager = oursIs
			continue
		case e.Subresource == "":
			less := set.RecursiveDifference(claimed)
			if less.Equals(set) {
				break
			}
			if less.Empty() {
				continue
			}
			if err := setFields(&e, less); err != nil {
				return nil, err
			}
		}
		out = append(out, e)
	}
	if err := setFields(&mine, all); err != nil {
		return nil, err
	}
	return append(out, mine), nil
}

func setFields(e *metav1.ManagedFieldsEntry, set *fieldpath.Set) error {
	raw, err := set.ToJSON()
	if err != nil {
		return fmt.Errorf("fields of %s: %w", e.Manager, err)
	}
	e.FieldsV1 = metav1.NewFieldsV1(string(raw))
	return nil
}

// AsApplied returns u with the fields that the manager owns by Update as fields that it applied: what a patch of a dry run
// shows is then told as what the apply would do.
func AsApplied(u *unstructured.Unstructured, manager string) (*unstructured.Unstructured, error) {
	all := fieldpath.NewSet()
	var mine *metav1.ManagedFieldsEntry
	var out []metav1.ManagedFieldsEntry
	for _, e := range u.GetManagedFields() {
		if Today(e.Manager) != manager || e.Subresource != "" {
			out = append(out, e)
			continue
		}
		set, err := decode(e)
		if err != nil {
			return nil, err
		}
		all = all.Union(set)
		if mine == nil || e.Operation == metav1.ManagedFieldsOperationApply {
			mine = &e
		}
	}
	if mine == nil {
		return u, nil
	}
	mine.Manager, mine.Operation = manager, metav1.ManagedFieldsOperationApply
	if err := setFields(mine, all); err != nil {
		return nil, err
	}
	u = u.DeepCopy()
	u.SetManagedFields(append(out, *mine))
	return u, nil
}
