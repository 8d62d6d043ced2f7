// Package fields answers three questions about an object's metadata.managedFields: which fields one manager applied,
// what their values are (as a keyed digest), and who set a field that differs.
//
// The package is pure. It does not normalise values, compare an object with its manifest or decide what drift is:
// the server rewrites what it is sent, so only values the server returned are ever compared with each other.
package fields

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/value"
)

// Digest returns a keyed hash of set and of the values that u holds at its leaves, 22 characters. A path that u does
// not hold counts as absent, so that a removed field changes the digest. The whole value under a leaf counts: a leaf
// of managedFields may be an atomic list or map.
func Digest(key []byte, u *unstructured.Unstructured, set *fieldpath.Set) string {
	h := hmac.New(sha256.New, key)
	digest(h, u.Object, set)
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:16])
}

// MetadataDigest returns a keyed hash of what an object's metadata tells about the fields that manager applied: which
// they are (set, as Applied returns it), and the values of those in the metadata.
func MetadataDigest(key []byte, u metav1.Object, set *fieldpath.Set) string {
	owned, err := set.ToJSON() // canonical, unlike the bytes the server sends
	if err != nil {
		return ""
	}
	h := hmac.New(sha256.New, key)
	h.Write(owned)
	name := "metadata"
	if of, ok := set.Children.Get(fieldpath.PathElement{FieldName: &name}); ok {
		digest(h, map[string]any{"labels": anyMap(u.GetLabels()), "annotations": anyMap(u.GetAnnotations()),
			"finalizers": anyList(u.GetFinalizers()), "ownerReferences": anyList(u.GetOwnerReferences())}, of)
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:16])
}

// anyList returns what JSON makes of list.
func anyList[T any](list []T) any {
	if len(list) == 0 {
		return nil
	}
	raw, err := json.Marshal(list)
	var out []any
	if err != nil || json.Unmarshal(raw, &out) != nil {
		return fmt.Sprint(list)
	}
	return out
}

func anyMap(m map[string]string) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}

func digest(h hash.Hash, at any, set *fieldpath.Set) {
	set.Members.Iterate(func(pe fieldpath.PathElement) {
		if _, hasChildren := set.Children.Get(pe); hasChildren {
			return // the item itself ("."): told by its children, or by its key
		}
		io.WriteString(h, "="+pe.String()+"\x00")
		if v, ok := child(at, pe); ok {
			writeJSON(h, v)
		} else {
			h.Write([]byte{0})
		}
	})
	set.Children.Iterate(func(pe fieldpath.PathElement) {
		io.WriteString(h, ">"+pe.String()+"\x00")
		sub, _ := set.Children.Get(pe)
		v, _ := child(at, pe)
		digest(h, v, sub)
		h.Write([]byte("<"))
	})
}

func writeJSON(h hash.Hash, v any) {
	raw, err := json.Marshal(v) // sorts map keys; unstructured content always marshals
	if err != nil {
		raw = fmt.Appendf(nil, "%#v", v)
	}
	h.Write(raw)
}

// child resolves one path element: a map key, the list item with these key fields, a value of a set, or an index.
func child(at any, pe fieldpath.PathElement) (any, bool) {
	switch {
	case pe.FieldName != nil:
		m, ok := at.(map[string]any)
		if !ok {
			return nil, false
		}
		v, ok := m[*pe.FieldName]
		return v, ok
	case pe.Key != nil:
		list, _ := at.([]any)
		for _, item := range list {
			if matchesKey(item, *pe.Key) {
				return item, true
			}
		}
	case pe.Value != nil:
		list, _ := at.([]any)
		for _, item := range list {
			if value.Equals(value.NewValueInterface(item), *pe.Value) {
				return item, true
			}
		}
	case pe.Index != nil:
		if list, ok := at.([]any); ok && *pe.Index >= 0 && *pe.Index < len(list) {
			return list[*pe.Index], true
		}
	}
	return nil, false
}

func matchesKey(item any, key value.FieldList) bool {
	m, ok := item.(map[string]any)
	if !ok {
		return false
	}
	for _, f := range key {
		v, ok := m[f.Name]
		if !ok || !value.Equals(value.NewValueInterface(v), f.Value) {
			return false
		}
	}
	return true
}

// Difference is one field whose value differs between two states of an object. From or To is nil where the field is
// absent. Path is dotted, list items named by their key: spec.template.spec.containers[web].image.
type Difference struct {
	Path     string
	From, To any
	path     fieldpath.Path
}

// Diff lists the leaves of set whose values differ between before and after, in path order.
func Diff(before, after *unstructured.Unstructured, set *fieldpath.Set) []Difference {
	var out []Difference
	diff(before.Object, after.Object, set, nil, &out)
	return out
}

func diff(before, after any, set *fieldpath.Set, at fieldpath.Path, out *[]Difference) {
	set.Members.Iterate(func(pe fieldpath.PathElement) {
		if _, hasChildren := set.Children.Get(pe); hasChildren {
			return
		}
		b, inB := child(before, pe)
		a, inA := child(after, pe)
		if inA == inB && equal(a, b) {
			return
		}
		p := append(at.Copy(), pe)
		*out = append(*out, Difference{Path: Dotted(p), From: b, To: a, path: p})
	})
	set.Children.Iterate(func(pe fieldpath.PathElement) {
		sub, _ := set.Children.Get(pe)
		b, _ := child(before, pe)
		a, _ := child(after, pe)
		diff(b, a, sub, append(at.Copy(), pe), out)
	})
}

// equal tells whether two values are the same JSON.
func equal(a, b any) bool {
	switch x := a.(type) {
	case string, bool, int64, nil:
		if a == b {
			return true
		}
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for k, v := range x {
			if w, there := y[k]; !there || !equal(v, w) {
				return false
			}
		}
		return true
	case []any:
		y, ok := b.([]any)
		return ok && slices.EqualFunc(x, y, equal)
	}
	ra, errA := json.Marshal(a)
	rb, errB := json.Marshal(b)
	return errA == nil && errB == nil && bytes.Equal(ra, rb)
}

// Dotted writes a path as people do: names joined by dots, list items by their name or first key in brackets, a
// field name that holds a dot in brackets too.
func Dotted(p fieldpath.Path) string {
	var b bytes.Buffer
	for _, pe := range p {
		switch {
		case pe.FieldName != nil && bytes.ContainsAny([]byte(*pe.FieldName), "./"):
			fmt.Fprintf(&b, "[%s]", *pe.FieldName)
		case pe.FieldName != nil:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(*pe.FieldName)
		case pe.Key != nil:
			fmt.Fprintf(&b, "[%s]", keyText(*pe.Key))
		case pe.Value != nil:
			fmt.Fprintf(&b, "[%s]", value.ToString(*pe.Value))
		case pe.Index != nil:
			fmt.Fprintf(&b, "[%d]", *pe.Index)
		}
	}
	return b.String()
}

func keyText(key value.FieldList) string {
	for _, f := range key {
		if f.Name == "name" && f.Value.IsString() {
			return f.Value.AsString()
		}
	}
	var b bytes.Buffer
	for i, f := range key {
		if i > 0 {
			b.WriteByte(',')
		}
		if f.Value.IsString() {
			b.WriteString(f.Value.AsString())
		} else {
			b.WriteString(value.ToString(f.Value))
		}
	}
	return b.String()
}

// Holds tells whether set holds the field at path, or something below it.
func Holds(set *fieldpath.Set, path ...string) bool {
	var p fieldpath.Path
	for _, name := range path {
		p = append(p, fieldpath.PathElement{FieldName: &name})
	}
	return owns(set, p)
}

// owns tells whether set holds p, something below it, or an atomic parent of it.
func owns(set *fieldpath.Set, p fieldpath.Path) bool {
	for _, pe := range p {
		sub, ok := set.Children.Get(pe)
		if !ok {
			return set.Members.Has(pe)
		}
		set = sub
	}
	return true
}
