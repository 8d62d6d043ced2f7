package app

import "strings"

// NameOf makes the name of an app from a path or URL: its last element in lower case, with - for what a DNS label cannot have. It
// is empty when nothing is left.
func NameOf(s string) string {
	s = strings.TrimSuffix(strings.TrimRight(s, "/"), ".git")
	s = strings.ToLower(s[strings.LastIndexAny(s, "/:\\")+1:])
	return strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, s), "-")
}
