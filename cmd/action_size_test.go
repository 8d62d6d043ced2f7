package cmd_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// maxFileLines is what somebody who reads a file for the first time can see of it.
const maxFileLines = 400

// TestActionStaysReadable counts the lines of the files of the push half, test code aside. TestStructure counts the rest.
func TestActionStaysReadable(t *testing.T) {
	err := filepath.WalkDir("../action", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && d.Name() == "githubtest" { // the double of the tests is as large as what it stands for
			return fs.SkipDir
		}
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if n := bytes.Count(data, []byte("\n")); n > maxFileLines {
			t.Errorf("%s has %d lines, %d are the limit", path, n, maxFileLines)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
