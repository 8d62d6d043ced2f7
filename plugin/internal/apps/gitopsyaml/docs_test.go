package gitopsyaml

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

const page = "../../../../docs/gitops-yaml.md"

// keys writes the table of the keys of an app from the types.
func keys(t reflect.Type, prefix string) string {
	var b strings.Builder
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Tag.Get("yaml") == "" { // a type of its own, as Wait is: what a list of it holds is a key, and it is none
			if f.Type.Kind() == reflect.Slice {
				b.WriteString(keys(f.Type.Elem(), strings.TrimSuffix(prefix, ".")+"[]."))
			}
			continue
		}
		name := prefix + f.Tag.Get("yaml")
		fmt.Fprintf(&b, "| `%s` | %s |\n", name, strings.ReplaceAll(f.Tag.Get("doc"), "|", "\\|"))
		inner := f.Type
		for inner.Kind() == reflect.Pointer || inner.Kind() == reflect.Slice {
			if inner.Kind() == reflect.Slice {
				name += "[]"
			}
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.Struct && inner != reflect.TypeFor[time.Duration]() && inner != reflect.TypeFor[Values]() {
			b.WriteString(keys(inner, name+"."))
		}
	}
	return b.String()
}

// The page has a table of all keys, made of the types. UPDATE_SCHEMA=1 writes it anew.
func TestEveryKeyIsDocumented(t *testing.T) {
	raw, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(raw), "<!-- keys -->\n")
	_, after, more := strings.Cut(rest, "\n## ")
	if !found || !more {
		t.Fatal("the page has no place for the table")
	}
	want := before + "<!-- keys -->\n| key | meaning |\n|---|---|\n" + keys(reflect.TypeFor[Entry](), "") + "\n## " + after
	if os.Getenv("UPDATE_SCHEMA") != "" {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(raw) != want {
		t.Error("docs/gitops-yaml.md does not list the keys of the types: UPDATE_SCHEMA=1 go test ./plugin/internal/apps/gitopsyaml")
	}
}
