package safetext

import (
	"strings"
	"testing"
	"unicode"
)

func TestEscapes(t *testing.T) {
	tests := []struct{ name, in, line, lines string }{
		{"plain text", "shop → prod", "shop → prod", "shop → prod"},
		{"line feed and tab", "a\n\tb", `a\n b`, "a\n\tb"},
		{"carriage return", "ok\rroot", `ok\rroot`, `ok\rroot`},
		{"terminal sequences", "\x1b[31m\u009b2J", `^[[31m\u009b2J`, `^[[31m\u009b2J`},
		{"right-to-left override", "a\u202egnp", `a\u202egnp`, `a\u202egnp`},
		{"marks of direction", "\u200e\u200f\u061c", `\u200e\u200f\u061c`, `\u200e\u200f\u061c`},
		{"what is not seen", "a\u200bb\u00adc\ufeff", `a\u200bb\u00adc\ufeff`, `a\u200bb\u00adc\ufeff`},
		{"tags beyond the first plane", "\U000e0041", `\U000e0041`, `\U000e0041`},
		{"line separators", "a\u2028b\u2029", `a\u2028b\u2029`, `a\u2028b\u2029`},
		{"bytes that are not UTF-8", "a\xffb\xc3", `a\xffb\xc3`, `a\xffb\xc3`},
		{"the replacement character itself", "a\ufffdb", "a\ufffdb", "a\ufffdb"},
		{"nothing and null", "\x00", `\x00`, `\x00`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := Line(test.in); got != test.line {
				t.Errorf("Line(%q) = %q, want %q", test.in, got, test.line)
			}
			if got := Lines(test.in); got != test.lines {
				t.Errorf("Lines(%q) = %q, want %q", test.in, got, test.lines)
			}
		})
	}
}

// TestNothingHostileIsLeft tries every character of Unicode.
func TestNothingHostileIsLeft(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		for _, got := range []string{Line(string(r)), strings.Trim(Lines(string(r)), "\n\t")} {
			if strings.ContainsFunc(got, Hostile) {
				t.Fatalf("%U is left in %q", r, got)
			}
		}
		if (unicode.Is(unicode.Bidi_Control, r) || unicode.Is(unicode.Cf, r)) && Line(string(r)) == string(r) {
			t.Fatalf("%U is not escaped", r)
		}
	}
}
