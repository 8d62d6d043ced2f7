package action

import (
	"fmt"
	"path"
	"strings"
)

// cleanPattern checks a pattern of the paths input: slash-separated, from the root of the repository.
func cleanPattern(p string) (string, error) {
	clean := path.Clean(strings.TrimSuffix(p, "/"))
	if path.IsAbs(clean) || clean == ".." || strings.HasPrefix(clean, "../") || strings.Contains(p, `\`) {
		return "", fmt.Errorf("%q is outside the repository; use a path from its root, with slashes", p)
	}
	for part := range strings.SplitSeq(clean, "/") {
		if _, err := path.Match(part, ""); err != nil {
			return "", fmt.Errorf("%q: %w", p, err)
		}
	}
	return clean, nil
}

// matchAny says whether a pattern names the file or a directory above it. No pattern means every file.
func matchAny(patterns []string, file string) bool {
	if len(patterns) == 0 {
		return true
	}
	for _, p := range patterns {
		if p == "." || matchParts(strings.Split(p, "/"), strings.Split(file, "/")) {
			return true
		}
	}
	return false
}

// matchParts matches part by part; ** stands for any number of directories. What is left of the file when
// the pattern ends is below the directory the pattern names.
func matchParts(pattern, file []string) bool {
	if len(pattern) == 0 {
		return true
	}
	if pattern[0] == "**" {
		for i := 0; i <= len(file); i++ {
			if matchParts(pattern[1:], file[i:]) {
				return true
			}
		}
		return false
	}
	if len(file) == 0 {
		return false
	}
	ok, err := path.Match(pattern[0], file[0])
	return err == nil && ok && matchParts(pattern[1:], file[1:])
}
