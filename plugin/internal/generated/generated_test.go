package generated_test

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/generated"
)

func object(t *testing.T, text string) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func text(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestWhereTwoRendersDiffer(t *testing.T) {
	for _, test := range []struct {
		name, a, b string
		want       []string
		wrong      string // the shape that differs
	}{
		{"nothing", `{"a":[1,{"b":null}]}`, `{"a":[1,{"b":null}]}`, nil, ""},
		{"data of a Secret", `{"data":{"b":"1","a":"1","same":"x"}}`, `{"data":{"b":"2","a":"2","same":"x"}}`, []string{"/data/a", "/data/b"}, ""},
		{"an annotation with a slash", `{"metadata":{"annotations":{"checksum/secret~1":"1"}}}`, `{"metadata":{"annotations":{"checksum/secret~1":"2"}}}`,
			[]string{"/metadata/annotations/checksum~1secret~01"}, ""},
		{"named items", `{"env":[{"name":"A","value":"1"},{"name":"B","value":"1"}]}`, `{"env":[{"name":"A","value":"1"},{"name":"B","value":"2"}]}`, []string{"/env/B/value"}, ""},
		{"items of one name", `{"env":[{"name":"A","value":"1"},{"name":"A","value":"1"}]}`, `{"env":[{"name":"A","value":"1"},{"name":"A","value":"2"}]}`, []string{"/env/1/value"}, ""},
		{"a name that is a number", `{"env":[{"name":"7","value":"1"}]}`, `{"env":[{"name":"7","value":"2"}]}`, []string{"/env/0/value"}, ""},
		{"items without names", `{"args":["a","b","c"]}`, `{"args":["a","x","y"]}`, []string{"/args/1", "/args/2"}, ""},
		{"scalars of two types", `{"port":1,"on":true,"none":null}`, `{"port":"a","on":2,"none":"x"}`, []string{"/none", "/on", "/port"}, ""},
		{"the name", `{"metadata":{"name":"a"}}`, `{"metadata":{"name":"b"}}`, nil, "metadata.name is another one in each render, so no two renders have the same objects"},
		{"the namespace", `{"metadata":{"namespace":"a"}}`, `{"metadata":{"namespace":"b"}}`, nil, "metadata.namespace is another one in each render, so no two renders have the same objects"},
		{"a name inside", `{"spec":{"metadata":{"name":"a"}}}`, `{"spec":{"metadata":{"name":"b"}}}`, []string{"/spec/metadata/name"}, ""},
		{"the name of an item", `{"env":[{"name":"A"}]}`, `{"env":[{"name":"B"}]}`, nil, "env.0.name is another one in each render: a list item is known by its name"},
		{"a field more", `{"data":{"a":"1"}}`, `{"data":{"a":"1","b":"2"}}`, nil, "data.b is there in one render, and not in another"},
		{"a field less", `{"data":{"a":"1","b":"2"}}`, `{"data":{"a":"1"}}`, nil, "data.b is there in one render, and not in another"},
		{"an item more", `{"args":["a"]}`, `{"args":["a","b"]}`, nil, "args is a list of 1 in one render, and of 2 in another"},
		{"a mapping and a text", `{"a":{"b":1}}`, `{"a":"b"}`, nil, "a is a mapping or a list in one render, and something else in another"},
		{"a text and a list", `{"a":"b"}`, `{"a":["b"]}`, nil, "a is a mapping or a list in one render, and something else in another"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := generated.Paths(object(t, test.a), object(t, test.b))
			var shape *generated.ShapeError
			switch {
			case test.wrong == "" && err != nil:
				t.Fatal(err)
			case test.wrong != "" && (!errors.As(err, &shape) || shape.Error() != test.wrong):
				t.Fatalf("got %v, want %s", err, test.wrong)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestGeneratedValuesAreFilledBlankedAndCut(t *testing.T) {
	const (
		rendered = `{"args":["-v","new","new"],"data":{"password":"new","token":"new","user":"u"},"env":[{"name":"A","value":"1"},{"name":"B","value":"new"}]}`
		live     = `{"args":["-v","old","older"],"data":{"password":"old","user":"other"},"env":[{"name":"B","value":"old"},{"name":"injected","value":"x"}]}`
	)
	pointers := []string{"/args/1", "/args/2", "/data/password", "/data/token", "/env/B/value", "/none/here"}
	for _, test := range []struct {
		name string
		do   func(o map[string]any)
		want string
	}{
		{"fill", func(o map[string]any) { generated.Fill(o, object(t, live), pointers) },
			`{"args":["-v","old","older"],"data":{"password":"old","token":"new","user":"u"},"env":[{"name":"A","value":"1"},{"name":"B","value":"old"}]}`},
		{"another list", func(o map[string]any) { generated.Fill(o, object(t, `{"args":["-w","old","older"]}`), pointers) }, rendered},
		{"a longer list", func(o map[string]any) { generated.Fill(o, object(t, `{"args":["-v","old","older","-w"]}`), pointers) }, rendered},
		{"a mapping in its place", func(o map[string]any) { generated.Fill(o, object(t, `{"data":{"password":{"a":"b"}}}`), pointers) }, rendered},
		{"blank", func(o map[string]any) { generated.Blank(o, pointers) },
			`{"args":["-v","(generated)","(generated)"],"data":{"password":"(generated)","token":"(generated)","user":"u"},"env":[{"name":"A","value":"1"},{"name":"B","value":"(generated)"}]}`},
		{"cut", func(o map[string]any) { generated.Cut(o, pointers) },
			`{"args":["-v"],"data":{"user":"u"},"env":[{"name":"A","value":"1"},{"name":"B"}]}`},
	} {
		o := object(t, rendered)
		if test.do(o); text(t, o) != test.want {
			t.Errorf("%s: got %s, want %s", test.name, text(t, o), test.want)
		}
	}
	if got := generated.Texts(object(t, live), pointers); !slices.Equal(got, []string{"old", "older", "old", "old"}) {
		t.Errorf("texts %q", got)
	}
}
