package chart

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/yamlerror"
)

var (
	location   = regexp.MustCompile(`(?m)(?:^|\(|template: )([^\s:()"]+):(\d+)(?::\d+)?`)
	atPlace    = regexp.MustCompile(`(?s)^(?:parse|execution) error (?:at|in) \([^)]*\): (.*)$`)
	tplText    = regexp.MustCompile(`(?s)(tpl function execution for|cannot parse template) "(?:[^"\\]|\\.)*"`)
	calling    = regexp.MustCompile(`^(error calling (?:include|tpl|template)[^:]*: ?)+`)
	recursion  = regexp.MustCompile(`nested reference name: (.+): unable to execute template`)
	unmarshal  = regexp.MustCompile(`cannot unmarshal (\w+) into Go (value|struct field \S+?\.(\S+)) of type`)
	nilPointer = regexp.MustCompile(`nil pointer evaluating (?:interface \{\}|\S+)\.(\S+)`)
)

// templateWords translate what Go's templates say.
var templateWords = []struct {
	says          *regexp.Regexp
	message, hint string
}{
	{regexp.MustCompile(`no template ("[^"]*") associated with template "[^"]*"`), `there is no template $1`, "define it, or add the library chart that defines it to the dependencies"},
	{regexp.MustCompile(`^unexpected EOF$`), "a block has no {{ end }}", "each if, range, with, define and block needs an {{ end }}"},
	{regexp.MustCompile(`^unexpected \{\{end\}\}$`), "an {{ end }} too many", "remove it, or write the if, range or with that it ends"},
	{regexp.MustCompile(`^unclosed action`), "an action is opened with {{ and not closed", "write the missing }}"},
	{regexp.MustCompile(`^unterminated quoted string$`), "a quote is opened and not closed", `write the missing "`},
	{regexp.MustCompile(`^function ("[^"]*") not defined$`), "there is no function $1", "look at its spelling; Helm and Sprig have the functions"},
}

// templateError finds the template and line of an error of the engine: the innermost, which is where it happened.
func (c *Chart) templateError(err error) error {
	text := tplText.ReplaceAllString(err.Error(), "$1 a text")
	e := &Error{File: c.file}
	outer := ""
	for _, m := range location.FindAllStringSubmatch(text, -1) {
		file, known := c.from[m[1]]
		if !known {
			continue
		}
		if outer == "" {
			outer = m[1]
		}
		e.File = file
		e.Line, _ = strconv.Atoi(m[2])
	}
	if m := atPlace.FindStringSubmatch(text); m != nil {
		e.Message = oneLine(m[1])
	} else {
		e.Message = oneLine(lastLine(text))
	}
	e.Message = calling.ReplaceAllString(e.Message, "")
	if m := nilPointer.FindStringSubmatch(e.Message); m != nil {
		e.Hint = "what " + m[1] + " is looked up in is not set: set it in the values, or guard the template with `with` or `default`"
	}
	e.Message = strings.TrimPrefix(e.Message, "template: ")
	if m := recursion.FindStringSubmatch(e.Message); m != nil {
		e.Message = "the template " + m[1] + " includes itself"
	}
	for _, w := range templateWords {
		if m := w.says.FindStringSubmatch(e.Message); m != nil && e.Hint == "" {
			e.Message, e.Hint = w.says.ReplaceAllString(e.Message, w.message), w.hint
		}
	}
	if strings.HasPrefix(e.Message, "exceeded maximum template depth") {
		e.Message = "a template calls itself without an end"
	}
	if strings.HasSuffix(e.Message, errTooLarge.Error()) {
		e.Hint = "one call may give 16 MiB of text or a million elements"
	}
	if from := c.from[outer]; from != "" && from != e.File {
		e.Message += " (rendering " + from + ")"
	}
	return e
}

// lastLine returns the message of the innermost of a chain of errors.
func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	last := strings.TrimSpace(lines[len(lines)-1])
	if i := strings.LastIndex(last, ">: "); i >= 0 && strings.Contains(last, ": executing ") {
		last = last[i+3:]
	}
	return last
}

// decodeError words what kept the head of a manifest from being read. It shows no value.
func decodeError(text string) string {
	if m := unmarshal.FindStringSubmatch(text); m != nil {
		if m[3] == "" {
			return "a " + m[1] + ", not a Kubernetes object"
		}
		return m[3] + " holds a " + m[1] + ", not a string"
	}
	return oneLine(quoted.ReplaceAllString(text, "`***`"))
}

var quoted = regexp.MustCompile("`[^`]*`") // a value

var parserLine = regexp.MustCompile(`yaml: line (\d+): (.*)`)

// parseError finds the first manifest in the output of a template that is no YAML, and says why. Lines count from the
// start of the output.
func parseError(output string) (w yamlerror.Words, found bool) {
	for _, manifest := range inOrder(releaseutil.SplitManifests(output)) {
		var value any
		err := yaml.Unmarshal([]byte(manifest), &value)
		if err == nil {
			continue
		}
		m := parserLine.FindStringSubmatch(err.Error())
		if m == nil {
			return yamlerror.Words{}, false
		}
		line, err := strconv.Atoi(m[1])
		if err != nil {
			return yamlerror.Words{}, false
		}
		w := yamlerror.ExplainOutput([]byte(manifest), line, quoted.ReplaceAllString(m[2], "`***`"))
		if before, _, ok := strings.Cut(output, manifest); ok {
			w.Line += strings.Count(before, "\n")
		}
		return w, true
	}
	return yamlerror.Words{}, false
}

// outputError is about a template whose output is not YAML.
func (c *Chart) outputError(output map[string]string, err error) error {
	text := err.Error()
	for name := range output {
		detail, ok := strings.CutPrefix(text, "YAML parse error on "+name+": ")
		if !ok {
			continue
		}
		e := &Error{File: c.from[name], Message: "renders what is not a manifest: " + decodeError(detail),
			Hint: "lines count from the start of what the template renders; look at indentation and quotes"}
		if w, found := parseError(output[name]); found {
			e.Message = fmt.Sprintf("renders what is not YAML: %s (line %d of what it renders)", w.Message, w.Line)
			e.Hint = strings.TrimPrefix(w.Hint+"; `helm template` shows what it renders", "; ")
		}
		return e
	}
	return &Error{File: c.file, Message: oneLine(text)}
}
