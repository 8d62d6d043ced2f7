package bumper

import (
	"bytes"
	"regexp"
	"strings"
)

// Most trees hold files that are not YAML: chart templates above all. They do not disturb a bump unless a line in them
// names the image, for then a reference would be left behind.

var nameKeyRE = regexp.MustCompile(`(?i)(?:image|repository|repo|newname)["']?[ \t]*[:=]`)

// unreadable returns the refusals for an image that is named in files that could not be parsed. Lines with a template in
// them are soft: what they name is set elsewhere.
func (b *bump) unreadable(want Image) []outcome {
	var out []outcome
	for _, s := range b.tree.parsed() {
		if s.err == nil || s.context {
			continue
		}
		line := 0
		for text := range bytes.Lines(s.file.Data) {
			line++
			at := namedIn(text, want)
			if at < 0 {
				continue
			}
			_, column := position(text, at)
			out = append(out, outcome{
				soft: bytes.Contains(text, []byte("{{")),
				refusal: &Refusal{File: s.file.Path, Line: line, Column: column,
					Reason: "names " + want.Name + ", but the file " + s.err.Error(),
					Hint:   "leave the file out with paths, or edit it manually"},
			})
			break
		}
	}
	return out
}

// namedIn returns where a line names an image in a way that looks like a reference, -1 if it does not.
func namedIn(line []byte, want Image) int {
	if bytes.HasPrefix(bytes.TrimLeft(line, " \t-"), []byte("#")) {
		return -1
	}
	for _, name := range spellings(want) {
		for at := 0; ; {
			i := bytes.Index(line[at:], []byte(name))
			if i < 0 {
				break
			}
			start, end := at+i, at+i+len(name)
			at = start + 1
			if start > 0 && (nameByte(line[start-1]) || line[start-1] == '/') {
				continue
			}
			rest := string(line[end:])
			tagged := len(rest) > 1 && (rest[0] == ':' && (nameByte(rest[1]) || rest[1] == '{') || rest[0] == '@')
			alone := rest == "" || strings.ContainsRune("\"' \t\r\n,}", rune(rest[0]))
			if tagged || alone && nameKeyRE.Match(line[:start]) {
				return start
			}
		}
	}
	return -1
}

// spellings are the ways to write the name of an image.
func spellings(image Image) []string {
	full := image.Normalised()
	out := []string{full}
	if short, ok := strings.CutPrefix(full, "docker.io/"); ok {
		out = append(out, short)
		if official, ok := strings.CutPrefix(short, "library/"); ok {
			out = append(out, official)
		}
	}
	return out
}
