package render

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/strvals"
)

// givenValues merges what ConfigMaps and Secrets give to a chart.
type givenValues struct{ *helmRender }

// merge merges the texts that are values files.
func (h givenValues) merge(values map[string]any) {
	for _, g := range h.options.Values {
		if g.TargetPath != "" {
			continue
		}
		before := len(h.problems)
		text := bytes.TrimPrefix([]byte(g.Text), utf8BOM)
		if h.parses(g.From, text, true); len(h.problems) > before {
			h.tellFrom(before, g)
			continue
		}
		read, err := loader.LoadValues(bytes.NewReader(text))
		if err != nil { // not its text: it may quote a value
			h.problems = append(h.problems, Problem{Origin: g.Origin, Message: "the values of " + g.From + " are not a mapping", Elsewhere: true})
			continue
		}
		if g.Secret {
			h.hideAll(read, g.From, "")
		}
		maps.Copy(values, loader.MergeMaps(values, read))
	}
}

// set sets the texts that are single values.
func (h givenValues) set(values map[string]any) {
	for _, g := range h.options.Values {
		if g.TargetPath == "" {
			continue
		}
		text := strings.TrimRight(g.Text, "\r\n")
		if g.Secret {
			h.hide(text, g.TargetPath+" of "+g.From)
		}
		if err := setScalar(values, g.TargetPath, text); err != nil {
			h.problems = append(h.problems, Problem{Origin: g.Origin, Message: fmt.Sprintf("targetPath %s cannot be set", g.TargetPath),
				Hint: "paths are as in `helm --set`: image.tag, list[0].name, a dot in a key as \\."})
		}
	}
}

// setScalar sets a value as `helm --set` does: 12 is a number and true a boolean, unless the text is in quotes. What --set would take apart is one
// string.
func setScalar(values map[string]any, path, text string) error {
	for _, quote := range []string{`"`, "'"} {
		if len(text) > 1 && strings.HasPrefix(text, quote) && strings.HasSuffix(text, quote) {
			return setValue(values, path, text[1:len(text)-1])
		}
	}
	if strings.ContainsAny(text, `,\{}[]=`+"\n") || strings.ContainsAny(path, "=,\n") {
		return setValue(values, path, text)
	}
	return strvals.ParseInto(path+"="+text, values)
}

// tellFrom lets the problems from index on point at the app, and hide what they quote.
func (h givenValues) tellFrom(index int, g GivenValues) {
	for i := range h.problems[index:] {
		p := &h.problems[index+i]
		at := ""
		if p.Origin.Line > 0 {
			at = fmt.Sprintf(", line %d", p.Origin.Line)
		}
		message := p.Message
		if g.Secret {
			message = "not readable as YAML"
		}
		*p = Problem{Origin: g.Origin, Message: fmt.Sprintf("the values of %s%s: %s", g.From, at, message), Elsewhere: true}
	}
}

// hideAll hides all values of a tree.
func (h givenValues) hideAll(value any, from, at string) {
	switch v := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			h.hideAll(v[key], from, strings.TrimPrefix(at+"."+key, "."))
		}
	case []any:
		for i, item := range v {
			h.hideAll(item, from, fmt.Sprintf("%s[%d]", at, i))
		}
	case nil, bool:
	default:
		h.hide(fmt.Sprint(v), at+" of "+from)
	}
}
