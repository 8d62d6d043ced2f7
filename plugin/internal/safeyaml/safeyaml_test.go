package safeyaml

import (
	"encoding/json"
	"fmt"
	"testing"

	yamlv2 "go.yaml.in/yaml/v2"
	yamlv3 "go.yaml.in/yaml/v3"
	"sigs.k8s.io/yaml"
)

// Every character of the basic plane, and some beyond it, comes back through JSON and through each YAML parser.
func TestFieldCharacters(t *testing.T) {
	var all []rune
	for r := rune(0); r <= 0xffff; r++ {
		if r < 0xd800 || r > 0xdfff {
			all = append(all, r)
		}
	}
	all = append(all, 0x1f600, 0x1fffe, 0x10ffff)
	for at := 0; at < len(all); at += 500 {
		value := map[string]any{"value": "a" + string(all[at:min(at+500, len(all))]) + "z", "a\tkey": "x"}
		t.Run(fmt.Sprintf("P12 from U+%04X", all[at]), func(t *testing.T) {
			asJSON, err := JSON(value)
			if err != nil {
				t.Fatal(err)
			}
			asYAML, err := YAML(value)
			if err != nil {
				t.Fatal(err)
			}
			read := map[string]func([]byte, any) error{"json": json.Unmarshal, "yaml.v2": yamlv2.Unmarshal, "yaml.v3": yamlv3.Unmarshal,
				"sigs": func(text []byte, into any) error { return yaml.Unmarshal(text, into) }}
			for name, unmarshal := range read {
				for form, text := range map[string][]byte{"JSON": asJSON, "YAML": asYAML} {
					if name == "json" && form == "YAML" {
						continue
					}
					var got map[string]any
					if err := unmarshal(text, &got); err != nil {
						t.Errorf("%s of %s: %v", name, form, err)
					} else if got["value"] != value["value"] || got["a\tkey"] != "x" {
						t.Errorf("%s of %s: %q", name, form, got)
					}
				}
			}
		})
	}
}

func TestEscapeLeavesTheRest(t *testing.T) {
	for _, text := range []string{``, `{"a":"ü 😀 < \u0001"}`} {
		if got := string(Escape([]byte(text))); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}
