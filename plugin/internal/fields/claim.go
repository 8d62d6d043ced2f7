package fields

import (
	"fmt"
	"slices"
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

// AsApplied returns u as if manager had applied git: with one entry that owns what git says. A dry run by a patch shows the
// same object, but holds Git's fields, and the server's defaults beside them, to be updated.
func AsApplied(u, git *unstructured.Unstructured, manager string) (*unstructured.Unstructured, error) {
	var all []held
	var mine *metav1.ManagedFieldsEntry
	var out []metav1.ManagedFieldsEntry
	for _, e := range u.GetManagedFields() {
		set, err := decode(e)
		if err != nil {
			return nil, err
		}
		all = append(all, held{entry: &entry{}, below: set})
		switch {
		case Today(e.Manager) != manager || e.Subresource != "":
			out = append(out, e)
		case mine == nil || e.Operation == metav1.ManagedFieldsOperationApply:
			mine = &e
		}
	}
	if mine == nil {
		return u, nil
	}
	set := fieldpath.NewSet()
	for name, v := range git.Object {
		if pe := (fieldpath.PathElement{FieldName: &name}); name != "apiVersion" && name != "kind" {
			said(set, fieldpath.Path{pe}, v, into(all, pe))
		}
	}
	for _, name := range []string{"name", "namespace", "uid"} {
		set = set.Difference(fieldpath.NewSet(fieldpath.MakePathOrDie("metadata", name)))
	}
	mine.Manager, mine.Operation = manager, metav1.ManagedFieldsOperationApply
	if err := setFields(mine, set); err != nil {
		return nil, err
	}
	u = u.DeepCopy()
	u.SetManagedFields(append(out, *mine))
	return u, nil
}

// said adds to set what a value of Git says, as the server names it: items of lists by the keys that their owners know.
func said(set *fieldpath.Set, at fieldpath.Path, v any, list []held) {
	atomic := !slices.ContainsFunc(list, func(h held) bool { return !h.whole })
	names, isSet := keyNames(list)
	m, isMap := v.(map[string]any)
	items, isList := v.([]any)
	switch {
	case isMap && !atomic && len(m) > 0:
		for name, inner := range m {
			pe := fieldpath.PathElement{FieldName: &name}
			said(set, append(at.Copy(), pe), inner, into(list, pe))
		}
	case isList && (len(names) > 0 || isSet):
		for _, item := range items {
			pe, ok := knownAs(item, names, list)
			if !ok {
				continue
			}
			path := append(at.Copy(), pe)
			set.Insert(path)
			if len(names) > 0 {
				said(set, path, item, into(list, pe))
			}
		}
	default:
		set.Insert(at)
	}
}

// knownAs is the name of an item of Git as its owners know it: with the parts that the server filled in.
func knownAs(item any, names []string, list []held) (fieldpath.PathElement, bool) {
	var found *fieldpath.PathElement
	for _, h := range list {
		if h.below == nil {
			continue
		}
		each := func(pe fieldpath.PathElement) {
			if _, ok := loosely([]any{item}, pe); ok && pe.Key != nil && found == nil {
				found = &pe
			}
		}
		h.below.Members.Iterate(each)
		h.below.Children.Iterate(each)
	}
	if found != nil {
		return *found, true
	}
	return itemName(item, names)
}
