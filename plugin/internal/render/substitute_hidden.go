package render

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/envsubst"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/sealed"
)

// With the flux dialect, values of Secrets may stand in all objects, and operators and YAML change them on the way: "hunter2" in quotes
// loses them, 0x10 becomes 16. They are masked in the form that they have in the objects. This form is found by reading the same
// text a second time, with a mark in place of each of them.

// hiddenMark is a character that no manifest has, of the private use area. One that has it gets more masked than needed.
const hiddenMark = "\uE000"

// hiddenForms are the hidden values of a substitution, in the forms that they have in objects.
type hiddenForms struct {
	*Substitute
	warn func(text string)
}

// follow notes what became of hidden values in an object.
func (h hiddenForms) follow(o Object, result envsubst.Result, after map[string]any) {
	for _, m := range result.Made {
		if slices.ContainsFunc(m.Names, h.hides) {
			h.madeOf(m.Text)
		}
	}
	var text strings.Builder
	done := 0
	for _, p := range result.Places {
		if p.Start < p.End && slices.ContainsFunc(p.Names, h.hides) {
			text.WriteString(result.Text[done:p.Start])
			text.WriteString(hiddenMark)
			done = p.End
		}
	}
	if done == 0 {
		return
	}
	text.WriteString(result.Text[done:])
	marked, err := readSubstituted(text.String())
	if err != nil { // the values hold the syntax together: nothing in the object can be told from them
		marked = nil
	}
	h.followValue(after, marked)
	h.noteNames(o, marked)
}

// noteNames warns of objects that are called by a hidden value: records hold names, and Kubernetes shows them.
func (h hiddenForms) noteNames(o Object, marked map[string]any) {
	metadata, _ := marked["metadata"].(map[string]any)
	for _, field := range []string{"name", "generateName", "namespace"} {
		text, _ := metadata[field].(string)
		if !strings.Contains(text, hiddenMark) {
			continue
		}
		before, _, _ := unstructured.NestedString(o.Object, "metadata", field)
		var names []string
		if template, err := envsubst.Parse(before); err == nil {
			names = slices.DeleteFunc(template.Names(), func(name string) bool { return !h.hides(name) })
		}
		h.warn(fmt.Sprintf("%s: %s: metadata.%s is made of a value of a Secret: %s; anyone who may list such objects reads it; if it is no secret, say so in substitute.from: `plain: [%s]`",
			o.Origin, o.ID(), field, strings.Join(names, ", "), strings.Join(names, ", ")))
	}
}

// madeOf notes a text to mask.
func (s *Substitute) madeOf(text string) { s.made[text] = "a variable from a Secret" }

// followValue compares a value with what stands there with marks.
func (h hiddenForms) followValue(value, marked any) {
	switch v := value.(type) {
	case map[string]any:
		m, _ := marked.(map[string]any)
		for key, inner := range v {
			partner := key
			if _, same := m[key]; !same {
				partner = h.followKey(key, m)
			}
			h.followValue(inner, m[partner])
		}
	case []any:
		m, _ := marked.([]any)
		for i, inner := range v {
			var partner any
			if len(m) == len(v) {
				partner = m[i]
			}
			h.followValue(inner, partner)
		}
	case string, int64, float64:
		if v != marked {
			pattern, _ := marked.(string)
			h.followText(sealed.Text(v), pattern)
		}
	}
}

// followKey notes a key that hidden values stand in, and returns the key with marks, "" when there is none.
func (h hiddenForms) followKey(key string, marked map[string]any) string {
	for _, pattern := range slices.Sorted(maps.Keys(marked)) {
		if parts, fits := partsAt(key, pattern); fits {
			for _, part := range parts {
				h.madeOf(part)
			}
			return pattern
		}
	}
	h.madeOf(key)
	return ""
}

// followText notes the parts of a text that stand at marks, or the whole text.
func (h hiddenForms) followText(text, pattern string) {
	parts, fits := partsAt(text, pattern)
	if !fits {
		parts = []string{text}
	}
	for _, part := range parts {
		h.madeOf(part)
	}
}

// partsAt returns what stands in text at the marks of a pattern.
func partsAt(text, pattern string) (parts []string, fits bool) {
	between := strings.Split(pattern, hiddenMark)
	last := len(between) - 1
	if last == 0 {
		return nil, false
	}
	text, fits = strings.CutPrefix(text, between[0])
	if !fits {
		return nil, false
	}
	if text, fits = strings.CutSuffix(text, between[last]); !fits {
		return nil, false
	}
	for _, literal := range between[1:last] {
		if literal == "" { // one directly after the other
			continue
		}
		part, rest, found := strings.Cut(text, literal)
		if !found {
			return nil, false
		}
		parts, text = append(parts, part), rest
	}
	return append(parts, text), true
}
