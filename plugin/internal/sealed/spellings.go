package sealed

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/safetext"
)

// spellings are the forms in which a value turns up in text: as it is, quoted as in Go, JSON, URLs and HTML, in
// hexadecimal digits, in base64 by itself and inside of a longer text, and its lines.
func spellings(value string) []string {
	quoted := strconv.Quote(value)
	all := []string{value, quoted[1 : len(quoted)-1], safetext.Lines(value), safetext.Line(value), url.QueryEscape(value), url.PathEscape(value),
		html.EscapeString(value), hex.EncodeToString([]byte(value)), strings.ToUpper(hex.EncodeToString([]byte(value)))}
	if text, err := json.Marshal(value); err == nil {
		all = append(all, string(text[1:len(text)-1]))
	}
	all = append(all, inBase64(value)...)
	if lines := strings.Split(value, "\n"); len(lines) > 1 {
		for _, line := range lines {
			if line = strings.TrimSpace(line); len(line) >= inside && Telling(line) && !strings.HasPrefix(line, "-----") {
				all = append(all, line)
				all = append(all, inBase64(line)...)
			}
		}
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

// longest bounds what is looked for at one place, in bytes, so that the work for a text grows with its length only.
const longest = 256

// pieces cuts a long value.
func pieces(text string) []string {
	var all []string
	for len(text) >= 2*longest {
		all = append(all, text[:longest])
		text = text[longest:]
	}
	return append(all, text)
}
