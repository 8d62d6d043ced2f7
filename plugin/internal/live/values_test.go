package live

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/fields"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/object"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/record"
)

// entry is the share of a field manager in data.
func entry(manager, operation, field string) metav1.ManagedFieldsEntry {
	return metav1.ManagedFieldsEntry{Manager: manager, Operation: metav1.ManagedFieldsOperationType(operation), APIVersion: "v1", FieldsType: "FieldsV1",
		FieldsV1: &metav1.FieldsV1{Raw: []byte(`{"f:metadata":{"f:labels":{"f:applyset.kubernetes.io/part-of":{}}},"f:data":{"f:` + field + `":{}}}`)}}
}

// read is an object whose values were read, with data a = value.
func read(value string, entries ...metav1.ManagedFieldsEntry) *unstructured.Unstructured {
	u := labelled("x", ourID)
	u.SetUID("u")
	u.SetResourceVersion("6")
	_ = unstructured.SetNestedField(u.Object, value, "data", "a")
	u.SetManagedFields(append([]metav1.ManagedFieldsEntry{entry(record.Manager, "Apply", "a")}, entries...))
	return u
}

func TestCompareValues(t *testing.T) {
	inv := record.NewInventory("shop")
	as := read("one")
	owned, _, err := fields.Applied(as, record.Manager)
	if err != nil {
		t.Fatal(err)
	}
	row := record.Row{Ref: configMap("x"), UID: "u", ResourceVersion: "5", Manifest: "m", Owned: fields.Digest(inv.Secret, as, owned), Metadata: MetadataDigest(inv, "", as)}
	taken := read("one")
	taken.SetManagedFields([]metav1.ManagedFieldsEntry{entry("somebody", "Update", "a")})
	beside := read("one", entry("kubectl-edit", "Update", "b"))
	_ = unstructured.SetNestedField(beside.Object, "x", "data", "b")
	counted := row
	counted.Group, counted.Kind.Kind, counted.Generation = "apps", "ConfigMap", 1
	meta := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Name: "x", Namespace: "shop", UID: "u", ResourceVersion: "9", Generation: 1,
		Labels: map[string]string{record.LabelPartOf: ourID}, ManagedFields: as.GetManagedFields()}}
	moved := meta.DeepCopy()
	moved.Generation = 2
	for _, test := range []struct {
		name    string
		row     record.Row
		live    metav1.Object
		foreign string
		want    State
	}{
		{"written since, with the same values", row, as, "", InSync},
		{"another value", row, read("two"), "", Drifted},
		{"our share was taken", row, taken, "", Drifted},
		{"more beside it", row, beside, "", InSync},
		{"more beside it, and the app takes that away", row, beside, record.ForeignRevert, Drifted},
		{"create-only, and changed", func() record.Row { r := row; r.CreateOnly = true; return r }(), read("two"), record.ForeignRevert, InSync},
		{"metadata only, of a kind that counts its changes", counted, meta, "", InSync},
		{"metadata only, and the count went on", counted, moved, "", NeedsRead},
		{"a Job that has run", record.Row{Ref: configMap("x"), UID: "u", Manifest: "m", Expires: true}, nil, "", InSync},
	} {
		t.Run(test.name, func(t *testing.T) {
			inv.ForeignFields = test.foreign
			s := New()
			if test.live != nil {
				s.Add(test.row.Ref.Kind, test.live)
			}
			if got := Compare(inv, test.row, s, ourID); got != test.want {
				t.Errorf("got %d, want %d", got, test.want)
			}
		})
	}
}

// After a restore from a backup versions tell nothing; where the values are right, they are taken over.
func TestStartOver(t *testing.T) {
	inv := record.NewInventory("shop")
	inv.Applied(record.Row{Ref: configMap("x"), UID: "u", ResourceVersion: "900", Manifest: "m"})
	inv.Applied(record.Row{Ref: configMap("y"), UID: "u", ResourceVersion: "901", Manifest: "m"})
	s := New()
	s.SetRewound()
	s.Add(configMaps, read("one"))
	StartOver(inv, s, ourID, map[object.Key]State{object.KeyOf(configMap("x")): InSync, object.KeyOf(configMap("y")): Missing})
	x, _ := inv.Row(object.KeyOf(configMap("x")))
	y, _ := inv.Row(object.KeyOf(configMap("y")))
	if !s.IsRewound() || x.ResourceVersion != "6" || y.ResourceVersion != "901" {
		t.Errorf("%+v, %+v", x, y)
	}
}

func TestWhatIsListed(t *testing.T) {
	s, other := New(), configMaps
	other.Version = "v2"
	s.AddList(configMaps, []metav1.Object{labelled("x", ourID), labelled("y", "")}, map[Scope]string{{Kind: configMaps, Namespace: "shop"}: "7"})
	k := object.KeyOf(configMap("x"))
	if !s.IsListed(configMaps) || s.Object(k) == nil || s.Object(object.KeyOf(configMap("y"))) != nil {
		t.Error("members are listed, and nothing else")
	}
	if !s.Covers(configMaps, "shop") || s.Covers(configMaps, "other") || s.Served(configMaps) != configMaps || s.IsAbsent(configMaps) {
		t.Error("what the list covers")
	}
	s.SetServed(configMaps, other)
	s.SetAbsent(other)
	part := s.Part([]object.Key{k, object.KeyOf(configMap("z"))})
	if part.Served(configMaps) != other || !part.IsAbsent(other) || part.Object(k) == nil || part.Versions()[Scope{configMaps, "shop"}] != "7" {
		t.Error("a part has what the whole has")
	}
	if part.Drop(k); s.Object(k) == nil {
		t.Error("a part that is read into changes the whole")
	}
	meta := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Name: "m", Namespace: "shop", Labels: map[string]string{record.LabelPartOf: ourID}}}
	s.Add(configMaps, meta)
	if s.Unlist(configMaps); s.IsListed(configMaps) || s.Object(k) == nil {
		t.Error("what is known stays when more is listed")
	}
	if s.Forget(configMaps); s.Object(object.KeyOf(configMap("m"))) != nil || s.Object(k) == nil {
		t.Error("metadata may be a moment old, values were read")
	}
	end := New()
	if end.AddVersions(s); end.Versions()[Scope{configMaps, "shop"}] != "7" {
		t.Error("where a watch goes on")
	}
}

func TestBeside(t *testing.T) {
	two := read("one", entry("kubectl-edit", "Update", "b"))
	_ = unstructured.SetNestedField(two.Object, "x", "data", "b")
	_ = unstructured.SetNestedField(two.Object, "x", "data", "c")
	for want, u := range map[string]metav1.Object{"": read("one"), "not in Git: data.b, set by kubectl-edit, and 1 more": two} {
		if got := Unmanaged(u, nil); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	nobody := read("one")
	_ = unstructured.SetNestedField(nobody.Object, "x", "data", "c")
	if got := Unmanaged(nobody, nil); got != "not in Git: data.c, owned by nobody" {
		t.Errorf("got %q", got)
	}
	if Unmanaged(nil, nil) != "" || !AppliedByUs(read("one")) || AppliedByUs(labelled("x", ourID)) {
		t.Error("what is not there, and what is not ours")
	}
}
