package live

import (
	"maps"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/fields"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/generated"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// OwnedDigest returns a digest of the fields that we own in u, "" when we own none. id is that of the object: the values that the record
// notes as generated count by whether they are there, whoever has set them.
func OwnedDigest(inv *record.Inventory, id string, u *unstructured.Unstructured) string {
	owned, ok, err := fields.Applied(u, record.Manager)
	if err != nil || !ok {
		return ""
	}
	if pointers := inv.Generated[id]; len(pointers) > 0 {
		there, values := inPlace(u, pointers)
		u, owned = u.DeepCopy(), owned.Union(values)
		generated.Blank(u.Object, there)
	}
	return fields.Digest(inv.Secret, u, owned)
}

// MetadataDigest returns a digest of what metadata says about the fields that we own in u, "" when we own none. Generated values count as
// in OwnedDigest.
func MetadataDigest(inv *record.Inventory, id string, u metav1.Object) string {
	owned, ok, err := fields.Applied(u, record.Manager)
	if err != nil || !ok {
		return ""
	}
	if pointers := inv.Generated[id]; len(pointers) > 0 {
		there, values := inPlace(u, pointers)
		u, owned = blankMetadata(u, there), owned.Union(values)
	}
	return fields.MetadataDigest(inv.Secret, u, owned)
}

// inPlace returns which of the pointers lead to a value of its own that somebody owns, and these values. A value in a list that the
// server tracks as a whole is none.
func inPlace(u metav1.Object, pointers []string) (there []string, values *fieldpath.Set) {
	whole, _ := u.(*unstructured.Unstructured)
	if whole == nil {
		whole = &unstructured.Unstructured{}
	}
	all, values := fields.OfAnybody(u), fieldpath.NewSet()
	for _, p := range pointers {
		exact := fieldpath.NewSet()
		fields.Select(whole, all, []string{p}).Iterate(func(path fieldpath.Path) {
			if len(path) == len(fields.Pointer(p)) {
				exact.Insert(path.Copy())
			}
		})
		if !exact.Empty() {
			there, values = append(there, p), values.Union(exact)
		}
	}
	return there, values
}

// blanked is an object with other annotations and labels.
type blanked struct {
	metav1.Object
	annotations, labels map[string]string
}

// GetAnnotations returns the other annotations.
func (b blanked) GetAnnotations() map[string]string { return b.annotations }

// GetLabels returns the other labels.
func (b blanked) GetLabels() map[string]string { return b.labels }

// GetManagedFields returns those of the object.
func (b blanked) GetManagedFields() []metav1.ManagedFieldsEntry { return b.Object.GetManagedFields() }

// blankMetadata returns u without the generated values in its metadata.
func blankMetadata(u metav1.Object, pointers []string) metav1.Object {
	b := blanked{u, maps.Clone(u.GetAnnotations()), maps.Clone(u.GetLabels())}
	for _, p := range pointers {
		path := fields.Pointer(p)
		if len(path) != 3 || path[0] != "metadata" {
			continue
		}
		for field, values := range map[string]map[string]string{"annotations": b.annotations, "labels": b.labels} {
			if _, ok := values[path[2]]; ok && path[1] == field {
				values[path[2]] = generated.Shown
			}
		}
	}
	return b
}

// isGenerated reports whether a field, as reports write its path, is at one of the pointers.
func isGenerated(path string, pointers []string) bool {
	path = strings.NewReplacer("[", ".", "]", "").Replace(path)
	for _, p := range pointers {
		if path == strings.Join(fields.Pointer(p), ".") {
			return true
		}
	}
	return false
}
