package live

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// share is what a manager owns, as managedFields has it.
func share(manager, operation, fieldsV1 string) metav1.ManagedFieldsEntry {
	return metav1.ManagedFieldsEntry{Manager: manager, Operation: metav1.ManagedFieldsOperationType(operation), APIVersion: "v1", FieldsType: "FieldsV1",
		FieldsV1: &metav1.FieldsV1{Raw: []byte(fieldsV1)}}
}

func TestAGeneratedValueIsNoDrift(t *testing.T) {
	const ours = `{"f:data":{"f:password":{},"f:level":{},"f:args":{}},"f:metadata":{"f:labels":{"f:applyset.kubernetes.io/part-of":{}},"f:annotations":{"f:checksum":{}}}}`
	secret := func(password, level, checksum string, shares ...metav1.ManagedFieldsEntry) *unstructured.Unstructured {
		u := labelled("x", ourID)
		u.SetUID("u")
		u.SetResourceVersion("6")
		data := map[string]any{"level": level, "args": []any{"-v", password}}
		if password != "" {
			data["password"] = password
		}
		u.Object["data"] = data
		u.SetAnnotations(map[string]string{"checksum": checksum})
		if len(shares) == 0 {
			shares = append(shares, share(record.Manager, "Apply", ours))
		}
		u.SetManagedFields(shares)
		return u
	}
	inv := record.NewInventory("shop")
	id := configMap("x").ID()
	inv.NoteGenerated(id, []string{"/data/password", "/metadata/annotations/checksum"})
	as := secret("one", "info", "1")
	row := record.Row{Ref: configMap("x"), UID: "u", ResourceVersion: "5", Manifest: "m", Owned: OwnedDigest(inv, id, as), Metadata: MetadataDigest(inv, id, as)}
	const others = `{"f:data":{"f:level":{},"f:args":{}},"f:metadata":{"f:labels":{"f:applyset.kubernetes.io/part-of":{}},"f:annotations":{"f:checksum":{}}}}`
	for _, c := range []struct {
		name string
		live *unstructured.Unstructured
		want State
	}{
		{"as applied", as, InSync},
		{"another annotation", secret("one", "info", "2"), InSync},
		{"set by somebody else, who owns it now", secretWithArgs(secret("two", "info", "1", share(record.Manager, "Apply", others), share("kubectl-patch", "Update", `{"f:data":{"f:password":{}}}`)), "one"), InSync},
		{"taken away", secretWithArgs(secret("", "info", "1", share(record.Manager, "Apply", others)), "one"), Drifted},
		{"another value of Git beside it", secret("one", "debug", "1"), Drifted},
		{"a list that is tracked as a whole", secretWithArgs(secret("one", "info", "1"), "two"), Drifted},
	} {
		s := New()
		s.Add(configMap("x").Kind, c.live)
		if got := Compare(inv, row, s, ourID); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}

	meta := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Name: "x", Namespace: "shop", UID: "u", ResourceVersion: "9",
		Labels: as.GetLabels(), Annotations: map[string]string{"checksum": "2"}, ManagedFields: as.GetManagedFields()}}
	if MetadataDigest(inv, id, meta) != row.Metadata {
		t.Error("another annotation changes the digest of metadata")
	}
	if meta.Annotations["checksum"] != "2" {
		t.Error("the object has changed")
	}
	meta.Annotations = nil
	meta.ManagedFields = []metav1.ManagedFieldsEntry{share(record.Manager, "Apply", `{"f:data":{"f:password":{},"f:level":{},"f:args":{}}}`)}
	if MetadataDigest(inv, id, meta) == row.Metadata {
		t.Error("an annotation that is taken away does not change the digest of metadata")
	}

	patched := secret("two", "info", "1", share(record.Manager, "Apply", others), share("kubectl-patch", "Update", `{"f:data":{"f:password":{},"f:more":{}}}`))
	if err := unstructured.SetNestedField(patched.Object, "x", "data", "more"); err != nil {
		t.Fatal(err)
	}
	if got := Unmanaged(patched, inv.Generated[id]); got != "not in Git: data.more, set by kubectl-patch" {
		t.Errorf("unmanaged: %q", got)
	}
	if inv.NoteGenerated(id, nil); inv.Generated[id] != nil {
		t.Error("they are not forgotten")
	}
}

func secretWithArgs(u *unstructured.Unstructured, arg string) *unstructured.Unstructured {
	_ = unstructured.SetNestedSlice(u.Object, []any{"-v", arg}, "data", "args")
	return u
}
