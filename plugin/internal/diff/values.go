package diff

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/generated"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/safetext"
)

// wordLength is the length from which a value is looked for inside words too.
const wordLength = 3

// values are the spellings in which the values of Secrets may turn up in a text.
type values struct {
	spellings []string
	sorted    bool
}

// collect adds the values of a Secret and of its last-applied annotation.
func (v *values) collect(u *unstructured.Unstructured) {
	if !isSecret(u) {
		return
	}
	v.collectFields(u.Object)
	if text, ok := annotations(u)[lastApplied].(string); ok {
		var applied map[string]any
		if json.Unmarshal([]byte(text), &applied) == nil {
			v.collectFields(applied)
		}
	}
}

// collectFields takes each value for plain text and for base64: manifests confuse data and stringData.
func (v *values) collectFields(object map[string]any) {
	for field, content := range object {
		if isPublic(field) {
			continue
		}
		for _, item := range leaves(content, nil) {
			v.add(item)
			v.add(base64.StdEncoding.EncodeToString([]byte(item)))
			if plain, err := base64.StdEncoding.DecodeString(item); err == nil {
				v.add(string(plain))
			}
		}
	}
}

// leaves collects the scalar values below x, also where the field does not have the shape it should.
func leaves(x any, into []string) []string {
	switch x := x.(type) {
	case nil:
	case string:
		into = append(into, x)
	case map[string]any:
		for _, item := range x {
			into = leaves(item, into)
		}
	case []any:
		for _, item := range x {
			into = leaves(item, into)
		}
	default:
		into = append(into, fmt.Sprint(x))
	}
	return into
}

func (v *values) add(value string) {
	if strings.Trim(value, "*") == "" || value == maskedBefore || value == maskedAfter || value == generated.Shown {
		return
	}
	v.sorted = false
	quoted := strconv.Quote(value)
	v.spellings = append(v.spellings, value, quoted[1:len(quoted)-1], safetext.Lines(value), strings.TrimSpace(value))
	if encoded, err := json.Marshal(value); err == nil {
		v.spellings = append(v.spellings, string(encoded[1:len(encoded)-1]))
	}
	if lines := strings.Split(value, "\n"); len(lines) > 1 {
		for _, line := range lines {
			if line = strings.TrimSpace(line); len(line) >= 8 {
				v.spellings = append(v.spellings, line)
			}
		}
	}
}

// sort puts the longest first, each once.
func (v *values) sort() {
	if v.sorted {
		return
	}
	slices.SortFunc(v.spellings, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b))
	})
	v.spellings = slices.DeleteFunc(slices.Compact(v.spellings), func(s string) bool { return strings.TrimSpace(s) == "" })
	v.sorted = true
}

// in tells whether text contains one of the values, other than a very short one.
func (v *values) in(text string) bool {
	return slices.ContainsFunc(v.spellings, func(s string) bool { return len(s) >= wordLength && strings.Contains(text, s) })
}

// remove replaces each value in text, the longest first.
func (v *values) remove(text string) string {
	v.sort()
	for _, s := range v.spellings {
		var out strings.Builder
		changed, from := false, 0
		for {
			i := strings.Index(text[from:], s)
			if i < 0 {
				break
			}
			start, end := from+i, from+i+len(s)
			out.WriteString(text[from:start])
			if len(s) >= wordLength || standsAlone(text, start, end) {
				out.WriteString(masked)
				changed = true
			} else {
				out.WriteString(s)
			}
			from = end
		}
		if changed {
			text = out.String() + text[from:]
		}
	}
	return text
}

func standsAlone(text string, start, end int) bool {
	word := func(i int) bool {
		if i < 0 || i >= len(text) {
			return false
		}
		c := text[i]
		return c >= 0x80 || c == '_' || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
	}
	return !word(start-1) && !word(end) && strings.TrimSpace(text[start:end]) != ""
}
