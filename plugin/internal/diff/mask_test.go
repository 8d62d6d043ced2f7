package diff_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/diff"
)

func newSecret(fields map[string]any) *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "s"}}}
	for k, v := range fields {
		u.Object[k] = v
	}
	return u
}

func encode(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func TestMaskPairComparesAfterFoldingStringData(t *testing.T) {
	type m = map[string]any
	for name, tt := range map[string]struct{ before, after, wantBefore, wantAfter m }{
		"equal, one as stringData": {
			m{"data": m{"a": encode("x")}}, m{"stringData": m{"a": "x"}},
			m{"data": m{"a": "***"}}, m{"data": m{"a": "***"}},
		},
		"changed": {
			m{"data": m{"a": encode("x")}}, m{"stringData": m{"a": "y"}},
			m{"data": m{"a": "*** (before)"}}, m{"data": m{"a": "*** (after)"}},
		},
		"stringData wins": {
			m{"data": m{"a": encode("x")}}, m{"data": m{"a": encode("y")}, "stringData": m{"a": "x"}},
			m{"data": m{"a": "***"}}, m{"data": m{"a": "***"}},
		},
		"keys added and removed": {
			m{"data": m{"a": encode("x")}}, m{"data": m{"b": encode("x")}},
			m{"data": m{"a": "***"}}, m{"data": m{"b": "***"}},
		},
		"data added": {m{}, m{"data": m{"b": encode("x")}}, m{}, m{"data": m{"b": "***"}}},
		"same bytes, other base64 line breaks": {
			m{"data": m{"a": "eHh4\neHh4"}}, m{"data": m{"a": "eHh4eHh4"}},
			m{"data": m{"a": "***"}}, m{"data": m{"a": "***"}},
		},
		"values that are no text": {
			m{"data": m{"a": int64(1234), "b": m{"c": "canary"}}}, m{"data": m{"a": int64(1234), "b": []any{"canary"}}},
			m{"data": m{"a": "***", "b": "*** (before)"}}, m{"data": m{"a": "***", "b": "*** (after)"}},
		},
		"data that is no map": {
			m{"data": "canary"}, m{"data": []any{"canary"}, "stringData": "canary"},
			m{"data": "*** (before)"}, m{"data": "*** (after)"},
		},
		"misspelt stringData": {
			m{"stringdata": m{"a": "canary"}}, m{"stringdata": m{"a": "canary2"}},
			m{"stringdata": m{"a": "*** (before)"}}, m{"stringdata": m{"a": "*** (after)"}},
		},
		"null data": {m{"data": nil}, m{"data": m{"a": "eA=="}}, m{"data": nil}, m{"data": m{"a": "***"}}},
	} {
		before, after := newSecret(tt.before), newSecret(tt.after)
		beforeCopy, afterCopy := before.DeepCopy(), after.DeepCopy()
		b, a := diff.MaskPair(before, after, nil)
		if !reflect.DeepEqual(before, beforeCopy) || !reflect.DeepEqual(after, afterCopy) {
			t.Errorf("%s: the arguments were changed", name)
		}
		if want := newSecret(tt.wantBefore); name != "null data" && !reflect.DeepEqual(b, want) {
			t.Errorf("%s: before\n%v, want\n%v", name, b, want)
		}
		if want := newSecret(tt.wantAfter); !reflect.DeepEqual(a, want) {
			t.Errorf("%s: after\n%v, want\n%v", name, a, want)
		}
		b2, a2 := diff.MaskPair(b, a, nil)
		if !reflect.DeepEqual(b, b2) || !reflect.DeepEqual(a, a2) {
			t.Errorf("%s: masking twice changes\n%v %v", name, b2, a2)
		}
	}
}

func TestMaskPairLeavesOtherKindsAlone(t *testing.T) {
	u := object(t, config)
	if b, a := diff.MaskPair(u, nil, nil); b != u || a != nil {
		t.Error(b, a)
	}
	sealed := newSecret(map[string]any{"data": map[string]any{"a": "x"}})
	sealed.SetAPIVersion("bitnami.com/v1alpha1")
	if b, _ := diff.MaskPair(sealed, nil, nil); b != sealed {
		t.Error("a Secret of another group was masked")
	}
}

// Whatever an annotation's name, a copy of a value in it is a copy of the value.
func TestAnnotationsThatRepeatValuesAreMasked(t *testing.T) {
	with := func(value string, annotations map[string]string) *unstructured.Unstructured {
		u := newSecret(map[string]any{"data": map[string]any{"a": encode(value)}})
		u.SetAnnotations(annotations)
		return u
	}
	b, a := diff.MaskPair(
		with("canary-one", map[string]string{
			"kubectl.kubernetes.io/last-applied-configuration": `{"data":{"a":"` + encode("canary-old") + `"}}`,
			"kapp.k14s.io/original":                            `{"stringData":{"a":"canary-one"}}`, "note": "old canary-old", "team": "payments",
		}),
		with("canary-two", map[string]string{
			"kubectl.kubernetes.io/last-applied-configuration": `{}`,
			"kapp.k14s.io/original":                            `{"stringData":{"a":"canary-one"}}`, "other": encode("canary-two"), "team": "platform",
		}), nil)
	want := [2]map[string]string{
		{"kubectl.kubernetes.io/last-applied-configuration": "*** (before)", "kapp.k14s.io/original": "***", "note": "***", "team": "payments"},
		{"kubectl.kubernetes.io/last-applied-configuration": "*** (after)", "kapp.k14s.io/original": "***", "other": "***", "team": "platform"},
	}
	if !reflect.DeepEqual(b.GetAnnotations(), want[0]) || !reflect.DeepEqual(a.GetAnnotations(), want[1]) {
		t.Errorf("%v\n%v", b.GetAnnotations(), a.GetAnnotations())
	}
}

func TestMaskError(t *testing.T) {
	s := newSecret(map[string]any{
		"data":       map[string]any{"token": encode("canary \"quoted\"\n"), "pem": encode("-----BEGIN-----\nMIIcanary1\nMIIcanary2\n"), "short": encode("a")},
		"stringData": map[string]any{"number": int64(31337), "plain": "canary-plain", "two": "42"},
	})
	for text, want := range map[string]string{
		`Secret "s" is invalid: data[token]: Invalid value: ` + strconv.Quote("canary \"quoted\"\n"): `Secret "s" is invalid: data[token]: Invalid value: "***"`,
		`value ` + encode("canary \"quoted\"\n") + `, again ` + encode("canary \"quoted\"\n"):        `value ***, again ***`,
		`json: ` + mustJSON(map[string]string{"p": "canary-plain", "e": encode("canary-plain")}):     `json: {"e":"***","p":"***"}`,
		`line MIIcanary2 of it`:                     `line *** of it`,
		`cannot unmarshal number 31337 into string`: `cannot unmarshal number *** into string`,
		`a value: a, "a", 42; banana 142`:           `*** value: ***, "***", ***; banana 142`,
		`nothing here`:                              `nothing here`,
		``:                                          ``,
	} {
		if got := diff.MaskError(text, s, nil, object(t, config)); got != want {
			t.Errorf("MaskError(%q)\n%q, want\n%q", text, got, want)
		}
	}
	if got := diff.MaskError("x"); got != "x" {
		t.Error(got)
	}
}

func mustJSON(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(data)
}

func FuzzNoValueOfASecretIsShown(f *testing.F) {
	f.Add("key", "canary", "canary2", "note", "canary", byte(0))
	f.Add("k", "line\nline\n", "\x1b\x00", "kubectl.kubernetes.io/last-applied-configuration", "{\"data\":{\"k\":\"canary\"}}", byte(7))
	f.Add("password", "true", "12345", "a", "b", byte(255))
	f.Fuzz(func(t *testing.T, key, one, two, annotation, note string, shape byte) {
		make := func(value string, shape byte) *unstructured.Unstructured {
			u := newSecret(nil)
			switch shape & 3 {
			case 0:
				u.Object["data"] = map[string]any{key: encode(value)}
			case 1:
				u.Object["stringData"] = map[string]any{key: value}
			case 2:
				u.Object["data"] = map[string]any{key: value, "nested": map[string]any{key: []any{value}}}
			case 3:
				u.Object["data"], u.Object["stringDatta"] = []any{value}, map[string]any{key: value}
			}
			if shape&4 != 0 {
				u.SetAnnotations(map[string]string{annotation: note + value})
			}
			return u
		}
		before, after := make(one, shape), make(two, shape>>3)
		b, a := diff.MaskPair(before, after, nil)
		empty := newSecret(map[string]any{"data": map[string]any{key: "*** (before)(after)", "nested": nil}, "stringDatta": nil})
		empty.SetAnnotations(map[string]string{annotation: note})
		visible := fmt.Sprint(empty.Object) + diff.YAML(empty) + diff.Text(nil, empty, diff.Options{}) + mustJSON(empty.Object) + "\n- @@ +1234567890,/dev/null[]"
		texts := []string{diff.Text(b, a, diff.Options{Context: 3}), diff.Text(before, after, diff.Options{Context: 3}),
			diff.Text(nil, before, diff.Options{}), diff.YAML(a), mustJSON(b.Object)}
		for _, value := range []string{one, two, encode(one), encode(two)} {
			if len(strings.TrimSpace(value)) < 3 || strings.Contains(visible, value) || strings.ContainsAny(value, "*:\n' ") {
				continue
			}
			for i, text := range texts {
				if strings.Contains(text, value) {
					t.Errorf("text %d shows %q:\n%s", i, value, text)
				}
			}
			message := fmt.Sprintf("Invalid value: %q: %s", value, value)
			if got := diff.MaskError(message, before, after); strings.Contains(got, value) && !strings.Contains("Invalid value", value) {
				t.Errorf("MaskError shows %q: %s", value, got)
			}
		}
	})
}

func TestRepeats(t *testing.T) {
	secret := newSecret(map[string]any{"data": map[string]any{"password": encode("correct horse"), "user": encode("postgres")}})
	for args, want := range map[string]bool{"--password=correct horse": true, encode("correct horse"): true, "postgres:16": false, "": false} {
		u := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"args": []any{args}}}}
		if got := diff.Repeats(u, secret); got != want {
			t.Errorf("%q: %v", args, got)
		}
	}
}
