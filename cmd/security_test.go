package cmd_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestThreatsNameTestsThatExist reads the tables of threats in SECURITY.md: five cells in each row, the last one tests.
func TestThreatsNameTestsThatExist(t *testing.T) {
	data, err := os.ReadFile("../SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	exists := tests(t)
	rows, inTable := 0, false
	for i, line := range strings.Split(string(data), "\n") {
		if line == "" { // a table ends
			inTable = false
		}
		if strings.HasPrefix(line, "| who tries") {
			inTable = true
			continue
		}
		if !inTable || strings.HasPrefix(line, "|---") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), " | ")
		if len(cells) != 5 {
			t.Errorf("SECURITY.md:%d: %d cells, want 5", i+1, len(cells))
			continue
		}
		rows++
		for name := range strings.SplitSeq(cells[4], ",") {
			if name = strings.TrimSpace(name); !exists[name] {
				t.Errorf("SECURITY.md:%d: there is no test %q", i+1, name)
			}
		}
	}
	if rows < 50 {
		t.Errorf("%d rows: this test reads the tables wrongly", rows)
	}
}

// tests are the names of all test functions and scripts of the repository.
func tests(t *testing.T) map[string]bool {
	t.Helper()
	function := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	found := map[string]bool{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || d.IsDir():
			return err
		case strings.HasSuffix(path, ".txtar"):
			found[d.Name()] = true
		case strings.HasSuffix(path, "_test.go"):
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, m := range function.FindAllStringSubmatch(string(data), -1) {
				found[m[1]] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
