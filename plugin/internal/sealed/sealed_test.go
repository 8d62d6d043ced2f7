package sealed

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/hint"
)

func of(values ...string) *Values {
	from := map[string]string{}
	for _, v := range values {
		from[v] = "source of " + v
	}
	return New(from)
}

func TestAttackSpellings(t *testing.T) {
	const value = `hunter2&"canary"/<x>`
	quoted, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	v := New(Lines(map[string]string{value: "", "line one of it\nsecond line here\n": ""}))
	for name, text := range map[string]string{
		"plain":             value,
		"Go":                fmt.Sprintf("%q", value),
		"JSON":              string(quoted),
		"query":             "https://host/?p=" + url.QueryEscape(value),
		"user of a URL":     "https://x:" + url.PathEscape(value) + "@host",
		"hexadecimal":       hex.EncodeToString([]byte(value)),
		"base64":            base64.StdEncoding.EncodeToString([]byte(value)),
		"base64 for URLs":   base64.RawURLEncoding.EncodeToString([]byte(value)),
		"base64 of a URL":   base64.StdEncoding.EncodeToString([]byte("https://user:" + value + "@host")),
		"base64 of another": base64.StdEncoding.EncodeToString([]byte("u:" + value + ":x")),
		"base64 of a third": base64.StdEncoding.EncodeToString([]byte("{" + value + "}")),
		"one of its lines":  "  second line here",
	} {
		masked := v.Mask("before " + text + " after")
		if !strings.Contains(masked, Mask) || strings.Contains(masked, "canary") || strings.Contains(masked, "second") || !v.In(text) {
			t.Errorf("%s: %s", name, masked)
		}
		if !strings.HasPrefix(masked, "before ") || !strings.HasSuffix(masked, " after") {
			t.Errorf("%s: more than the value is masked: %s", name, masked)
		}
	}
	long := strings.Repeat("long", 20) + "canary"
	broken := base64.StdEncoding.EncodeToString([]byte(long))
	if got := of(long).Mask(broken[:70] + "\n" + broken[70:] + "\n"); got != Mask+"\n" {
		t.Errorf("base64 in lines: %s", got)
	}
	lines := New(Lines(map[string]string{base64.StdEncoding.EncodeToString([]byte("first of the lines\nsecond of the lines\n")): ""}))
	if got := lines.Mask("it said: second of the lines!"); got != "it said: ***!" {
		t.Errorf("a line of a value in base64: %s", got)
	}
	if got := of(base64.StdEncoding.EncodeToString([]byte(value))).Mask(value); got != Mask {
		t.Errorf("a value that is base64: %s", got)
	}
}

func TestValuesThatTellNothing(t *testing.T) {
	for _, value := range []string{"", "a", "***", "true", "Admin", "8080", "5432", "1e10", "postgres", " ", "dev"} {
		if v := of(value); v != nil {
			t.Errorf("%q is told from other text", value)
		}
	}
	v := of("hunter2", "hunter2-canary")
	for text, want := range map[string]string{
		"hunter2":                   "***",
		" hunter2\n":                "***",
		"the password hunter2, and": "the password ***, and",
		"postgres://u:hunter2@host": "postgres://u:***@host",
		"hunter22":                  "hunter22",
		"headhunter2":               "headhunter2",
		"xhunter2-canaryx":          "x***x",
		"nothing":                   "nothing",
	} {
		if got := v.Mask(text); got != want {
			t.Errorf("%q becomes %q", text, got)
		}
	}
}

func TestWithoutWhatIsPublic(t *testing.T) {
	v := of("hunter2-canary", "shop.example.com", "prod-cluster", "prod-cluster-1").Without(slices.Values([]string{"x", "host: www.shop.example.com\x000\x00", "prod-cluster\n"}))
	if got := strings.Join(v.All(), " "); got != "hunter2-canary prod-cluster-1" {
		t.Error(got)
	}
	if v := of("shop.example.com").Without(slices.Values([]string{"shop.example.com"})); v != nil {
		t.Error(v.All())
	}
	if v := (*Values)(nil).Without(slices.Values([]string{"x"})); v != nil {
		t.Error(v)
	}
}

func TestJoin(t *testing.T) {
	a, b := of("hunter2-canary"), of("shop.example.com")
	if got := a.Join(b).All(); len(got) != 2 {
		t.Error(got)
	}
	var none *Values
	if a.Join(nil) != a || none.Join(a) != a || none.Join(nil) != nil || a.Join(of("hunter2-canary")) != a {
		t.Error("joined with what adds nothing")
	}
	if a.Of("x hunter2-canary") != "source of hunter2-canary" || a.Of("x") != "" {
		t.Error(a.Of("x hunter2-canary"))
	}
}

func TestLongValuesAreMaskedInPieces(t *testing.T) {
	value := strings.Repeat("0123456789abcdef", 100)
	if got := of(value).Mask("a " + value + " b"); strings.ContainsAny(got, "0123456789") {
		t.Error(got)
	}
}

// A file in a Secret, such as a configuration with a password in it, shares most of its text with files that nobody hides.
func TestFilesShareTextWithOthers(t *testing.T) {
	common := strings.Repeat("# a line of a configuration that everybody has\n", 20)
	file := common + "password: hunter2-canary-in-a-file\n"
	v := New(Lines(map[string]string{file: "x"})).Without(slices.Values([]string{common}))
	if v.In(common) || v.In("# a line of a configuration that everybody has") {
		t.Errorf("what everybody has is hidden: %s", v.Mask(common))
	}
	for _, text := range []string{"x: " + file, base64.StdEncoding.EncodeToString([]byte(file)), "line 21: password: hunter2-canary-in-a-file"} {
		if got := v.Mask(text); !strings.Contains(got, Mask) || strings.Contains(got, "canary") {
			t.Errorf("%q", got)
		}
	}
}

func TestObjects(t *testing.T) {
	v := of("hunter2-canary")
	u := &unstructured.Unstructured{Object: map[string]any{"a": []any{"x", "hunter2-canary", int64(1)}, "b": map[string]any{"hunter2-canary": true}}}
	masked, err := json.Marshal(v.Object(u).Object)
	if err != nil || string(masked) != `{"a":["x","***",1],"b":{"***":true}}` {
		t.Errorf("%s, %v", masked, err)
	}
	if before, err := json.Marshal(u.Object); err != nil || !strings.Contains(string(before), "hunter2") {
		t.Errorf("the object is changed: %s, %v", before, err)
	}
	numbers, changed := of("8675309123", "867530.912", "5432").Any([]any{int64(8675309123), 867530.912, int64(5432), int64(8675309), 8675309123.0})
	if text, err := json.Marshal(numbers); !changed || err != nil || string(text) != `["***","***",5432,8675309,"***"]` {
		t.Errorf("%s, %v", text, err)
	}
	other := &unstructured.Unstructured{Object: map[string]any{"a": "b"}}
	if v.Object(other) != other || v.Object(nil) != nil {
		t.Error("an object without values is copied")
	}
}

func TestErrors(t *testing.T) {
	v := of("hunter2-canary")
	err := hint.With(fmt.Errorf("read hunter2-canary: %w", fs.ErrNotExist), "write hunter2-canary")
	masked := v.Error(err)
	if masked.Error() != "read ***: file does not exist" || !slices.Equal(hint.Of(masked), []string{"write ***"}) || !errors.Is(masked, fs.ErrNotExist) {
		t.Errorf("%v, %v", masked, hint.Of(masked))
	}
	if other := errors.New("x"); v.Error(other) != other || v.Error(nil) != nil {
		t.Error("an error that shows nothing is replaced")
	}
}
