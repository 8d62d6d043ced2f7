package doctest

import (
	"fmt"
	"regexp"
	"strings"
)

var (
	fence   = regexp.MustCompile("(?ms)^[ ]*```.*?^[ ]*```")
	span    = regexp.MustCompile("`[^`\n]*`")
	link    = regexp.MustCompile(`\]\(([^()\s]+)\)|(?:src|srcset|href)="([^"]+)"`)
	heading = regexp.MustCompile(`(?m)^#+ +(.*)$`)
	text    = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
	item    = regexp.MustCompile(`\n\s*\n(?:- |[0-9]+\. |\|)?|\n(?:- |[0-9]+\. |\|)`)
	dropped = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
)

// Links returns the relative links of a page of Markdown, with their anchors. Links in code are no links.
func Links(page string) []string {
	page = span.ReplaceAllString(fence.ReplaceAllString(page, ""), "")
	var out []string
	for _, m := range link.FindAllStringSubmatch(page, -1) {
		if l := m[1] + m[2]; !strings.Contains(l, "://") && !strings.HasPrefix(l, "mailto:") {
			out = append(out, l)
		}
	}
	return out
}

// Anchors returns the anchors of the headings of a page, as GitHub makes them: small letters, spaces as dashes, no
// punctuation, and a number behind the second heading of one text.
func Anchors(page string) []string {
	var out []string
	seen := map[string]int{}
	for _, m := range heading.FindAllStringSubmatch(fence.ReplaceAllString(page, ""), -1) {
		plain := text.ReplaceAllString(strings.TrimSpace(m[1]), "$1")
		anchor := strings.ReplaceAll(dropped.ReplaceAllString(strings.ToLower(plain), ""), " ", "-")
		if n := seen[anchor]; n > 0 {
			out = append(out, fmt.Sprintf("%s-%d", anchor, n))
		} else {
			out = append(out, anchor)
		}
		seen[anchor]++
	}
	return out
}

// Paragraphs returns the paragraphs, items of lists and rows of tables of a page, each on one line, without code blocks.
func Paragraphs(page string) []string {
	var out []string
	for _, p := range item.Split(fence.ReplaceAllString(page, ""), -1) {
		if p = strings.Join(strings.Fields(p), " "); p != "" {
			out = append(out, p)
		}
	}
	return out
}
