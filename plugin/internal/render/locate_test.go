package render

import "testing"

func TestLocateKnowsHowKeysAreRead(t *testing.T) {
	file := []byte("apiVersion: v1\nkind: A\nlabels:\n  on: true\n  No: 1\n  0x10: 2\n  \"yes\": 3\n  1_000: 4\n  a: 5\n")
	for key, want := range map[string]int{"true": 4, "false": 5, "16": 6, "yes": 7, "1000": 8, "a": 9, "on": 4, "b": 0} {
		value := map[string]any{"true": true, "on": true, "false": int64(1), "16": int64(2), "yes": int64(3), "1000": int64(4), "a": int64(5)}[key]
		if got := Locate(file, 1, []any{"labels", key}, value); got != want {
			t.Errorf("%s: line %d, want %d", key, got, want)
		}
	}
}
