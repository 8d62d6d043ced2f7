// Package display turns values from outside into text that is safe to show: in a line of a log, in Markdown, in an output of
// one line. Nothing in such a value can act: no workflow command, no HTML, no mention. The package decides nothing and writes
// nowhere.
package display

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/kubectl-gitops/kubectl-gitops/bumper"
)

// ShortName returns the last part of the name of an image: "api" for "ghcr.io/acme/api".
func ShortName(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }

// Version returns the tag of an image, or the beginning of its digest when it has no tag.
func Version(img bumper.Image) string {
	if img.Tag == "" && len(img.Digest) > 19 {
		return img.Digest[:19]
	}
	return img.Tag
}

// SHA returns the first seven digits of the name of a commit.
func SHA(sha string) string { return sha[:min(7, len(sha))] }

// Count returns "1 edit" or "2 edits".
func Count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// Shorten cuts a text to so many characters. An ellipsis takes the place of the last one.
func Shorten(s string, limit int) string {
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	return string([]rune(s)[:max(limit-1, 0)]) + "…"
}

// OneLine replaces line breaks, control characters, and the invisible characters that change the direction of text by spaces.
func OneLine(s string) string {
	return strings.TrimSpace(strings.Map(func(c rune) rune {
		if unicode.IsControl(c) || c == '\u2028' || c == '\u2029' || unicode.Is(unicode.Bidi_Control, c) || c == utf8.RuneError {
			return ' '
		}
		return c
	}, s))
}

// Log returns text for the log of a workflow. The runner takes :: at the start of a line and ##[ anywhere for a command; both
// are broken up.
func Log(s string) string {
	var lines []string
	for line := range strings.SplitSeq(s, "\n") {
		line = strings.ReplaceAll(OneLine(line), "##[", "## [")
		if strings.HasPrefix(line, "::") {
			line = " :" + line[1:]
			line = strings.Replace(line, " ::", " : :", 1)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n  ")
}

// Plain returns Markdown that shows s as it is: no HTML, no formatting, no mention, no reference, no link.
func Plain(s string) string {
	var b strings.Builder
	for _, c := range strings.NewReplacer("://", ":\x00//", "www.", "www\x00.").Replace(OneLine(s)) {
		switch {
		case c == 0: // breaks up what GitHub would turn into a link
			b.WriteString("<!-- -->")
		case strings.ContainsRune("\\`*_{}[]()#+!|~@<>&\"'", c):
			fmt.Fprintf(&b, "&#%d;", c)
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

var plainRE = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ._/:@+=,\[\]-]*$`)

// Code returns Markdown that shows s as code, at most 300 characters of it. No character of s can end the code, also not
// inside a table.
func Code(s string) string {
	s = Shorten(OneLine(s), 300)
	if s == "" {
		return "(empty)"
	}
	if plainRE.MatchString(s) {
		return "`" + s + "`"
	}
	return "<code>" + Plain(s) + "</code>"
}

// Codes returns a list of values as Code, with commas between them.
func Codes(list []string) string {
	var out []string
	for _, s := range list {
		out = append(out, Code(s))
	}
	return strings.Join(out, ", ")
}
