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
