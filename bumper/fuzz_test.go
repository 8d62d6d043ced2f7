package bumper

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// FuzzSplice edits one scalar of any file. Either it is refused, or: all bytes outside the token are the same, a reader
// sees the new value there and no other change, a second edit does nothing, and the old value restores the bytes.
func FuzzSplice(f *testing.F) {
	for _, file := range corpus(f) {
		for _, v := range variants[:len(variants)-1] {
			f.Add([]byte(v.make(string(file.Data))), 7, "v9.9.9")
		}
	}
	for _, doc := range []string{"a: b", "a:", "{a: b}", "- a\n- 'b'", "? a\n: b", "&x a: &y b", "!!str a: !!str b", "a: \"\\u00fc\"", "\"a\":b",
		"a: b\n  c", "a: |\n b", "--- a", "a: b #c", "[a,b]", "a: 'b''c'", "!<tag:yaml.org,2002:str> a", "{a: , b}", "- &a\n- b"} {
		for _, value := range []string{"x", "1.30", "a: b", "it's", "\"", "", "- x", "# x", "null", "ü"} {
			f.Add([]byte(doc), 1, value)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, n int, value string) {
		if (Value{File: "f.yaml", Path: "a", Value: value}).check() != nil || !utf8.Valid(data) || len(data) > 1<<16 {
			return
		}
		doc, c := nthScalar(data, n)
		if c == nil || c.node.Value == value {
			return
		}
		tok, reason := doc.locate(c)
		edited, _, refusal := doc.splice([]wanted{{at: c, value: value, typed: true}})
		if refusal != nil {
			return
		}
		if reason != "" {
			t.Fatalf("edited although it was not located: %s", reason)
		}
		if !bytes.HasPrefix(edited, data[:tok.start]) || !bytes.HasSuffix(edited, data[tok.end:]) {
			t.Fatalf("bytes outside the token changed\n%q\n%q", data, edited)
		}
		after, d := nthScalar(edited, n)
		if d == nil || d.node.Value != value || d.path() != c.path() {
			t.Fatalf("scalar %d is not %q\n%q\n%q", n, value, data, edited)
		}
		checkMeaning(t, data, edited, doc, c)
		if tok.quote == 0 && (classify(c.node.Value) != typeString || !plainSafe(c.node.Value)) {
			return // gets quotes on the way back
		}
		restored, _, refusal := after.splice([]wanted{{at: d, value: c.node.Value, typed: true}})
		if refusal != nil || tok.quote != 0 && !bytes.Equal(restored, data) {
			t.Fatalf("going back: %v\n%q\n%q\n%q", refusal, data, edited, restored)
		}
		if plain := !strings.ContainsRune(`"'`, rune(edited[tok.start])); plain && !bytes.Equal(restored, data) {
			t.Fatalf("going back gives other bytes\n%q\n%q\n%q", data, edited, restored)
		}
	})
}

func nthScalar(data []byte, n int) (*document, *cursor) {
	doc, err := parseDocument(File{Path: "f.yaml", Data: data})
	if err != nil {
		return nil, nil
	}
	w, err := findIn(doc)
	if err != nil || n < 0 || n >= len(w.scalars) {
		return nil, nil
	}
	return doc, w.scalars[n]
}

// checkMeaning decodes both versions the way a reader does and counts the values that differ.
func checkMeaning(t *testing.T, before, after []byte, doc *document, c *cursor) {
	var old, edited []any
	for _, x := range []struct {
		data []byte
		out  *[]any
	}{{before, &old}, {after, &edited}} {
		for d := yaml.NewDecoder(bytes.NewReader(x.data)); ; {
			var v any
			if err := d.Decode(&v); err != nil {
				if err.Error() != "EOF" {
					return // duplicate keys and the like
				}
				break
			}
			*x.out = append(*x.out, v)
		}
	}
	left, right := map[string]string{}, map[string]string{}
	flatten("", old, left)
	flatten("", edited, right)
	w, err := findIn(doc)
	if err != nil {
		t.Fatal(err)
	}
	if got, most := len(changed(left, right)), 1+len(w.inherited[c.node]); got > most {
		t.Fatalf("%d values changed, want at most %d: %v\n%q\n%q", got, most, changed(left, right), before, after)
	}
}

// FuzzPlain: what is said to be safe without quotes reads as that text, in block and in flow.
func FuzzPlain(f *testing.F) {
	for _, s := range []string{"1.30", "1e3", "0755", "on", "2026-01-01", "a: b", "a #b", "-", "--- a", "<<", "=", "~", ".5", "0x1p-2", "1_0", "é", "?a", "a?", "a? b", "a:",
		"1.8.2", "main-abc", "-x", "190:20:30", "+.inf", "0b1", "12e03", "...", "a\u00a0b", "- a", "\u2003x", "x\ufeff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if classify(s) != typeString || !plainSafe(s) {
			return
		}
		for _, doc := range []string{"a: " + s + "\n", "{a: " + s + ", b: c}", "- " + s, "[" + s + "]", "a: " + s + " # c"} {
			var node yaml.Node
			if err := yaml.Unmarshal([]byte(doc), &node); err != nil {
				t.Fatalf("%q: %v", doc, err)
			}
			value := node.Content[0].Content[0]
			if node.Content[0].Kind == yaml.MappingNode {
				value = node.Content[0].Content[1]
			}
			if value.Value != s || value.ShortTag() != "!!str" {
				t.Fatalf("%q reads as %s %q", doc, value.ShortTag(), value.Value)
			}
		}
	})
}

// FuzzBump: no input makes the package panic or edit bytes it does not report.
func FuzzBump(f *testing.F) {
	for _, file := range corpus(f) {
		f.Add(file.Data)
	}
	for _, piece := range pieces {
		f.Add([]byte(strings.NewReplacer("N", "acme/api", "T", "v1.0.0").Replace(piece)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		files := []File{{"f.yaml", data}}
		PlainSecrets(files[0])
		refs, err := Find(files)
		if err != nil {
			t.Fatal(err)
		}
		for _, ref := range refs {
			result, err := Bump(files, Request{Images: []Image{{Name: ref.Image.Name, Tag: "v9.9.9"}}, AllowDowngrade: true})
			if err != nil {
				continue
			}
			if (len(result.Edits) == 0) != (len(result.Files) == 0) {
				t.Fatalf("%d edits, %d files", len(result.Edits), len(result.Files))
			}
			for _, edited := range result.Files {
				again, err := Bump([]File{{"f.yaml", edited}}, Request{Images: []Image{{Name: ref.Image.Name, Tag: "v9.9.9"}}})
				if err != nil || len(again.Edits) > 0 {
					t.Fatalf("a second run edits %v, %v\n%q\n%q", again.Edits, err, data, edited)
				}
			}
		}
	})
}
