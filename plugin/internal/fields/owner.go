package fields

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// Owner is one entry of managedFields: who, how and when.
type Owner struct {
	Manager, Operation, Subresource string
	Time                            time.Time
}

// SetBy tells who set the value that live holds at d: the newest owner of the field other than our Apply entry. It is
// nil when nobody owns it, as after a removal: managedFields do not remember who removes a field.
func SetBy(live *unstructured.Unstructured, d Difference, ours string) *Owner {
	var newest *Owner
	for _, e := range live.GetManagedFields() {
		if Today(e.Manager) == ours && e.Operation == metav1.ManagedFieldsOperationApply && e.Subresource == "" {
			continue
		}
		set, err := decode(e)
		if err != nil || !owns(set, d.path) {
			continue
		}
		o := Owner{Manager: Today(e.Manager), Operation: string(e.Operation), Subresource: e.Subresource}
		if e.Time != nil {
			o.Time = e.Time.Time
		}
		if newest == nil || o.Time.After(newest.Time) {
			newest = &o
		}
	}
	return newest
}

// Newest returns the manager other than our Apply entry that wrote more than metadata or status last, nil when there
// is none. The server keeps no time for writers of the scale subresource: they count when nobody else does.
func Newest(live metav1.Object, ours string) *Owner {
	var newest *Owner
	for _, e := range live.GetManagedFields() {
		set, err := decode(e)
		if Today(e.Manager) == ours || (e.Subresource != "" && e.Subresource != "scale") || err != nil || !beyondMetadata(set) {
			continue
		}
		o := Owner{Manager: Today(e.Manager), Operation: string(e.Operation), Subresource: e.Subresource}
		if e.Time != nil {
			o.Time = e.Time.Time
		}
		if newest == nil || o.Time.After(newest.Time) {
			newest = &o
		}
	}
	return newest
}

func beyondMetadata(set *fieldpath.Set) bool {
	found := false
	each := func(pe fieldpath.PathElement) {
		found = found || pe.FieldName != nil && *pe.FieldName != "metadata" && *pe.FieldName != "status"
	}
	set.Members.Iterate(each)
	set.Children.Iterate(each)
	return found
}
