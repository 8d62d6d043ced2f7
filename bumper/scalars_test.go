package bumper

import (
	"fmt"
	"strings"
	"testing"
)

func TestScalarsSaysWhatIsSecret(t *testing.T) {
	got, err := Scalars(File{"a.yaml", []byte("kind: Secret\ndata:\n  a: x\nnote: &n y\nsame: *n\n---\nkind: ConfigMap\ndata: {a: z}\n")})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, s := range got {
		fmt.Fprintf(&b, "%d:%d %s=%s %v\n", s.Line, s.Column, s.Path, s.Value, s.Secret)
	}
	want := "1:7 [0].kind=Secret false\n3:6 [0].data.a=x true\n4:10 [0].note=y false\n7:7 [1].kind=ConfigMap false\n8:11 [1].data.a=z false\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestChangesTellsValuesFromStructure(t *testing.T) {
	const base = "image: acme/web:1.0 # kept\nreplicas: 2\nlist: [a, b]\nx: &a 1\ny: *a\n"
	cases := []struct {
		after string
		ok    bool
		want  string
	}{
		{base, true, ""},
		{strings.Replace(base, "1.0", "1.1", 1), true, "1:8 image acme/web:1.0->acme/web:1.1 docker.io/acme/web 1.0 1.1\n"},
		{strings.Replace(base, "replicas: 2 ", "replicas: 3", 1), true, ""},
		{strings.Replace(base, "2", "3", 1), true, "2:11 replicas 2->3   \n"},
		{strings.Replace(base, "2", `"2"`, 1), true, "2:11 replicas 2->2   \n"},
		{strings.Replace(base, "# kept", "# other", 1), true, ""},
		{strings.Replace(base, "replicas", "replica", 1), false, ""},
		{strings.Replace(base, "[a, b]", "[a]", 1), false, ""},
		{strings.Replace(base, "*a", "1", 1), false, ""},
		{base + "---\n{}\n", false, ""},
		{"a: [", false, ""},
	}
	for _, c := range cases {
		edits, ok := Changes(File{"a.yaml", []byte(base)}, File{"a.yaml", []byte(c.after)})
		var b strings.Builder
		for _, e := range edits {
			fmt.Fprintf(&b, "%d:%d %s %s->%s %s %s %s\n", e.Line, e.Column, e.Path, e.Old, e.New, e.Image, e.Before.Tag, e.After.Tag)
		}
		if ok != c.ok || b.String() != c.want {
			t.Errorf("%s\n%v %q, want %v %q", c.after, ok, b.String(), c.ok, c.want)
		}
	}
}

func TestLookup(t *testing.T) {
	f := File{"a.yaml", []byte("a:\n  b: [x, {name: n, v: 2}]\n")}
	if v, err := Lookup(f, "a.b[name=n].v"); err != nil || v != "2" {
		t.Errorf("%q %v", v, err)
	}
	for path, want := range map[string]string{"a": "is a mapping", "a.c": `there is no key "c"`, "": "a key is empty"} {
		if _, err := Lookup(f, path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", path, err, want)
		}
	}
}

func TestOutline(t *testing.T) {
	got, err := Outline(File{"a.yaml", []byte("# one\napiVersion: v1\nkind: Pod\nmetadata: {name: a}\n---\nx: 1\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: b, namespace: c}\n")})
	if err != nil || fmt.Sprint(got) != "[v1 Pod a apps/v1 Deployment c/b]" || got[1].Line != 8 {
		t.Errorf("%v %v", got, err)
	}
}

// FuzzCompare: two files from outside never panic, and what Changes says leads from one to the other.
func FuzzCompare(f *testing.F) {
	f.Add([]byte("a: 1\n"), []byte("a: 2\n"))
	f.Add([]byte("x: &a 1\ny: *a\n"), []byte("x: &a 2\ny: *a\n"))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		before, after := File{"a.yaml", a}, File{"a.yaml", b}
		_, _ = Outline(before)
		_, _ = Lookup(before, "a[0].b")
		edits, ok := Changes(before, after)
		back, okBack := Changes(after, before)
		if ok != okBack || len(edits) != len(back) {
			t.Errorf("%d edits there, %d back", len(edits), len(back))
		}
		if _, err := Scalars(before); err != nil && ok {
			t.Errorf("compared, but not readable: %v", err)
		}
	})
}
