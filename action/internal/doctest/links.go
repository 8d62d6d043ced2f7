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
