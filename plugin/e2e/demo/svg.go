package main

import (
	"encoding/xml"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// theme is what a picture looks like on a light or a dark page. The colours of text are those of GitHub, which keep a
// contrast of at least 4.5 to the background.
type theme struct {
	suffix, background, border, text string
	colours                          map[string]string // by SGR parameter
}

var themes = [...]theme{
	{"", "#f6f8fa", "#d0d7de", "#1f2328", map[string]string{
		"31": "#cf222e", "32": "#116329", "33": "#8a4600", "34": "#0550ae", "36": "#1b7c83", "90": "#57606a", "2": "#57606a"}},
	{"-dark", "#161b22", "#30363d", "#e6edf3", map[string]string{
		"31": "#ff7b72", "32": "#56d364", "33": "#e3b341", "34": "#79c0ff", "36": "#56d4dd", "90": "#8b949e", "2": "#8b949e"}},
}

const (
	charWidth  = 8.0
	lineHeight = 20
	padding    = 18
)

var sgr = regexp.MustCompile("\x1b\\[([0-9;]*)m")

// span is text of one look.
type span struct{ text, code string }

// spans splits a line of a terminal at its SGR sequences.
func spans(line string) []span {
	var out []span
	code, rest := "", line
	for {
		at := sgr.FindStringSubmatchIndex(rest)
		if at == nil {
			break
		}
		if at[0] > 0 {
			out = append(out, span{rest[:at[0]], code})
		}
		code = rest[at[2]:at[3]]
		if code == "0" {
			code = ""
		}
		rest = rest[at[1]:]
	}
	if rest != "" {
		out = append(out, span{rest, code})
	}
	return out
}

// svg draws a terminal with the lines. A line that begins with "$ " is what was typed.
func svg(lines []string, t theme, title string) string {
	columns := 0
	for _, line := range lines {
		columns = max(columns, utf8.RuneCountInString(sgr.ReplaceAllString(line, "")))
	}
	width, height := int(float64(columns)*charWidth)+2*padding, len(lines)*lineHeight+2*padding-6
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="%s">`+"\n", width, height, width, height, escape(title))
	fmt.Fprintf(&b, `<rect x=".5" y=".5" width="%d" height="%d" rx="8" fill="%s" stroke="%s"/>`+"\n", width-1, height-1, t.background, t.border)
	fmt.Fprintf(&b, `<g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace" font-size="13" fill="%s">`+"\n", t.text)
	for i, line := range lines {
		y := padding + 10 + i*lineHeight
		column := 0
		parts := spans(line)
		if rest, typed := strings.CutPrefix(line, "$ "); typed {
			parts = []span{{"$ ", "90"}, {rest, "1"}}
		}
		for _, p := range parts {
			count := utf8.RuneCountInString(p.text)
			if strings.TrimSpace(p.text) != "" {
				fmt.Fprintf(&b, `<text x="%.1f" y="%d" textLength="%.1f" lengthAdjust="spacingAndGlyphs"%s>%s</text>`+"\n",
					padding+float64(column)*charWidth, y, float64(count)*charWidth, t.look(p.code), strings.ReplaceAll(escape(p.text), " ", "\u00a0")) // browsers fold spaces
			}
			column += count
		}
	}
	return b.String() + "</g>\n</svg>\n"
}

// look is the attributes of an SGR parameter.
func (t theme) look(code string) string {
	out := ""
	for _, c := range strings.Split(code, ";") {
		if c == "1" {
			out += ` font-weight="600"`
		}
		if colour, ok := t.colours[c]; ok {
			out += ` fill="` + colour + `"`
		}
	}
	return out
}

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a strings.Builder takes everything
	return b.String()
}
