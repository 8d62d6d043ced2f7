// Package doctest holds pages of documentation equal to the code that they describe. Only tests use it.
package doctest

import (
	"os"
	"regexp"
	"testing"
)

// Regenerate compares the generated parts of a page with what they should be, or rewrites them.
func Regenerate(t *testing.T, update bool, file string, parts map[string]string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	doc := string(data)
	want := doc
	for name, table := range parts {
		re := regexp.MustCompile(`(?s)(<!-- ` + regexp.QuoteMeta(name) + `: [^\n]*-->\n).*?(<!-- end -->)`)
		if !re.MatchString(want) {
			t.Fatalf("%s has no place for the %s", file, name)
		}
		want = re.ReplaceAllStringFunc(want, func(s string) string {
			p := re.FindStringSubmatch(s)
			return p[1] + table + p[2]
		})
	}
	Same(t, update, file, doc, want)
}

// Same compares a page with what it should be, or rewrites it.
func Same(t *testing.T, update bool, file, have, want string) {
	t.Helper()
	switch {
	case have == want:
	case !update:
		t.Errorf("%s is not up to date: go test ./action ./action/internal/promotion -run Docs -update", file)
	default:
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
