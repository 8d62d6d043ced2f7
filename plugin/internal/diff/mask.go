package diff

import (
	"bytes"
	"encoding/base64"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/generated"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/sealed"
)

// MaskPair returns copies of two states of one object in which no value of a Secret can be read; other kinds are
// returned as they are. stringData is folded into data first, as the API server does. Each value of data then reads
// "***" when it is equal in both states or present in one only, else "*** (before)" and "*** (after)"; keys stay.
// So does each annotation that can repeat values (kubectl's last-applied one, and any that contains one of them) and
// each top-level field a Secret does not have, such as a misspelt stringData. What stands for a generated value stays. Values
// that hidden lists are masked in objects of every kind. Masking twice changes nothing.
func MaskPair(before, after *unstructured.Unstructured, hidden *sealed.Values) (b, a *unstructured.Unstructured) {
	if !isSecret(before) && !isSecret(after) {
		return hide(before, after, hidden)
	}
	v := &values{}
	v.collect(before)
	v.collect(after)
	b, a = fold(before), fold(after)
	for _, u := range []*unstructured.Unstructured{b, a} {
		for field := range object(u) {
			if !isPublic(field) {
				maskField(b, a, field)
			}
		}
	}
	maskAnnotations(b, a, v)
	return hide(b, a, hidden)
}

// fold copies a Secret with stringData merged into data. What is not a map of its own is kept for maskField.
func fold(u *unstructured.Unstructured) *unstructured.Unstructured {
	if u == nil {
		return nil
	}
	u = u.DeepCopy()
	plain, present := u.Object["stringData"]
	if !present {
		return u
	}
	delete(u.Object, "stringData")
	m, isMap := plain.(map[string]any)
	data, dataIsMap := u.Object["data"].(map[string]any)
	if u.Object["data"] == nil {
		data, dataIsMap = map[string]any{}, true
	}
	if plain == nil || isMap && len(m) == 0 {
		return u
	}
	if !isMap || !dataIsMap { // malformed: one opaque value
		u.Object["data"] = []any{u.Object["data"], plain}
		return u
	}
	for k, v := range m {
		if s, ok := v.(string); ok {
			v = base64.StdEncoding.EncodeToString([]byte(s))
		}
		data[k] = v
	}
	u.Object["data"] = data
	return u
}

// maskField masks each value of a map, or the field as a whole when it is no map in both states.
func maskField(b, a *unstructured.Unstructured, field string) {
	bm, bIsMap := mapOf(b, field)
	am, aIsMap := mapOf(a, field)
	if bIsMap && aIsMap {
		maskMaps(bm, am, func(string) bool { return true })
		return
	}
	maskMaps(object(b), object(a), func(k string) bool { return k == field })
}

// mapOf tells also whether the field may be treated as a map: it is one, or absent.
func mapOf(u *unstructured.Unstructured, field string) (map[string]any, bool) {
	v, present := object(u)[field]
	if !present || v == nil {
		return nil, true
	}
	m, ok := v.(map[string]any)
	return m, ok
}

// maskMaps masks the values of the keys that hide selects, in place.
func maskMaps(b, a map[string]any, hide func(key string) bool) {
	for k, bv := range b {
		if !hide(k) {
			continue
		}
		av, both := a[k]
		switch {
		case !both:
			b[k] = mask(bv, masked)
		case equal(bv, av):
			b[k], a[k] = mask(bv, masked), mask(av, masked)
		default:
			b[k], a[k] = mask(bv, maskedBefore), mask(av, maskedAfter)
		}
	}
	for k, av := range a {
		if _, both := b[k]; !both && hide(k) {
			a[k] = mask(av, masked)
		}
	}
}

// mask returns what is shown of a value: text, or that the value is generated, which is no value yet.
func mask(value any, text string) any {
	if value == generated.Shown {
		return value
	}
	return text
}

// equal compares what base64 texts stand for; other values as they are.
func equal(b, a any) bool {
	bs, bok := b.(string)
	as, aok := a.(string)
	if bok && aok {
		bd, berr := base64.StdEncoding.DecodeString(bs)
		ad, aerr := base64.StdEncoding.DecodeString(as)
		if berr == nil && aerr == nil {
			return bytes.Equal(bd, ad)
		}
	}
	return reflect.DeepEqual(b, a)
}

func maskAnnotations(b, a *unstructured.Unstructured, v *values) {
	bm, am := annotations(b), annotations(a)
	repeats := func(m map[string]any, k string) bool {
		s, ok := m[k].(string)
		return m[k] != nil && (!ok || v.in(s))
	}
	hide := map[string]bool{lastApplied: true}
	for _, m := range []map[string]any{bm, am} {
		for k := range m {
			hide[k] = hide[k] || repeats(bm, k) || repeats(am, k)
		}
	}
	maskMaps(bm, am, func(k string) bool { return hide[k] })
}

// MaskError removes every value of the Secrets from text: plain, base64, quoted, and line by line. Values of one or
// two characters are removed only where they stand alone, so that the rest stays readable.
func MaskError(text string, secrets ...*unstructured.Unstructured) string {
	v := &values{}
	for _, s := range secrets {
		v.collect(s)
	}
	return v.remove(text)
}

// telling is the length from which a value is taken for a secret wherever it turns up. Names of users and databases are
// shorter, and stand in other manifests for good reason.
const telling = 12

// Repeats tells whether u holds, in any of its texts, a value of one of the Secrets.
func Repeats(u *unstructured.Unstructured, secrets ...*unstructured.Unstructured) bool {
	v := &values{}
	for _, s := range secrets {
		v.collect(s)
	}
	return slices.ContainsFunc(leaves(u.Object, nil), func(text string) bool {
		return slices.ContainsFunc(v.spellings, func(s string) bool { return len(s) >= telling && strings.Contains(text, s) })
	})
}
