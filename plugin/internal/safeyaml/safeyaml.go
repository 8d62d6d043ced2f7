// Package safeyaml writes values so that every YAML parser reads them back unchanged. JSON is almost YAML: JSON may hold
// characters as they are that YAML takes only escaped (U+007F to U+009F), or reads as the end of a line (U+0085, U+2028).
//
// It also prepares what others wrote for such a parser. It does NOT read YAML.
package safeyaml

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"sigs.k8s.io/yaml"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/safetext"
)

// JSON returns v as JSON that is YAML, too.
func JSON(v any) ([]byte, error) {
	text, err := json.Marshal(v)
	return Escape(text), err
}

// YAML returns v as YAML, with the field names of its JSON form, sorted. A value that would change the direction of text in a
// terminal is written as JSON with escapes, which is YAML, too.
func YAML(v any) ([]byte, error) {
	text, err := JSON(v)
	if err != nil {
		return nil, err
	}
	if safe := safetext.JSON(text); len(safe) != len(text) {
		var out bytes.Buffer
		err := json.Indent(&out, safe, "", "  ")
		out.WriteByte('\n')
		return out.Bytes(), err
	}
	return yaml.JSONToYAML(text)
}

// Escape makes YAML of JSON: it writes what YAML would refuse or change as \u escapes. The value stays the same. Text
// that needs no change is returned as it is.
func Escape(text []byte) []byte {
	first := bytes.IndexFunc(text, special)
	if first < 0 {
		return text
	}
	out := append(make([]byte, 0, len(text)+64), text[:first]...)
	for rest := text[first:]; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		if special(r) {
			out = fmt.Appendf(out, `\u%04x`, r) // JSON has non-ASCII characters inside of strings only
		} else {
			out = append(out, rest[:size]...)
		}
		rest = rest[size:]
	}
	return out
}

// special holds for characters that YAML wants escaped: see c-printable and b-char in its specification. JSON escapes
// those below U+0020 itself. None of these is beyond U+FFFF.
func special(r rune) bool {
	switch {
	case r < 0x7f:
		return false
	case r <= 0x9f, r == '\u2028', r == '\u2029', r == '\ufeff', r == '\ufffe', r == '\uffff':
		return true
	}
	return false
}

// FromJSON makes YAML of text that is JSON: beyond what Escape does, it joins the two halves of a character above U+FFFF
// (\ud83d\ude00), which YAML does not know. Half a character stands for U+FFFD, as in Go's JSON.
func FromJSON(text []byte) []byte {
	var out []byte
	for at := 0; at < len(text); {
		first, ok := escapedUnit(text, at)
		if !ok {
			n := 1
			if text[at] == '\\' {
				n = min(2, len(text)-at)
			}
			out = append(out, text[at:at+n]...)
			at += n
			continue
		}
		width := len(`\u0000`)
		if !utf16.IsSurrogate(first) {
			out = append(out, text[at:at+width]...)
			at += width
			continue
		}
		whole := unicode.ReplacementChar
		if second, ok := escapedUnit(text, at+width); ok {
			if whole = utf16.DecodeRune(first, second); whole != unicode.ReplacementChar {
				width *= 2
			}
		}
		out = utf8.AppendRune(out, whole)
		at += width
	}
	return Escape(out)
}

// escapedUnit returns the UTF-16 unit that is written as \uXXXX at a place.
func escapedUnit(text []byte, at int) (rune, bool) {
	if at+6 > len(text) || text[at] != '\\' || text[at+1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(text[at+2:at+6]), 16, 16)
	return rune(n), err == nil
}

// tameStart begins a range of private characters that stand for those a YAML parser refuses to read as they are.
const tameStart = 0xfee00

// Tame returns YAML in which other characters stand for those that parsers refuse (U+0001, U+001B, U+007F, ...), though
// the API server takes them. What was read from it goes through Restore. changed is false when there are none, or when
// the text holds the stand-ins itself.
func Tame(text []byte) (tamed []byte, changed bool) {
	if !bytes.ContainsFunc(text, refused) || bytes.ContainsFunc(text, standIn) {
		return text, false
	}
	return bytes.Map(func(r rune) rune {
		switch {
		case r == '\ufffe', r == '\uffff':
			return tameStart + 0x100 + r - '\ufffe'
		case refused(r):
			return tameStart + r
		}
		return r
	}, text), true
}

// refused holds for what the parsers do not read outside of escapes.
func refused(r rune) bool {
	switch r {
	case '\t', '\n', '\r', '\u0085':
		return false
	}
	return r < ' ' || r >= 0x7f && r <= 0x9f || r == '\ufffe' || r == '\uffff'
}

func standIn(r rune) bool { return r >= tameStart && r <= tameStart+0x1ff }

// RestoreText undoes Tame in a text.
func RestoreText(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case !standIn(r):
			return r
		case r >= tameStart+0x100:
			return r - tameStart - 0x100 + '\ufffe'
		}
		return r - tameStart
	}, text)
}

// Restore undoes Tame in all that strings, lists and mappings hold, and returns the value; parts of the given one may change.
func Restore(value any) any {
	switch v := value.(type) {
	case string:
		return RestoreText(v)
	case []any:
		for i := range v {
			v[i] = Restore(v[i])
		}
	case map[string]any:
		restored := make(map[string]any, len(v))
		for key, inner := range v {
			restored[RestoreText(key)] = Restore(inner)
		}
		return restored
	}
	return value
}
