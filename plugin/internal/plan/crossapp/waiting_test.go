package crossapp

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestWhoWaitsForSomebody(t *testing.T) {
	dependsOn := map[string][]string{"base": nil, "web": {"base"}, "after": {"web", "base"}, "last": {"after"}, "alone": nil,
		"a": {"b"}, "b": {"a", "base"}}
	for _, c := range []struct{ themselves, want string }{
		{"", ""},
		{"alone", "alone"},
		{"web", "after last web"},
		{"base", "a after b base last web"},
		{"last", "last"},
		{"gone", ""},
		{"a", "a b"},
	} {
		themselves := map[string]bool{}
		for _, app := range strings.Fields(c.themselves) {
			themselves[app] = true
		}
		got := strings.Join(slices.Sorted(maps.Keys(Waiting(dependsOn, themselves))), " ")
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.themselves, got, c.want)
		}
	}
}
