package bumper

import (
	"fmt"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Value is an explicit edit of one scalar: the slash path of the file, the YAML path in it, and the new value.
//
// A YAML path is keys joined by dots, with list items by index, [0], or by a field, [name=web]. A key that holds a dot
// is written ["app.kubernetes.io/version"]. In a file of several documents a path may start with an index or a field of
// the document: [1].spec.replicas, [kind=Deployment][metadata.name=web].spec.replicas.
//
// A value takes the place of one of its own type: 3 becomes 5 and true becomes false without quotes, and a string
// stays a string, with quotes if it needs them. What was empty or null becomes a string.
type Value struct {
	File, Path, Value string
}

// ParseValue reads file:path=value. The value is everything after the first = outside brackets. A file outside the
// repository, a malformed path or a value of several lines is an error.
func ParseValue(s string) (Value, error) {
	file, rest, ok := strings.Cut(s, ":")
	if !ok {
		return Value{}, fmt.Errorf("value %q: no : after the file (write file:path=value)", s)
	}
	end := equalsOutsideBrackets(rest)
	if end < 0 {
		return Value{}, fmt.Errorf("value %q: no = after the path (write file:path=value)", s)
	}
	v := Value{File: path.Clean(file), Path: rest[:end], Value: rest[end+1:]}
	if file == "" {
		return Value{}, fmt.Errorf("value %q: no file before the colon", s)
	}
	if err := v.check(); err != nil {
		return Value{}, fmt.Errorf("value %q: %w", s, err)
	}
	return v, nil
}

func (v Value) check() error {
	if path.IsAbs(v.File) || v.File == ".." || strings.HasPrefix(v.File, "../") || strings.Contains(v.File, "\\") {
		return fmt.Errorf("file %q is not in the repository (a path from its root, with slashes)", v.File)
	}
	if _, err := parsePath(v.Path); err != nil {
		return err
	}
	if !utf8.ValidString(v.Value) || strings.ContainsFunc(v.Value, func(r rune) bool {
		return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == '\ufeff' || r == '\ufffe' || r == '\uffff'
	}) {
		return fmt.Errorf("the value has line breaks or control characters")
	}
	return nil
}

func equalsOutsideBrackets(s string) int {
	depth, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\':
			i++
		case c == '"' && depth > 0:
			quoted = !quoted
		case quoted:
		case c == '[':
			depth++
		case c == ']' && depth > 0:
			depth--
		case c == '=' && depth == 0:
			return i
		}
	}
	return -1
}
