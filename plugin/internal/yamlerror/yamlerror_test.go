package yamlerror

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	yamlv2 "go.yaml.in/yaml/v2"
	yamlv3 "go.yaml.in/yaml/v3"
)

var where = regexp.MustCompile(`line (\d+): (.*)`)

// What both parsers say of a text becomes the same words. The number is the line.
func TestFieldMessages(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"a tab", "a:\n\tb: 1\n", "2: a tab where YAML wants spaces; indent YAML with spaces"},
		{"a tab in a list", "a:\n- b: 1\n\t  c: 2\n", "3: a tab where YAML wants spaces; indent YAML with spaces"},
		{"a tab after spaces", "a:\n  b:\n  \tc: 1\n", "3: a tab where YAML wants spaces; indent YAML with spaces"},
		{"a conflict", "a: 1\n<<<<<<< HEAD\nb: 1\n=======\nb: 2\n>>>>>>> other\n", "2: a merge conflict marker"},
		{"a conflict in a list", "a:\n- 1\n<<<<<<< HEAD\n- 2\n=======\n- 3\n>>>>>>> branch 'x'\n", "3: a merge conflict marker"},
		{"a template", "a: 1\nname: {{ .Values.name }}\n", "2: {{ looks like a Helm template, but there is no Chart.yaml"},
		{"a template, whole line", "a: 1\n{{- if .Values.x }}\nb: 1\n{{- end }}\n", "2: {{ looks like a Helm template, but there is no Chart.yaml"},
		{"a template in a list", "a:\n- {{ .x }}\n", "2: {{ looks like a Helm template, but there is no Chart.yaml"},
		{"a template in a value", "a: b-{{ .x }}\nc: {{ .x }}-d\n", "looks like a Helm template"},
		{"an at sign", "a: @b\n", "1: a value cannot begin with @; put the value in quotes"},
		{"a backtick", "a:\n- `b`\n", "2: a value cannot begin with `; put the value in quotes"},
		{"a percent sign", "a: %b\n", "1: a value cannot begin with %; put the value in quotes"},
		{"a star", "a: * b\n", "1: a value cannot begin with *; put the value in quotes"},
		{"no colon", "a: 1\nb\nc: 1\n", "neither `key: value` nor an item of a list"},
		{"two colons", "a: b: c\n", "1: a second colon in a line"},
		{"indentation", "a:\n    b: 1\n  c: 2\n", "3: the line does not fit the ones above it"},
		{"a list's indentation", "a:\n  - b\n c: 1\n", "3: the line does not fit the ones above it"},
		{"an open list", "a: [1, 2\nb: 3\n", "a list that begins with [ is not closed"},
		{"an open mapping", "a: {b: 1\nc: 3\n", "a mapping that begins with { is not closed"},
		{"an open quote", "a: \"b\nc: 1\n", "a quote is opened and not closed"},
		{"an escape", "a: \"\\d\"\n", "1: an escape that YAML does not know"},
		{"half a character", "a: \"\\ud83d\"\n", "1: \\u names half a character"},
		{"a tag", "a: !x!b c\n", "a value cannot begin with !"},
		{"text after |", "a: | b\n  c\n", "1: a value cannot begin with |; put the value in quotes"},
		{"an alias", "a: b\nc: *d\n", "2: an alias (*name) names no anchor"},
		{"a merge of text", "a: &x b\nc: {<<: *x}\n", "<<: wants a mapping"},
		{"a control character", "a: \"\x01\"\n", "a control character"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var value any
			for name, err := range map[string]error{"v2": yamlv2.Unmarshal([]byte(tt.text), &value), "v3": yamlv3.Unmarshal([]byte(tt.text), &value)} {
				if err == nil {
					t.Fatalf("%s reads it", name)
				}
				line, message := 1, err.Error()
				if m := where.FindStringSubmatch(message); m != nil {
					line, _ = strconv.Atoi(m[1])
					message = m[2]
				}
				w := Explain([]byte(tt.text), line, message)
				got := strconv.Itoa(w.Line) + ": " + w.Message + "; " + w.Hint
				if !strings.Contains(got, tt.want) || w.Hint == "" {
					t.Errorf("%s: %s\nsays: %v", name, got, err)
				}
			}
		})
	}
}

func TestFieldMessagesOfJSON(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"a comma too many", "{\"a\": 1,\n}\n", "2: not valid JSON: a comma before }; remove the comma"},
		{"a comma too many in a list", "{\"a\": [1,\n]}\n", "2: not valid JSON: a comma before ]"},
		{"no comma", "{\"a\": 1\n\"b\": 2}\n", "2: not valid JSON: a comma is missing"},
		{"no comma in a list", "{\"a\": [1\n2]}\n", "2: not valid JSON: a comma is missing"},
		{"no colon", "{\"a\" 1}\n", "1: not valid JSON: a colon is missing after a key"},
		{"no end", "{\"a\": {\n\"b\": 1\n}\n", "3: not valid JSON: the text ends too early"},
		{"a comment", "{\n// b\n\"a\": 1}\n", "2: not valid JSON: a comment"},
		{"single quotes", "{'a': 1}\n", "1: not valid JSON: a single quote"},
		{"no quotes", "{a: 1}\n", "1: not valid JSON: a key that is not in double quotes"},
		{"a line break", "{\"a\": \"b\nc\"}\n", "not valid JSON: a line break or control character in a string"},
		{"an escape", "{\"a\": \"\\d\"}\n", "1: not valid JSON: an escape that JSON does not know"},
		{"no value", "{\"a\": nope}\n", "1: not valid JSON"},
		{"a conflict", "{\n<<<<<<< HEAD\n\"a\": 1\n=======\n\"a\": 2\n>>>>>>> x\n}\n", "2: a merge conflict marker"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, ok := JSON([]byte(tt.text))
			got := strconv.Itoa(w.Line) + ": " + w.Message + "; " + w.Hint
			if !ok || !strings.Contains(got, tt.want) {
				t.Error(got)
			}
		})
	}
	if w, ok := JSON([]byte("{\"a\": 1}\n{\"b\": 2}\n")); ok {
		t.Error(w)
	}
}

// Text that only looks like a mistake stays what it is.
func TestOtherTexts(t *testing.T) {
	for _, text := range []string{"a: \"{{ .x }}\"\nb\n", "# {{ .x }}\nb\nc: 1\n", "a: '{{'\nb\n", "======\nb\nc: d\n"} {
		if w := Explain([]byte(text), 2, "could not find expected ':'"); !strings.Contains(w.Message, "neither `key: value`") {
			t.Errorf("%q: %+v", text, w)
		}
	}
}
