package near

import (
	"strings"
	"testing"
)

func TestDidYouMean(t *testing.T) {
	tests := []struct {
		wanted string
		words  []string
		want   string
	}{
		{"dependOn", []string{"prune", "dependsOn"}, "did you mean dependsOn?"},
		{"sttaus", []string{"status", "suspend"}, "did you mean status?"},
		{"ab", []string{"xy"}, "one of: xy"},
		{"verify", []string{"b", "a"}, "one of: a, b"},
		{"verify", nil, ""},
		{"verify", strings.Split(strings.Repeat("word,", 20)+"word", ","), ""},
	}
	for _, test := range tests {
		if got := DidYouMean(test.wanted, test.words); got != test.want {
			t.Errorf("DidYouMean(%q, %q) = %q, want %q", test.wanted, test.words, got, test.want)
		}
	}
}

func TestDistance(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	tests := []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"main", "main", 0}, {"main", "", 4}, {"", "main", 4}, {"main", "mian", 2}, {"main", "mains", 1}, {"kitten", "sitting", 3},
		{long, long + "y", 0}, {long, "x", 63},
	}
	for _, test := range tests {
		if got := Distance(test.a, test.b); got != test.want {
			t.Errorf("Distance(%.9q, %.9q) = %d, want %d", test.a, test.b, got, test.want)
		}
	}
}
