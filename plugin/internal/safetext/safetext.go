// Package safetext makes text from Git, a cluster or a server safe to show. It does not know where the text is shown:
// what HTML or Markdown needs besides is the caller's part.
package safetext

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Hostile tells whether a terminal would obey r, show nothing for it, or show it in another place: control characters,
// the line separators of Unicode, and all format characters (category Cf), which include every Bidi_Control.
func Hostile(r rune) bool {
	return r == '\u2028' || r == '\u2029' || unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Bidi_Control)
}

// JSON writes what would change the direction of text in a terminal as escapes of JSON. The value of the document stays the same.
func JSON(document []byte) []byte {
	if !bytes.ContainsFunc(document, turns) {
		return document
	}
	var out bytes.Buffer
	for _, r := range string(document) {
		if turns(r) {
			fmt.Fprintf(&out, `\u%04x`, r)
		} else {
			out.WriteRune(r)
		}
	}
	return out.Bytes()
}

func turns(r rune) bool { return unicode.Is(unicode.Bidi_Control, r) }

// Line returns text as one line. Hostile characters are written as escapes of Go (\n, \x00, \u202e), the escape
// character as ^[, and bytes that are not UTF-8 as \xff. A tab becomes a space.
func Line(text string) string {
	return escape(text, func(r rune) (string, bool) { return " ", r == '\t' })
}

// Lines is Line, but keeps line feeds and tabs.
func Lines(text string) string {
	return escape(text, func(r rune) (string, bool) { return string(r), r == '\n' || r == '\t' })
}

// escape writes what is hostile in text as escapes. exempt returns what stands for a character instead.
func escape(text string, exempt func(rune) (string, bool)) string {
	if utf8.ValidString(text) && !strings.ContainsFunc(text, Hostile) {
		return text
	}
	var out strings.Builder
	for i, r := range text {
		instead, is := exempt(r)
		switch {
		case is:
			out.WriteString(instead)
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], string(utf8.RuneError)):
			fmt.Fprintf(&out, `\x%02x`, text[i])
		case r == '\x1b':
			out.WriteString("^[")
		case Hostile(r):
			quoted := strconv.QuoteRuneToASCII(r)
			out.WriteString(quoted[1 : len(quoted)-1])
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}
