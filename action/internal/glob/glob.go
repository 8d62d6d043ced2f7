// Package glob matches paths of a repository with patterns. Paths have slashes and start at the root of the repository.
//
// In a pattern * and ? stand for characters of one name, [...] for one character of a set, and ** for any number of
// directories. A pattern also matches what lies below a directory that it matches. The package reads no files.
package glob

import (
	"fmt"
	"path"
	"regexp"
	"strings"
)

// Clean returns a pattern in its shortest form. It fails when the pattern leaves the repository, has backslashes, or has a
// set of characters that is not closed.
func Clean(p string) (string, error) {
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

// Match says whether one of the patterns names the file or a directory above it. Without patterns every file matches.
func Match(patterns []string, file string) bool {
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

// matchParts compares a pattern and a file name by name. When the pattern ends first, it named a directory above the file.
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

// Below says whether file is dir or lies in it.
func Below(dir, file string) bool {
	return dir == "." || file == dir || strings.HasPrefix(file, dir+"/")
}

// IsPattern says whether p has wildcards.
func IsPattern(p string) bool { return strings.ContainsAny(p, "*?[") }

var starRE = regexp.MustCompile(`\*\*/|\*\*|\*|\?|\[(?:\\.|[^\]\\])*\]`)

// Regexp returns an expression with one group for each wildcard of a pattern. It matches what the pattern names, and nothing
// below it.
func Regexp(pattern string) (*regexp.Regexp, error) {
	var b strings.Builder
	at := 0
	for _, m := range starRE.FindAllStringIndex(pattern, -1) {
		b.WriteString(regexp.QuoteMeta(pattern[at:m[0]]))
		switch star := pattern[m[0]:m[1]]; star {
		case "**/":
			b.WriteString(`(?:(.+)/)?`)
		case "**":
			b.WriteString(`(.+)`)
		case "*":
			b.WriteString(`([^/]*)`)
		case "?":
			b.WriteString(`([^/])`)
		default:
			b.WriteString("(" + star + ")")
		}
		at = m[1]
	}
	return regexp.Compile("^" + b.String() + regexp.QuoteMeta(pattern[at:]) + "$")
}

// Fill returns the pattern with each wildcard replaced by what it stands for, as the groups of Regexp found it.
func Fill(pattern string, stars []string) string {
	n := 0
	return starRE.ReplaceAllStringFunc(pattern, func(star string) string {
		if n == len(stars) {
			return star
		}
		if n++; star == "**/" && stars[n-1] != "" {
			return stars[n-1] + "/"
		}
		return stars[n-1]
	})
}

// Wildcards counts the wildcards of a pattern.
func Wildcards(pattern string) int { return len(starRE.FindAllString(pattern, -1)) }

// First returns the first directory on the way to a file, or the file itself, that re matches, and what its wildcards stand
// for.
func First(re *regexp.Regexp, file string) (path string, stars []string, ok bool) {
	for i := 0; i <= len(file); i++ {
		if i < len(file) && file[i] != '/' {
			continue
		}
		if m := re.FindStringSubmatch(file[:i]); m != nil {
			return file[:i], m[1:], true
		}
	}
	return "", nil, false
}
