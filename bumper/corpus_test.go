package bumper

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// corpus returns the files of testdata/corpus.
func corpus(t testing.TB) []File {
	t.Helper()
	names, err := filepath.Glob("testdata/corpus/*")
	if err != nil || len(names) < 8 {
		t.Fatalf("corpus: %v, %v", names, err)
	}
	var files []File
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, File{Path: filepath.Base(name), Data: data})
	}
	return files
}

// variants are the ways in which the bytes of one file may be laid out.
var variants = []struct {
	name string
	make func(string) string
}{
	{"as written", func(s string) string { return s }},
	{"crlf", func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }},
	{"lone cr", func(s string) string { return strings.ReplaceAll(s, "\n", "\r") }},
	{"mixed line ends", func(s string) string {
		lines := strings.SplitAfter(s, "\n")
		for i := 0; i < len(lines); i += 3 {
			lines[i] = strings.Replace(lines[i], "\n", "\r\n", 1)
		}
		return strings.Join(lines, "")
	}},
	{"byte order mark", func(s string) string { return bom + s }},
	{"no final newline", func(s string) string { return strings.TrimRight(s, "\n") }},
	{"blank lines at the end", func(s string) string { return s + "\n\n   \n\n" }},
	{"document start", func(s string) string { return "%YAML 1.1\n---\n" + s }},
	{"second document", func(s string) string { return "sep: \"ü\u2028\u2029\u0085\" # ü\u2028# c\n...\n---\n" + s }},
	{"after 10,000 lines", func(s string) string {
		return strings.Repeat("# ü\n", 9000) + "filler:\n" +
			strings.Repeat("- {\"ü\": 'it''s', b: \"世界\", c: 1.30} # ü\n", 1000) + "...\n---\n" + s
	}},
}

func eachVariant(t *testing.T, test func(t *testing.T, f File)) {
	for _, f := range corpus(t) {
		for _, v := range variants {
			if strings.HasSuffix(f.Path, ".json") && strings.Contains(v.name, "document") {
				continue
			}
			if testing.Short() && strings.Contains(v.name, "10,000") {
				continue
			}
			t.Run(f.Path+"/"+v.name, func(t *testing.T) {
				t.Parallel()
				test(t, File{Path: f.Path, Data: []byte(v.make(string(f.Data)))})
			})
		}
	}
}

// decode is the oracle for meaning: what a reader of the file gets, aliases and merges expanded, as path=value lines.
func decode(t *testing.T, data []byte) map[string]string {
	t.Helper()
	out := map[string]string{}
	for i, d := 0, yaml.NewDecoder(bytes.NewReader(data)); ; i++ {
		var v any
		if err := d.Decode(&v); err == io.EOF {
			return out
		} else if err != nil {
			t.Fatalf("%v in %s", err, data[:min(len(data), 400)])
		}
		flatten(fmt.Sprint(i), v, out)
	}
}

func flatten(path string, v any, out map[string]string) {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			flatten(path+"/"+key, value, out)
		}
	case map[any]any:
		for key, value := range v {
			flatten(fmt.Sprintf("%s/%v", path, key), value, out)
		}
	case []any:
		for i, value := range v {
			flatten(fmt.Sprintf("%s/%d", path, i), value, out)
		}
	default:
		out[path] = fmt.Sprintf("%T %v", v, v)
	}
}

// changed returns the paths that mean something else after an edit.
func changed(before, after map[string]string) []string {
	var out []string
	for path, value := range before {
		if after[path] != value {
			out = append(out, path)
		}
	}
	for path := range after {
		if _, ok := before[path]; !ok {
			out = append(out, path)
		}
	}
	slices.Sort(out)
	return out
}

// outside checks that data differs from old in the tokens of edits only: at each reported place the old text gives way
// to the new one, and all other bytes are the same.
func outside(t *testing.T, old, data []byte, edits []Edit) {
	t.Helper()
	last := len(old)
	end := len(data)
	for _, e := range slices.Backward(edits) {
		start := byteAt(t, old, e.Line, e.Column)
		tail := old[start:last]
		token := e.Old
		switch tail[0] {
		case '"':
			token = `"` + e.Old + `"`
		case '\'':
			token = "'" + strings.ReplaceAll(e.Old, "'", "''") + "'"
		}
		after, ok := bytes.CutPrefix(tail, []byte(token))
		if !ok {
			t.Fatalf("%d:%d: there is %q, not %q", e.Line, e.Column, tail[:min(len(tail), 40)], token)
		}
		if !bytes.HasSuffix(data[:end], after) {
			t.Fatalf("bytes after the token at %d:%d changed: %q, want %q", e.Line, e.Column, data[max(0, end-len(after)):end], after)
		}
		end -= len(after)
		if written, ok := strings.CutSuffix(string(data[:end]), e.New); ok {
			end = len(written)
		} else if written, ok := strings.CutSuffix(string(data[:end-1]), e.New); ok && (data[end-1] == '"' || data[end-1] == '\'') {
			end = len(written) - 1
		} else {
			t.Fatalf("%d:%d: %q does not end with %q", e.Line, e.Column, data[max(0, end-80):end], e.New)
		}
		last = start
	}
	if !bytes.Equal(old[:last], data[:end]) {
		t.Fatalf("bytes before the first token changed")
	}
}

// byteAt is a second, simple implementation of where an editor's line and column are.
func byteAt(t *testing.T, data []byte, line, column int) int {
	t.Helper()
	at := 0
	for ; line > 1; line-- {
		at += bytes.IndexByte(data[at:], '\n') + 1
	}
	if at == 0 && bytes.HasPrefix(data, []byte(bom)) {
		at = len(bom)
	}
	for ; column > 1; column-- {
		_, size := utf8.DecodeRune(data[at:])
		at += size
	}
	return at
}

// Every reference in every file and layout is bumped, bumped again and bumped back.
func TestEveryReference(t *testing.T) {
	eachVariant(t, func(t *testing.T, f File) {
		refs, err := Find([]File{f})
		if err != nil || len(refs) == 0 {
			t.Fatalf("%d references, %v", len(refs), err)
		}
		for i, ref := range refs {
			if len(f.Data) > 50_000 && i > 0 && i < len(refs)-1 {
				continue // the first and the last say it all
			}
			if ref.Image.Tag == "" && ref.Image.Digest == "" {
				continue // an ImageRepository
			}
			want := Image{Name: ref.Image.Name, Tag: "9.9.9"}
			if ref.Image.Digest != "" {
				want.Digest = shaB
				if ref.Image.Tag == "" {
					want.Tag = ""
				}
				if ref.Image.Digest == shaB {
					want.Digest = shaA
				}
			}
			bumpThereAndBack(t, f, want, ref)
		}
	})
}

func bumpThereAndBack(t *testing.T, f File, want Image, ref Reference) {
	t.Helper()
	first, err := Bump([]File{f}, Request{Images: []Image{want}, AllowDowngrade: true})
	if err != nil {
		t.Errorf("%s: %v", want, err)
		return
	}
	data, ok := first.Files[f.Path]
	if !ok || len(first.Edits) == 0 {
		t.Errorf("%s: nothing edited", want)
		return
	}
	outside(t, f.Data, data, first.Edits)
	meant := changed(decode(t, f.Data), decode(t, data))
	if len(meant) < len(first.Edits) || f.Path != "anchors.yaml" && len(meant) != len(first.Edits) {
		t.Errorf("%s: the edits %v change %v", want, first.Edits, meant)
	}
	again, err := Bump([]File{{f.Path, data}}, Request{Images: []Image{want}})
	if err != nil || len(again.Edits) != 0 || len(again.Files) != 0 || len(again.Current) == 0 {
		t.Errorf("%s: a second run edits %v, %v", want, again.Edits, err)
	}
	old := Image{Name: ref.Image.Name, Tag: ref.Image.Tag, Digest: ref.Image.Digest}
	back, err := Bump([]File{{f.Path, data}}, Request{Images: []Image{old}, AllowDowngrade: true})
	if err != nil {
		t.Errorf("%s: back: %v", old, err)
		return
	}
	restored := back.Files[f.Path]
	if classify(ref.Image.Tag) != typeString { // a bare number had to become text, so it now has quotes
		restored = bytes.Replace(restored, []byte(`"`+ref.Image.Tag+`"`), []byte(ref.Image.Tag), 1)
		if bytes.Equal(restored, f.Data) {
			return
		}
		restored = back.Files[f.Path]
	}
	if !bytes.Equal(restored, f.Data) {
		t.Errorf("%s: bumping back gives\n%s", old, restored)
	}
}

// What a reader of the corpus finds by eye: each value that looks like an image must be found, or be in this list.
func TestNothingThatLooksLikeAnImageIsMissed(t *testing.T) {
	notImages := []string{"acme/text", "acme/commented", "sep: ", "größenlos"}
	for _, f := range corpus(t) {
		refs, err := Find([]File{f})
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(f.Data), "\n") {
			looks := strings.Contains(line, "acme/") || strings.Contains(line, "newTag") || strings.Contains(line, "ag:")
			if !looks || slices.ContainsFunc(notImages, func(s string) bool { return strings.Contains(line, s) }) {
				continue
			}
			if !slices.ContainsFunc(refs, func(r Reference) bool {
				name := r.Image.Name[strings.LastIndexByte(r.Image.Name, '/')+1:]
				return r.Line == i+1 || strings.Contains(line, name)
			}) {
				t.Errorf("%s:%d: not found: %s", f.Path, i+1, line)
			}
		}
	}
}

// Every scalar of every file gets another value by an explicit edit, and then its own again. Only the listed reasons
// may keep one from being edited.
func TestEveryScalar(t *testing.T) {
	refusals := []string{"is a block scalar", "through the alias", "is merged in from *", "is written over several lines",
		"is written with escapes", "has the tag !!int"}
	eachVariant(t, func(t *testing.T, f File) {
		doc, err := parseDocument(f)
		if err != nil {
			t.Fatal(err)
		}
		w, err := findIn(doc)
		if err != nil {
			t.Fatal(err)
		}
		edited := 0
		for i, c := range w.scalars {
			if len(w.scalars) > 1000 && i > 0 && i < len(w.scalars)-1 {
				continue // mostly filler
			}
			if valueThereAndBack(t, f, c, refusals) {
				edited++
			}
		}
		if edited < 5 && len(w.scalars) < 1000 {
			t.Errorf("only %d scalars could be edited", edited)
		}
	})
}

func valueThereAndBack(t *testing.T, f File, c *cursor, refusals []string) bool {
	t.Helper()
	old := c.node.Value
	value := "bumped/v9.9.9"
	if classify(old) != typeString && c.node.ShortTag() != "!!str" && c.node.ShortTag() != "!!null" {
		value = map[scalarType]string{typeBool: "false", typeInt: "77", typeFloat: "7.5", typeTime: "2001-02-03"}[classify(old)]
		if old == value {
			value = "true"
		}
	}
	v := Value{File: f.Path, Path: c.path(), Value: value}
	first, err := Bump([]File{f}, Request{Values: []Value{v}})
	if err != nil {
		if !slices.ContainsFunc(refusals, func(s string) bool { return strings.Contains(err.Error(), s) }) {
			t.Errorf("%v: %v", v, err)
		}
		return false
	}
	if len(first.Edits) != 1 || first.Edits[0].New != value {
		t.Errorf("%v: edits %v", v, first.Edits)
		return false
	}
	data := first.Files[f.Path]
	if old != "" {
		outside(t, f.Data, data, first.Edits)
	}
	if meant := changed(decode(t, f.Data), decode(t, data)); len(meant) == 0 || len(meant) != 1 && f.Path != "anchors.yaml" {
		t.Errorf("%v changes %v", v, meant)
	}
	again, err := Bump([]File{{f.Path, data}}, Request{Values: []Value{v}})
	if err != nil || len(again.Edits) != 0 || len(again.Current) != 1 {
		t.Errorf("%v: a second run edits %v, %v", v, again.Edits, err)
	}
	if c.node.ShortTag() == "!!null" {
		return true
	}
	v.Value = old
	back, err := Bump([]File{{f.Path, data}}, Request{Values: []Value{v}})
	if err != nil {
		t.Errorf("%v: back: %v", v, err)
		return false
	}
	restored := back.Files[f.Path]
	if classify(old) != typeString || !plainSafe(old) {
		restored = bytes.Replace(restored, []byte(`"`+old+`"`), f.Data[tokenOf(t, f, c).start:tokenOf(t, f, c).end], 1)
	}
	if !bytes.Equal(restored, f.Data) && !bytes.Equal(back.Files[f.Path], f.Data) {
		t.Errorf("%v: setting it back does not restore the file", v)
	}
	return true
}

func tokenOf(t *testing.T, f File, c *cursor) token {
	t.Helper()
	doc, err := parseDocument(f)
	if err != nil {
		t.Fatal(err)
	}
	located, reason := doc.locate(c)
	if reason != "" {
		t.Fatal(reason)
	}
	return located
}
