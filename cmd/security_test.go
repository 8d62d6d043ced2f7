package cmd_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestThreatsNameTestsThatExist reads the table in SECURITY.md.
func TestThreatsNameTestsThatExist(t *testing.T) {
	data, err := os.ReadFile("../SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	exists := tests(t)
	rows := 0
	for i, line := range strings.Split(string(data), "\n") {
		cells := strings.Split(strings.Trim(line, "|"), " | ")
		if !strings.HasPrefix(line, "|") || len(cells) != 5 || strings.Contains(line, "---") || strings.HasPrefix(line, "| who tries") {
			continue
		}
		rows++
		for name := range strings.SplitSeq(cells[4], ",") {
			if name = strings.TrimSpace(name); !exists[name] {
				t.Errorf("SECURITY.md:%d: there is no test %q", i+1, name)
			}
		}
	}
	if rows < 20 {
		t.Errorf("%d rows: this test reads the table wrongly", rows)
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
