package bumper

import (
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

func TestLineBreaksAreThoseOfTheParser(t *testing.T) {
	data := "\ufeffa\nb\r\nc\rd\u0085e\u2028f\u2029g"
	index := indexLines([]byte(data))
	for i, letter := range "abcdefg" {
		offset, ok := index.offset(i+1, 1)
		if want := strings.IndexRune(data, letter); !ok || offset != want {
			t.Errorf("line %d starts at byte %d, want %d", i+1, offset, want)
		}
	}
	for _, at := range [][2]int{{0, 1}, {8, 1}, {1, 0}, {7, 3}} {
		if offset, ok := index.offset(at[0], at[1]); ok {
			t.Errorf("line %d column %d is at byte %d, want no answer", at[0], at[1], offset)
		}
	}
}

// The parser is the oracle: every scalar is looked up by the position that it reports.
func TestOffsetsAgreeWithTheParser(t *testing.T) {
	for name, data := range map[string]string{
		"multi-byte before": "{ü: 世界, 𝄞: here}",
		"byte order mark":   "\ufeffa: here\nb: here",
		"two marks":         "\ufeffa: here\n---\n\ufeffb: here",
		"crlf":              "a: 1\r\nb: here\r\n",
		"lone cr":           "a: 1\rb: here\r",
		"separators":        "a: \"x\u2028 y\u2029 z\u0085 q\"\nb: here",
		"comments":          "# ü\u2028# second\na: 1 # ö\u2029b: here",
		"block":             "a: |\n  x\n\n  y\n\nb: here",
		"tabs":              "a:\there\t# x\nb:\t\there",
		"flow over lines":   "a: [here,\n ü, here\n, {b: here}]",
		"folded":            "a: >-\r\n  x\r\n  y\r\nb: here",
	} {
		t.Run(name, func(t *testing.T) {
			doc, err := parseDocument(File{Path: "x.yaml", Data: []byte(data)})
			if err != nil {
				t.Fatal(err)
			}
			found := 0
			var walk func(*yaml.Node)
			walk = func(n *yaml.Node) {
				if n.Kind == yaml.ScalarNode && n.Value == "here" {
					found++
					offset, ok := doc.lines.offset(n.Line, n.Column)
					if !ok || !strings.HasPrefix(data[offset:], "here") {
						t.Errorf("line %d column %d is looked for at byte %d, %q", n.Line, n.Column, offset, data[offset:])
					}
				}
				for _, c := range n.Content {
					walk(c)
				}
			}
			for _, root := range doc.roots {
				walk(root)
			}
			if want := strings.Count(data, "here"); found != want {
				t.Errorf("%d scalars, want %d", found, want)
			}
		})
	}
}

func TestPositionsAreThoseOfAnEditor(t *testing.T) {
	data := "\ufeffab\r\nü\u2028x\ny"
	for letter, want := range map[string][2]int{"a": {1, 1}, "b": {1, 2}, "ü": {2, 1}, "x": {2, 3}, "y": {3, 1}} {
		line, column := position([]byte(data), strings.Index(data, letter))
		if line != want[0] || column != want[1] {
			t.Errorf("%s is at %d:%d, want %d:%d", letter, line, column, want[0], want[1])
		}
	}
}
