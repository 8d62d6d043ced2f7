package promotion

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/kubectl-gitops/kubectl-gitops/action/internal/doctest"
)

const docs = "../../../docs/"

const schemaBase = "https://raw.githubusercontent.com/kubectl-gitops/kubectl-gitops/main/docs/"

// TestDocsHaveTheSchemas holds docs/promotion.schema.json, docs/holds.schema.json and the tables of docs/promotion.md
// equal to the code.
func TestDocsHaveTheSchemas(t *testing.T) {
	for file, s := range map[string]struct {
		kind  string
		shape shape
	}{"promotion.schema.json": {"Promotion", fileShape}, "holds.schema.json": {"Holds", holdsShape}} {
		want, err := json.MarshalIndent(s.shape.schema(schemaBase+file, s.kind), "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, '\n')
		doctest.Same(t, *update, docs+file, read(t, docs+file), string(want))
	}
	doctest.Regenerate(t, *update, docs+"promotion.md", map[string]string{"promotion.yaml": keyTable(fileShape), "holds.yaml": keyTable(holdsShape)})
}

func keyTable(s shape) string {
	out := "| Key | Meaning |\n|---|---|\n"
	var add func(prefix string, fields []shape)
	add = func(prefix string, fields []shape) {
		for _, f := range fields {
			name := prefix + f.name
			if f.kind == isMappings {
				name += "[]"
			}
			text := f.doc
			if len(f.oneOf) > 0 {
				text += " One of " + strings.Join(f.oneOf, ", ") + "."
			}
			if f.required {
				text += " Required."
			}
			out += fmt.Sprintf("| `%s` | %s |\n", name, text)
			add(name+".", f.fields)
		}
	}
	add("", s.fields)
	return out
}

// TestSchemaAgreesWithTheProgram: what the program accepts the schema accepts, and both refuse what is misspelled.
func TestSchemaAgreesWithTheProgram(t *testing.T) {
	example := regexp.MustCompile("(?s)```yaml\n(# promotion.yaml.*?)```").FindStringSubmatch(read(t, docs+"promotion.md"))
	if example == nil {
		t.Fatal("docs/promotion.md has no promotion.yaml")
	}
	holds, err := EditHolds(nil, func(Hold) bool { return false }, []Hold{{Image: "a", Tag: "1", Path: ".", Since: "2026-01-02"}})
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		file, text string
		ok         bool
	}{
		{"promotion.schema.json", example[1], true}, {"promotion.schema.json", chain, true},
		{"promotion.schema.json", strings.Replace(example[1], "soak:", "soke:", 1), false},
		{"promotion.schema.json", strings.Replace(example[1], "[mon,", "[monday,", 1), false},
		{"holds.schema.json", string(holds), true}, {"holds.schema.json", strings.Replace(string(holds), "image:", "images:", 1), false},
	}
	for _, c := range cases {
		var doc any
		if err := yaml.Unmarshal([]byte(c.text), &doc); err != nil {
			t.Fatal(err)
		}
		schema, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(read(t, docs+c.file))))
		if err != nil {
			t.Fatal(err)
		}
		compiler := jsonschema.NewCompiler()
		if err := compiler.AddResource(c.file, schema); err != nil {
			t.Fatal(err)
		}
		compiled, err := compiler.Compile(c.file)
		if err != nil {
			t.Fatal(err)
		}
		var programErr error
		if c.file == "holds.schema.json" {
			_, programErr = ParseHolds([]byte(c.text))
		} else {
			_, programErr = Parse([]byte(c.text))
		}
		if schemaErr := compiled.Validate(plainJSON(t, doc)); (schemaErr == nil) != c.ok || (programErr == nil) != c.ok {
			t.Errorf("%s\nschema: %v\nprogram: %v", c.text, schemaErr, programErr)
		}
	}
}

func plainJSON(t *testing.T, v any) any {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	out, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return out
}
