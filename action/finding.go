package action

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Finding is something in the config repository that should not be there.
type Finding struct {
	File    string `json:"file"`
	Line    int    `json:"line,omitempty"`
	Rule    string `json:"rule"` // secret, malformed, source-code, duplicate, floating-tag, unreadable, render
	Message string `json:"message"`
	Warning bool   `json:"warning,omitempty"`
}

// String is one line of a log.
func (f Finding) String() string {
	where := f.File
	if f.Line > 0 {
		where = fmt.Sprintf("%s:%d", f.File, f.Line)
	}
	return strings.TrimPrefix(where+": ", ": ") + f.Message + " (" + f.Rule + ")"
}

// placeRE and fileLineRE find "file:line" in the text of an error.
var (
	placeRE    = regexp.MustCompile(`^("?.+\.(?:ya?ml|json|tpl)"?)(?::([0-9]+))?$`)
	fileLineRE = regexp.MustCompile(`([A-Za-z0-9_][A-Za-z0-9_./-]*\.(?:ya?ml|json))(?::([0-9]+))?`)
)

// findingOf takes the file and the line from the text of an error: "file:line: what", with an app's name before it or not. A
// name with spaces is one name.
func findingOf(file, rule, text string) Finding {
	f := Finding{File: file, Rule: rule, Message: text}
	first, _, _ := strings.Cut(text, "\n")
	for part := range strings.SplitSeq(first, ": ") {
		m := placeRE.FindStringSubmatch(part)
		if m == nil {
			continue
		}
		f.File = m[1]
		if plain, err := strconv.Unquote(m[1]); err == nil { // as names with control characters are written
			f.File = plain
		}
		f.Line, _ = strconv.Atoi(m[2])
		return f
	}
	if m := fileLineRE.FindStringSubmatch(text); m != nil {
		f.File = m[1]
		f.Line, _ = strconv.Atoi(m[2])
	}
	return f
}

func sortFindings(list []Finding) {
	slices.SortFunc(list, func(a, b Finding) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), strings.Compare(a.Rule, b.Rule), strings.Compare(a.Message, b.Message))
	})
}

// checkPolicy is what a check looks for.
type checkPolicy struct {
	paths, ignore []string
	floating      string // error, warning or off
	plainSecrets  bool
	renderer      string // path of kubectl-gitops, "" when it is not there
}
