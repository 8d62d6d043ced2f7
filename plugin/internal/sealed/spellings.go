package sealed

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/safetext"
)

// spellings are the forms in which a value turns up in text: as it is, quoted as in Go, JSON, URLs and HTML, in
// hexadecimal digits, and in base64 by itself and inside of a longer text.
func spellings(value string) []string {
	quoted := strconv.Quote(value)
	all := []string{value, quoted[1 : len(quoted)-1], safetext.Lines(value), safetext.Line(value), url.QueryEscape(value), url.PathEscape(value),
		html.EscapeString(value), hex.EncodeToString([]byte(value)), strings.ToUpper(hex.EncodeToString([]byte(value)))}
	if text, err := json.Marshal(value); err == nil {
		all = append(all, string(text[1:len(text)-1]))
	}
	all = append(all, inBase64(value)...)
	if broken := brokenBase64(value); broken != "" {
		all = append(all, broken)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// inBase64 are the base64 forms of a value: of the value alone, and what is always the same where it begins at any place of a
// longer text.
func inBase64(value string) []string {
	var all []string
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
		alone := encoding.EncodeToString([]byte(value))
		all = append(all, alone, strings.TrimRight(alone, "="))
		for before := range 3 {
			bits := 8 * (before + len(value))
			text := encoding.EncodeToString([]byte(strings.Repeat("\x00", before) + value))
			if core := text[(8*before+5)/6 : bits/6]; len(core) >= inside {
				all = append(all, core)
			}
		}
	}
	return all
}

// lineLength is the number of characters in a line of base64 that Kustomize writes.
const lineLength = 70

// brokenBase64 is the base64 of a value in lines, as a secretGenerator of Kustomize writes it; "" when one line is enough.
func brokenBase64(value string) string {
	text := base64.StdEncoding.EncodeToString([]byte(value))
	if len(text) < lineLength {
		return ""
	}
	var lines []string
	for ; len(text) > lineLength; text = text[lineLength:] {
		lines = append(lines, text[:lineLength])
	}
	return strings.Join(append(lines, text), "\n")
}

// Lines adds to values the lines of those that have several, from sixteen characters on: of a file in a Secret, messages and logs often
// show one line.
func Lines(from map[string]string) map[string]string {
	all := maps.Clone(from)
	for value, at := range from {
		if plain, is := decoded(value); is {
			value = plain
		}
		lines := strings.Split(value, "\n")
		for _, line := range lines {
			if line = strings.TrimSpace(line); len(lines) > 1 && len(line) >= 2*inside && !strings.HasPrefix(line, "-----") && all[line] == "" {
				all[line] = "a line of " + at
			}
		}
	}
	return all
}

// decoded is the text that a value is base64 of, if it is that of any.
func decoded(value string) (text string, is bool) {
	plain, err := base64.StdEncoding.DecodeString(strings.TrimSpace(value))
	return string(plain), err == nil && utf8.Valid(plain) && Telling(string(plain))
}

// longest bounds what is looked for at one place, in bytes, so that the work for a text grows with its length only.
const longest = 256

// isFile tells a long value of several lines from a key or a token. It may hold much that stands elsewhere as well, so it is
// looked for as a whole.
func isFile(value string) bool {
	return len(value) >= 2*longest && strings.Contains(strings.TrimSpace(value), "\n")
}

// pieces cuts a long value.
func pieces(text string) []string {
	var all []string
	for len(text) >= 2*longest {
		all = append(all, text[:longest])
		text = text[longest:]
	}
	return append(all, text)
}
