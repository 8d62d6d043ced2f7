package yamlerror

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// jsonTable has the words for what Go's JSON parser says.
var jsonTable = []struct{ says, message, hint string }{
	{"'}' looking for beginning of object key", "a comma before }", "remove the comma"},
	{"']' looking for beginning of value", "a comma before ], or a value is missing", "remove the comma"},
	{"'}' looking for beginning of value", "a value is missing before }", "write the value"},
	{"'/' looking for", "a comment", "JSON has no comments: remove it, or name the file .yaml"},
	{"'#' looking for", "a comment", "JSON has no comments: remove it, or name the file .yaml"},
	{"'\\'' looking for", "a single quote", "JSON wants double quotes"},
	{"looking for beginning of object key", "a key that is not in double quotes", "put the key in double quotes"},
	{"after object key:value pair", "a comma is missing", "write a comma between two keys"},
	{"after array element", "a comma is missing", "write a comma between two items"},
	{"after object key", "a colon is missing after a key", "write a colon between key and value"},
	{"in string literal", "a line break or control character in a string", "write it as an escape: \\n"},
	{"in string escape code", "an escape that JSON does not know", "write \\\\ for a backslash"},
	{"unexpected end", "the text ends too early: a }, ] or quote is missing", "write the missing one"},
	{"unexpected EOF", "the text ends too early: a }, ] or quote is missing", "write the missing one"},
	{"looking for beginning of value", "a value that JSON does not know", "put text in double quotes"},
}

// JSON explains why text is no JSON, with its line; ok is false when it is.
func JSON(text []byte) (w Words, ok bool) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	for {
		var value json.RawMessage
		err := decoder.Decode(&value)
		if errors.Is(err, io.EOF) {
			return Words{}, false
		}
		if err == nil {
			continue
		}
		offset := int64(len(text))
		var at *json.SyntaxError
		if errors.As(err, &at) {
			offset = min(at.Offset, offset)
		}
		if seen := bytes.TrimRight(text[:offset], " \t\r\n"); strings.Contains(err.Error(), "unexpected") {
			offset = int64(len(seen))
		}
		w := Words{1 + bytes.Count(text[:offset], []byte("\n")), "not valid JSON", ""}
		lines := bytes.Split(text, []byte("\n"))
		if line := conflict(lines); line > 0 {
			return Explain(text, line, ""), true
		}
		for _, t := range jsonTable {
			if strings.Contains(err.Error(), t.says) {
				w.Message, w.Hint = "not valid JSON: "+t.message, t.hint
				break
			}
		}
		return w, true
	}
}
