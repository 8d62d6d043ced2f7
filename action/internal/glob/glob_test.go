package glob

import "testing"

func TestPaths(t *testing.T) {
	cases := []struct {
		pattern, file string
		want          bool
	}{
		{"apps", "apps/a/b.yaml", true}, {"apps/", "apps/b.yaml", true}, {"app", "apps/b.yaml", false},
		{"apps/*/prod", "apps/shop/prod/k.yaml", true}, {"apps/*/prod", "apps/shop/staging/k.yaml", false},
		{"**/prod", "a/b/prod/k.yaml", true}, {"**/values.yaml", "values.yaml", true}, {"**/values.yaml", "x/values2.yaml", false},
		{"*.yaml", "a.yaml", true}, {"*.yaml", "d/a.yaml", false}, {".", "d/a.yaml", true}, {"./apps", "apps/a.yaml", true},
	}
	for _, c := range cases {
		p, err := Clean(c.pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got := Match([]string{p}, c.file); got != c.want {
			t.Errorf("%s matches %s = %v", c.pattern, c.file, got)
		}
	}
}

func TestClean(t *testing.T) {
	for pattern, want := range map[string]string{
		"apps/": "apps", "./apps//x": "apps/x", ".": ".", "": ".", "apps/[ab]": "apps/[ab]",
		"/etc": "", "..": "", "../x": "", "a/../../x": "", `a\b`: "", "apps/[a": "",
	} {
		got, err := Clean(pattern)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", pattern, got, err)
		}
	}
}

// TestWildcards: what the wildcards of one pattern stand for fills another pattern.
func TestWildcards(t *testing.T) {
	cases := []struct{ pattern, file, first, other, filled string }{
		{"apps/*/overlays/staging", "apps/cart/overlays/staging/k.yaml", "apps/cart/overlays/staging", "apps/*/overlays/prod", "apps/cart/overlays/prod"},
		{"staging", "staging/a.yaml", "staging", "prod", "prod"},
		{"charts/*/values-staging.yaml", "charts/cart/values-staging.yaml", "charts/cart/values-staging.yaml", "charts/*/values-prod.yaml", "charts/cart/values-prod.yaml"},
		{"**/staging", "a/b/staging/k.yaml", "a/b/staging", "**/prod", "a/b/prod"},
		{"**/staging", "staging/k.yaml", "staging", "**/prod", "prod"},
		{"a/**", "a/b/c.yaml", "a/b", "x/**", "x/b"},
		{"r?/[ab]", "r1/a/k.yaml", "r1/a", "s?/[ab]", "s1/a"},
		{"apps/*/prod", "apps/cart/staging/k.yaml", "", "", ""},
		{"a.b", "axb/k.yaml", "", "", ""},
	}
	for _, c := range cases {
		re, err := Regexp(c.pattern)
		if err != nil {
			t.Fatal(err)
		}
		first, stars, ok := First(re, c.file)
		if first != c.first || ok != (c.first != "") {
			t.Errorf("%s in %s: %q", c.pattern, c.file, first)
			continue
		}
		if ok && (Fill(c.other, stars) != c.filled || Wildcards(c.pattern) != len(stars)) {
			t.Errorf("%s fills %s: %q of %q", c.pattern, c.other, Fill(c.other, stars), stars)
		}
		if IsPattern(c.pattern) != (Wildcards(c.pattern) > 0) {
			t.Errorf("%s is a pattern: %v", c.pattern, IsPattern(c.pattern))
		}
		if ok && !Match([]string{c.pattern}, c.file) {
			t.Errorf("%s does not match %s", c.pattern, c.file)
		}
	}
	if got := Fill("*/x/*", []string{"a"}); got != "a/x/*" {
		t.Errorf("a wildcard too many: %s", got)
	}
	if !Below(".", "a") || !Below("a", "a") || !Below("a", "a/b") || Below("a", "ab") {
		t.Error("Below")
	}
	if !Match(nil, "a") {
		t.Error("no pattern does not match every file")
	}
}
