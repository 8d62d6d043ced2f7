package fields

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// rawEntries lists the entries of managedFields as they were decoded: GetManagedFields makes JSON of each again.
func rawEntries(u *unstructured.Unstructured) []map[string]any {
	meta, _ := u.Object["metadata"].(map[string]any)
	list, _ := meta["managedFields"].([]any)
	var out []map[string]any
	for _, e := range list {
		if m, ok := e.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

// fromMap reads a set from decoded fieldsV1, as fieldpath.Set.FromJSON does from its JSON. Path elements of a kind that
// we do not know are refused: the set would silently lack them.
func fromMap(fieldsV1 any) (*fieldpath.Set, error) {
	set := fieldpath.NewSet()
	m, ok := fieldsV1.(map[string]any)
	if !ok && fieldsV1 != nil {
		return nil, fmt.Errorf("a %T where fields are expected", fieldsV1)
	}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if name == "." {
			continue // says that the field itself is owned: its parent has taken note
		}
		pe, err := fieldpath.DeserializePathElement(name)
		if err != nil {
			return nil, fmt.Errorf("path element %q: %w", name, err)
		}
		sub, err := fromMap(m[name])
		if err != nil {
			return nil, err
		}
		below, _ := m[name].(map[string]any)
		if _, itself := below["."]; itself || sub.Empty() {
			set.Members.Insert(pe)
		}
		if !sub.Empty() {
			*set.Children.Descend(pe) = *sub
		}
	}
	return set, nil
}

func decode(e metav1.ManagedFieldsEntry) (*fieldpath.Set, error) {
	set := fieldpath.NewSet()
	if e.FieldsV1 == nil {
		return set, nil
	}
	raw := e.FieldsV1.GetRawBytes()
	if err := set.FromJSON(bytes.NewReader(raw)); err != nil {
		return nil, err
	}
	return set, knownElements(raw)
}

// knownElements refuses path elements of a kind that we do not know: the set would silently lack them.
func knownElements(raw []byte) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if name, ok := t.(string); ok && name != "." && !(len(name) > 1 && name[1] == ':' && strings.Contains("fkvi", name[:1])) {
			return fmt.Errorf("unknown path element %q", name)
		}
	}
}
