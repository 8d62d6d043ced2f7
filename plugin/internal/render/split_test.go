package render

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
)

func TestSplit(t *testing.T) {
	type doc struct {
		Text        string
		Start, Line int
	}
	tests := []struct {
		name, file string
		want       []doc
		err        string
	}{
		{"one document", "a: 1\n", []doc{{"a: 1\n", 1, 1}}, ""},
		{"no final newline", "a: 1", []doc{{"a: 1", 1, 1}}, ""},
		{"comments before the content", "# x\n\na: 1\n", []doc{{"# x\n\na: 1\n", 1, 3}}, ""},
		{"separators around", "---\na: 1\n---\n", []doc{{"a: 1\n", 2, 2}}, ""},
		{"comment on a separator", "a: 1\n--- # two\nb: 2\n", []doc{{"a: 1\n", 1, 1}, {"b: 2\n", 3, 3}}, ""},
		{"document end", "a: 1\n...\nb: 2\n", []doc{{"a: 1\n", 1, 1}, {"b: 2\n", 3, 3}}, ""},
		{"CRLF", "a: 1\r\n---\r\nb: 2\r\n", []doc{{"a: 1\r\n", 1, 1}, {"b: 2\r\n", 3, 3}}, ""},
		{"directive", "%YAML 1.1\n---\na: 1\n", []doc{{"a: 1\n", 3, 3}}, ""},
		{"indented dashes are content", "a: |\n  ---\n  b\n", []doc{{"a: |\n  ---\n  b\n", 1, 1}}, ""},
		{"dots in content", "a: 1\n....\n", []doc{{"a: 1\n....\n", 1, 1}}, ""},
		{"empty", "", nil, ""},
		{"only comments", "# a\n---\n# b\n", nil, ""},
		{"JSON values", "{\"a\":\n1}\n\n{\"b\":2}", []doc{{"{\"a\":\n1}", 1, 1}, {"{\"b\":2}", 4, 4}}, ""},
		{"flow YAML", "{a: 1}\n---\n{b: 2}\n", []doc{{"{a: 1}\n", 1, 1}, {"{b: 2}\n", 3, 3}}, ""},
		{"content on a separator", "a: 1\n--- b: 2\n", nil, "a document separator --- must stand alone on its line"},
		{"more dashes", "-----\na: 1\n", nil, "a document separator --- must stand alone on its line"},
		{"old line breaks", "a: 1\r---\rb: 2\n", nil, hiddenMessage},
		{"Unicode line breaks", "a: 1\u2028---\u2028b: 2\n", nil, hiddenMessage},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			docs, err := split([]byte(test.file))
			var got []doc
			for _, d := range docs {
				got = append(got, doc{string(d.text), d.start, d.line})
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if text := errorText(err); text != test.err {
				t.Errorf("error %q, want %q", text, test.err)
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestTextThatIsRefused(t *testing.T) {
	for file, want := range map[string]string{
		"\xff\xfea\x00":      "1: the file is UTF-16, not UTF-8",
		"\xfe\xff\x00a":      "1: the file is UTF-16, not UTF-8",
		"a: 1\nb: \x00\n":    "2: the file holds a NUL byte",
		"a: 1\n\nb: \xc3(\n": "3: the file is not valid UTF-8",
	} {
		_, problem := documents("f.yaml", []byte(file))
		if problem == nil || problem.Error() != "f.yaml:"+want || problem.Hint == "" {
			t.Errorf("%q: got %v, want %s with a hint", file, problem, want)
		}
	}
	docs, problem := documents("f.yaml", []byte("\xef\xbb\xbfa: 1\n"))
	if problem != nil || len(docs) != 1 || string(docs[0].text) != "a: 1\n" {
		t.Errorf("byte order mark: %v, %v", docs, problem)
	}
}

// No content line is lost, and kubectl's reader finds the same number of documents.
func FuzzSplit(f *testing.F) {
	for _, seed := range []string{"a: 1\n---\nb: 2\n", "---\n---\na\n", "# c\n---\n#\n", "a\r\n---\r\nb", "a\n...\nb", "{\"a\":1}{\"b\":2}", "%YAML 1.1\n---\na", "--- #x\na\n---"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		text, err := checkText(data)
		if err != nil {
			return
		}
		docs, err := split(text)
		if err != nil {
			return
		}
		if _, err := splitJSON(text); err == nil {
			return // a stream of JSON values: kubectl reads those with another reader
		}
		var joined []byte
		for i, d := range docs {
			joined = append(append(joined, d.text...), '\n')
			if i > 0 && d.start <= docs[i-1].line || d.line < d.start {
				t.Fatalf("document %d begins on line %d with content on %d", i, d.start, d.line)
			}
		}
		if got, want := contentLines(joined), contentLines(text); got != want {
			t.Fatalf("content lines\n%q\nbecame\n%q", want, got)
		}
		if !bytes.Contains(text, []byte("...")) && !bytes.Contains(text, []byte("\n%")) && !bytes.HasPrefix(text, []byte("%")) {
			if want := kubectlDocuments(t, text); len(docs) != want {
				t.Fatalf("%d documents, kubectl reads %d", len(docs), want)
			}
		}
	})
}

func contentLines(text []byte) string {
	var kept strings.Builder
	for line := range bytes.Lines(text) {
		if kind, err := classify(line); err == nil && kind == content {
			kept.Write(bytes.TrimRight(line, "\n"))
			kept.WriteByte('\n')
		}
	}
	return kept.String()
}

func kubectlDocuments(t *testing.T, text []byte) int {
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	count := 0
	for {
		chunk, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return count
		}
		if err != nil {
			t.Fatalf("kubectl refuses the file: %v", err)
		}
		if contentLines(chunk) != "" {
			count++
		}
	}
}
