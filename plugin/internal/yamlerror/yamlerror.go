// Package yamlerror says in plain words why text is no YAML: it translates what the parsers of go-yaml say, and looks at
// the text for what people usually did. It never repeats a value, which may be a password.
//
// It does NOT parse YAML.
package yamlerror

import (
	"bytes"
	"regexp"
	"strings"
)

// Words are what is wrong, at a line of the text (1-based), and what to do about it.
type Words struct {
	Line    int
	Message string
	Hint    string
}

// countedFromZero matches messages whose lines the parsers count from 0.
var countedFromZero = regexp.MustCompile(`^(did not find expected|could not find expected directive)`)

// Explain translates the message of a parser about a text. line is what the parser says; the cause may be on another.
func Explain(text []byte, line int, message string) Words { return explain(text, line, message, false) }

// ExplainOutput is Explain for text that a template gave: braces in it are no template any more.
func ExplainOutput(text []byte, line int, message string) Words {
	return explain(text, line, message, true)
}

func explain(text []byte, line int, message string, isOutput bool) Words {
	message = strings.TrimPrefix(message, "yaml: ")
	lines := bytes.Split(bytes.TrimRight(text, "\n"), []byte("\n"))
	if countedFromZero.MatchString(message) {
		line++
	}
	line = min(max(line, 1), len(lines))
	if at := conflict(lines); at > 0 {
		return Words{at, "a merge conflict marker", "resolve the conflict: keep one side, and remove the lines that begin with <<<<<<<, ======= and >>>>>>>"}
	}
	if at := template(lines); at > 0 && !isOutput {
		return Words{at, "{{ looks like a Helm template, but there is no Chart.yaml",
			"render the chart that it belongs to, or put a value that begins with {{ in quotes"}
	}
	if at := tab(lines, line, message); at > 0 {
		return Words{at, "a tab where YAML wants spaces", "indent YAML with spaces"}
	}
	if m := unknownAnchor.FindStringSubmatch(message); m != nil {
		if before, _, found := bytes.Cut(text, []byte("*"+m[1])); found {
			line = 1 + bytes.Count(before, []byte("\n"))
		}
		return Words{line, "an alias (*name) names no anchor", "put a value that begins with * in quotes"}
	}
	if w, ok := indicator(lines, line, message); ok {
		return w
	}
	for _, t := range table {
		if strings.Contains(message, t.says) {
			return Words{line, t.message, t.hint}
		}
	}
	return Words{line, message, ""}
}

var (
	marker = regexp.MustCompile(`^(<{7}|={7}|>{7}|\|{7})( |\r?$)`)
	opened = regexp.MustCompile(`^<{7}( |\r?$)`)
	action = regexp.MustCompile(`^\s*(- +)*("[^"]*"|'[^']*'|[^"'#\s][^"'#]*?)?:?\s*\{\{`)
)

// unknownAnchor names the anchor, which is not repeated: it may be a password that begins with a star.
var unknownAnchor = regexp.MustCompile(`^unknown anchor '([^']*)'`)

// conflict is the line of the first marker that git leaves in a file; 0 when there is none.
func conflict(lines [][]byte) int {
	for i, text := range lines {
		if opened.Match(text) {
			return i + 1
		}
	}
	for i, text := range lines {
		if marker.Match(text) && (text[0] == '>' || text[0] == '|') {
			return i + 1
		}
	}
	return 0
}

// template is the first line with an action of a Go template outside of quotes and comments; 0 when there is none.
func template(lines [][]byte) int {
	for i, text := range lines {
		if action.Match(text) {
			return i + 1
		}
	}
	return 0
}

// tab is the line around the one the parser named that begins with a tab; 0 when there is none, or when the parser
// complains of something else.
func tab(lines [][]byte, line int, message string) int {
	if !strings.Contains(message, "cannot start any token") && !strings.Contains(message, " tab ") &&
		!strings.Contains(message, "did not find expected") && !strings.Contains(message, "could not find expected") &&
		!strings.Contains(message, "are not allowed in this context") {
		return 0
	}
	for _, at := range []int{line, line + 1, line - 1} {
		if at < 1 || at > len(lines) {
			continue
		}
		text := lines[at-1]
		if rest := bytes.TrimLeft(text, " -"); len(rest) > 0 && rest[0] == '\t' && len(bytes.TrimSpace(rest)) > 0 {
			return at
		}
	}
	if strings.Contains(message, " tab ") {
		return line
	}
	return 0
}

// begins matches a value, or the whole line, that begins with a character that has a meaning in YAML.
var begins = regexp.MustCompile(`(?:^\s*|:\s+|-\s+|\[\s*|,\s*)([@` + "`" + `%*&!|>])`)

// indicator explains characters that no plain value can begin with.
func indicator(lines [][]byte, line int, message string) (Words, bool) {
	for _, says := range []string{"cannot start any token", "alphabetic or numeric character", "directive name", "comment or line break", "tag handle", "tag URI", "expected whitespace"} {
		if !strings.Contains(message, says) {
			continue
		}
		for _, at := range []int{line, line + 1, line - 1} {
			if at < 1 || at > len(lines) {
				continue
			}
			if m := begins.FindSubmatch(lines[at-1]); m != nil {
				return Words{at, "a value cannot begin with " + string(m[1]), "put the value in quotes"}, true
			}
		}
	}
	return Words{}, false
}

const indentation = "look at the indentation: what belongs together begins in the same column"

// table has the words for what the parsers say, the more special first.
var table = []struct{ says, message, hint string }{
	{"cannot start any token", "a character that no value can begin with", "put the value in quotes"},
	{"could not find expected ':'", "a line that is neither `key: value` nor an item of a list", "is there a colon missing, or a space after it? " + indentation},
	{"mapping values are not allowed", "a second colon in a line, or a key below a value", "put a value that holds \": \" in quotes; " + indentation},
	{"mapping keys are not allowed", "a key is not possible here", indentation},
	{"block sequence entries are not allowed", "an item of a list (- ) is not possible here", "put it on a line of its own; " + indentation},
	{"did not find expected key", "the line does not fit the ones above it", indentation},
	{"did not find expected '-' indicator", "an item of the list (- ) was expected", indentation},
	{"did not find expected node content", "a value is missing, or something is not closed", "look for a [ or { without its ] or }"},
	{"did not find expected ',' or ']'", "a list that begins with [ is not closed", "write the missing ] or comma"},
	{"did not find expected ',' or '}'", "a mapping that begins with { is not closed", "write the missing } or comma"},
	{"did not find expected <document start>", "text where a document has to begin", "look for --- with something after it, or for a line that is not indented as the ones above"},
	{"found unexpected end of stream", "a quote is opened and not closed", "write the missing \" or '"},
	{"found unexpected document indicator", "a quote is opened and not closed before ---", "write the missing \" or '"},
	{"found unknown escape character", "an escape that YAML does not know, in double quotes", "write \\\\ for a backslash, or use single quotes"},
	{"hexdecimal number", "\\x, \\u and \\U want two, four and eight hexadecimal digits", "write \\\\ for a backslash, or use single quotes"},
	{"invalid Unicode character escape", "\\u names half a character", "write characters above U+FFFF as \\U with eight digits"},
	{"undefined tag handle", "a tag (!name) that is not known", "put a value that begins with ! in quotes"},
	{"tab character", "a tab where YAML wants spaces", "indent YAML with spaces"},
	{"alphabetic or numeric character", "* or & without the name of an anchor", "put a value that begins with * or & in quotes"},
	{"comment or line break", "text after | or >", "begin the text on the next line, or put the value in quotes"},
	{"indentation indicator equal to 0", "|0 and >0 are not possible", "write | or >"},
	{"map merge requires", "<<: wants a mapping or the alias of one", "write <<: *name"},
	{"value contains itself", "an alias (*name) is inside of its own anchor", "write the value out"},
	{"exceeded max depth", "values are nested too deep", ""},
	{"invalid base64", "a !!binary value is not base64", "encode it"},
	{"incompatible YAML document", "a version of YAML that is not known", "remove the %YAML line"},
	{"control characters", "a control character", "write it as an escape (\"\\x1b\") in double quotes"},
}

// Key explains a key that is no text; text is the document.
func Key(text []byte, line int) Words {
	lines := bytes.Split(text, []byte("\n"))
	if at := template(lines); at > 0 {
		return Explain(text, at, "")
	}
	return Words{line, "a key of a mapping is null, a mapping or a list", "put a key that begins with { or [ in quotes"}
}
