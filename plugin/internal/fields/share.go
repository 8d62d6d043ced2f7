package fields

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// invented is the owner of every field that the server makes up when an object without managedFields is applied.
const invented = "before-first-apply"

// SoleOwner returns the managedFields of live without the share that people's kubectl and the former managers have in
// the fields of the Apply entry of manager ours: what they created or applied once would otherwise stay when ours stops
// sending it. What only they own stays theirs. changed is false when there is nothing to take out.
func SoleOwner(live *unstructured.Unstructured, ours string, former ...string) (entries []metav1.ManagedFieldsEntry, changed bool, err error) {
	if !slices.ContainsFunc(rawEntries(live), func(e map[string]any) bool {
		return !is(e, ours) || e["operation"] == string(metav1.ManagedFieldsOperationUpdate)
	}) {
		return nil, false, nil // most objects are only ours
	}
	set, ok, err := Applied(live, ours)
	if err != nil || !ok {
		return nil, false, err
	}
	for _, e := range live.GetManagedFields() {
		if !byHand(e, ours) && !ownUpdate(e, ours) && (e.Subresource != "" || !slices.Contains(former, Today(e.Manager))) {
			entries = append(entries, e)
			continue
		}
		if e.Manager == invented {
			changed = true
			continue
		}
		theirs, err := decode(e)
		if err != nil {
			return nil, false, err
		}
		theirs = theirs.Leaves() // maps and items that are left empty would count as owned whole
		rest := theirs.Difference(set)
		if rest.Equals(theirs) {
			entries = append(entries, e)
			continue
		}
		changed = true
		if rest.Empty() {
			continue
		}
		raw, err := rest.ToJSON()
		if err != nil {
			return nil, false, fmt.Errorf("fields of %s: %w", e.Manager, err)
		}
		e.FieldsV1 = metav1.NewFieldsV1(string(raw))
		entries = append(entries, e)
	}
	return entries, changed, nil
}

// ownUpdate tells whether an entry comes from an update of ours: an object that was replaced.
func ownUpdate(e metav1.ManagedFieldsEntry, ours string) bool {
	return Today(e.Manager) == ours && e.Operation == metav1.ManagedFieldsOperationUpdate && e.Subresource == ""
}

// byHand tells whether an entry is of a person's kubectl, or was invented for it. What people declare with kubectl apply
// --server-side is theirs as well.
func byHand(e metav1.ManagedFieldsEntry, ours string) bool {
	name := Today(e.Manager)
	if e.Subresource != "" || name == ours {
		return false
	}
	applied := e.Operation == metav1.ManagedFieldsOperationApply && name != "kubectl" && name != "kubectl-last-applied"
	return !applied && (name == invented || person(name))
}

// person tells whether a field manager is a program with which people change objects: kubectl, or another terminal or
// browser.
func person(manager string) bool {
	switch manager {
	case "kubectl", "oc", "k9s", "Mozilla", "curl":
		return true
	}
	return strings.HasPrefix(manager, "kubectl-")
}
