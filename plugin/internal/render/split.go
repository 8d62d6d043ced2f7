package render

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// document is one YAML or JSON document of a file.
type document struct {
	text  []byte
	start int // line of the file its text begins on, 1-based
	line  int // first line that is neither blank nor a comment
	json  bool
}

// lineError is an error at a line of the file, and what to do about it.
type lineError struct {
	line    int
	message string
	hint    string
}

func (e lineError) Error() string { return e.message }

var (
	utf8BOM = []byte("\xef\xbb\xbf")
	// YAML 1.1 knows more line breaks than LF and CRLF. A separator after one of those would end the document for
	// the YAML parser but not here, and what follows would be lost without a word.
	oddBreaks  = []string{"\r", "\u0085", "\u2028", "\u2029"}
	separators = []string{"---", "..."}
)

const saveAsText = "save the file as UTF-8 text with LF line ends"

const hiddenMessage = "a document separator follows a line break that is neither LF nor CRLF"

// maxDocuments bounds the documents of one file.
const maxDocuments = 100_000

// checkText refuses what is not UTF-8 text and returns it without its byte order mark.
func checkText(data []byte) ([]byte, error) {
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return nil, lineError{1, "the file is UTF-16, not UTF-8", saveAsText}
	}
	data = bytes.TrimPrefix(data, utf8BOM)
	if i := bytes.IndexByte(data, 0); i >= 0 {
		return nil, lineError{lineAt(data, i), "the file holds a NUL byte", saveAsText}
	}
	if !utf8.Valid(data) {
		i := 0
		for {
			r, size := utf8.DecodeRune(data[i:])
			if r == utf8.RuneError && size == 1 {
				return nil, lineError{lineAt(data, i), "the file is not valid UTF-8", saveAsText}
			}
			i += size
		}
	}
	return data, nil
}

func lineAt(data []byte, offset int) int { return 1 + bytes.Count(data[:offset], []byte("\n")) }

// split cuts a file into its documents, as kubectl does: at lines that begin with "---", and after "..." lines.
// Documents without content are dropped. JSON values that follow each other are documents too.
func split(data []byte) ([]document, error) {
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		if docs, err := splitJSON(data); err == nil {
			return docs, nil
		}
	}
	if at := hiddenSeparator(data); at >= 0 {
		return nil, lineError{lineAt(data, at), hiddenMessage, saveAsText}
	}
	var docs []document
	current := document{start: 1}
	begin := 0
	end := func(at, line, next int) {
		if current.text = data[begin:at]; current.line > 0 {
			docs = append(docs, current)
		}
		current, begin = document{start: line}, next
	}
	line := 0
	for offset := 0; offset < len(data); {
		line++
		next := len(data)
		if i := bytes.IndexByte(data[offset:], '\n'); i >= 0 {
			next = offset + i + 1
		}
		text := data[offset:next]
		switch kind, err := classify(text); {
		case err != nil:
			return nil, lineError{line, err.Error(), "put --- on a line of its own"}
		case kind == separator:
			if end(offset, line+1, next); len(docs) > maxDocuments {
				return nil, lineError{line, fmt.Sprintf("the file holds more than %d documents", maxDocuments), "split the file"}
			}
		case kind == content && current.line == 0:
			current.line = line
		}
		offset = next
	}
	end(len(data), line, len(data))
	return docs, nil
}

// hiddenSeparator is where the first separator follows an odd line break, -1 when none does.
func hiddenSeparator(data []byte) int {
	first := -1
	for _, odd := range oddBreaks {
		for _, s := range separators {
			if at := bytes.Index(data, []byte(odd+s)); at >= 0 && (first < 0 || at < first) {
				first = at
			}
		}
	}
	return first
}

type lineKind int

const (
	blank lineKind = iota
	separator
	content
)

func classify(line []byte) (lineKind, error) {
	if rest, ok := bytes.CutPrefix(line, []byte("---")); ok {
		if rest = bytes.TrimSpace(rest); len(rest) > 0 && rest[0] != '#' {
			return separator, errors.New("a document separator --- must stand alone on its line")
		}
		return separator, nil
	}
	if rest, ok := bytes.CutPrefix(line, []byte("...")); ok {
		if rest = bytes.TrimSpace(rest); len(rest) == 0 || rest[0] == '#' {
			return separator, nil
		}
	}
	switch trimmed := bytes.TrimSpace(line); {
	case len(trimmed) == 0, trimmed[0] == '#', line[0] == '%': // a directive such as %YAML 1.1
		return blank, nil
	}
	return content, nil
}

// splitJSON cuts a stream of JSON values. It fails when the file is not JSON from its first to its last byte.
func splitJSON(data []byte) ([]document, error) {
	var docs []document
	decoder := json.NewDecoder(bytes.NewReader(data))
	line, counted := 1, 0
	for {
		var raw json.RawMessage
		err := decoder.Decode(&raw)
		if errors.Is(err, io.EOF) {
			return docs, nil
		} else if err != nil {
			return nil, err
		}
		begin := int(decoder.InputOffset()) - len(raw)
		line += bytes.Count(data[counted:begin], []byte("\n"))
		counted = begin
		docs = append(docs, document{text: raw, start: line, line: line, json: true})
	}
}
