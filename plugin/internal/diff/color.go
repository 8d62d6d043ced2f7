package diff

import (
	"regexp"
	"strconv"
	"strings"
)

const (
	red   = "\x1b[31m"
	green = "\x1b[32m"
	cyan  = "\x1b[36m"
	bold  = "\x1b[1m"
	reset = "\x1b[0m"
)

var hunkHeader = regexp.MustCompile(`^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@`)

// Color adds ANSI colours to unified diffs: added lines green, removed lines red, hunk headers cyan, file names bold.
// It counts the lines of each hunk, so a removed line that begins with "--" is not taken for a file name.
func Color(text string) string {
	var out strings.Builder
	from, to := 0, 0 // lines left in the hunk
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		color := ""
		switch {
		case from > 0 && strings.HasPrefix(line, "-"):
			color = red
			from--
		case to > 0 && strings.HasPrefix(line, "+"):
			color = green
			to--
		case from > 0 || to > 0:
			from--
			to--
		case strings.HasPrefix(line, "--- ") || strings.HasPrefix(line, "+++ "):
			color = bold
		default:
			if m := hunkHeader.FindStringSubmatch(line); m != nil {
				color, from, to = cyan, count(m[1]), count(m[2])
			}
		}
		if color != "" {
			line = color + line + reset
		}
		out.WriteString(line + "\n")
	}
	return out.String()
}

func count(s string) int {
	if n, err := strconv.Atoi(s); err == nil {
		return n
	}
	return 1
}
