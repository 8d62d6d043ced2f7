package diff

import "k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

const (
	lastApplied = "kubectl.kubernetes.io/last-applied-configuration"
	partOf      = "applyset.kubernetes.io/part-of"
)

// Normalize returns a copy of u without what servers and tools keep for themselves: managedFields, resourceVersion,
// uid, generation, creationTimestamp, selfLink, status, kubectl's last-applied annotation and the ApplySet part-of
// label. Annotations and labels that become empty go too. Nil stays nil.
func Normalize(u *unstructured.Unstructured) *unstructured.Unstructured {
	if u == nil {
		return nil
	}
	u = u.DeepCopy()
	delete(u.Object, "status")
	metadata, ok := u.Object["metadata"].(map[string]any)
	if !ok {
		return u
	}
	for _, field := range []string{"managedFields", "resourceVersion", "uid", "generation", "creationTimestamp", "selfLink"} {
		delete(metadata, field)
	}
	for field, key := range map[string]string{"annotations": lastApplied, "labels": partOf} {
		m, isMap := metadata[field].(map[string]any)
		if isMap {
			delete(m, key)
		}
		if v, present := metadata[field]; present && (v == nil || isMap && len(m) == 0) {
			delete(metadata, field)
		}
	}
	return u
}
