// Package diff shows what differs between two states of one object, as text. It is pure: it reads and writes nothing,
// asks no cluster, and does not decide what counts as drift. It never shows a value of a Secret.
package diff

import (
	"bytes"
	"fmt"
	"strings"

	udiff "github.com/aymanbagabas/go-udiff"
	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/safetext"
	"github.com/kubectl-gitops/kubectl-gitops/plugin/internal/sealed"
)

// Options of Text. FromName and ToName fill the two header lines; "" is /dev/null for a state that is absent, else the
// object's kind and name. Context is the number of unchanged lines around a change. Hidden are values that are masked
// wherever they stand; nil means none.
type Options struct {
	FromName, ToName string
	Context          int
	Hidden           *sealed.Values
}

// Text returns a unified diff, acceptable to patch(1), of the YAML of two states of one object; nil means absent. Both
// are normalised first, and Secrets are masked with MaskPair. It returns "" when nothing differs. A hunk header ends
// with the path of what changed, list items by their name: "@@ -21,3 +21,3 @@ spec.template.spec.containers[api]".
// Characters that could steer a terminal are escaped.
func Text(before, after *unstructured.Unstructured, o Options) string {
	b, a := MaskPair(Normalize(before), Normalize(after), o.Hidden)
	from, to := YAML(b), YAML(a)
	if from == to {
		return ""
	}
	d, err := udiff.ToUnifiedDiff("", "", from, udiff.Lines(from, to), max(o.Context, 0))
	if err != nil { // its own edits do not fit: show both states in full
		d = udiff.UnifiedDiff{Hunks: []*udiff.Hunk{whole(from, to)}}
	}
	var out strings.Builder
	fmt.Fprintf(&out, "--- %s\n+++ %s\n", o.Hidden.Mask(fileName(o.FromName, b)), o.Hidden.Mask(fileName(o.ToName, a)))
	fromPaths, toPaths := parents(from), parents(to)
	for _, h := range d.Hunks {
		writeHunk(&out, h, fromPaths, toPaths)
	}
	return out.String()
}

func whole(from, to string) *udiff.Hunk {
	h := &udiff.Hunk{FromLine: 1, ToLine: 1}
	for line := range strings.Lines(from) {
		h.Lines = append(h.Lines, udiff.Line{Kind: udiff.Delete, Content: line})
	}
	for line := range strings.Lines(to) {
		h.Lines = append(h.Lines, udiff.Line{Kind: udiff.Insert, Content: line})
	}
	return h
}

func fileName(name string, u *unstructured.Unstructured) string {
	switch {
	case name != "":
		return oneLine(name)
	case u == nil:
		return "/dev/null"
	}
	return oneLine(u.GetKind() + "/" + u.GetName())
}

// writeHunk writes one hunk. udiff's own form leaves out counts of one, and gives a count of zero the wrong line.
func writeHunk(out *strings.Builder, h *udiff.Hunk, fromPaths, toPaths [][]string) {
	var common []string
	fromCount, toCount, changes := 0, 0, 0
	for _, l := range h.Lines {
		var path []string
		switch l.Kind {
		case udiff.Delete:
			path = at(fromPaths, h.FromLine+fromCount)
			fromCount++
		case udiff.Insert:
			path = at(toPaths, h.ToLine+toCount)
			toCount++
		default:
			fromCount++
			toCount++
			continue
		}
		if changes++; changes == 1 {
			common = path
		}
		common = commonPrefix(common, path)
	}
	fmt.Fprintf(out, "@@ -%s +%s @@", lines(h.FromLine, fromCount), lines(h.ToLine, toCount))
	if path := join(common); path != "" {
		out.WriteString(" " + path)
	}
	out.WriteString("\n")
	for _, l := range h.Lines {
		switch l.Kind {
		case udiff.Delete:
			out.WriteString("-")
		case udiff.Insert:
			out.WriteString("+")
		default:
			out.WriteString(" ")
		}
		out.WriteString(strings.TrimSuffix(l.Content, "\n") + "\n")
	}
}

// lines is a range as in POSIX diff -u: an empty one names the line before it.
func lines(first, count int) string {
	if count == 0 {
		first--
	}
	return fmt.Sprintf("%d,%d", first, count)
}

// YAML returns u as YAML text with sorted keys (but list items begin with their name), long lines unbroken, characters that could steer a terminal escaped;
// "" for nil. Values of Secrets are not masked.
func YAML(u *unstructured.Unstructured) string {
	if u == nil {
		return ""
	}
	var out bytes.Buffer
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	e.CompactSeqIndent()
	if err := e.Encode(visible(u.Object)); err != nil {
		return fmt.Sprintf("# not shown: %s\n", oneLine(err.Error()))
	}
	return out.String()
}

// item is a mapping in a list: its name comes first, as people write it, so that a diff shows what it is about.
type item struct {
	Name any            `yaml:"name"`
	Rest map[string]any `yaml:",inline"`
}

// visible copies v with unprintable characters of its strings replaced. Line feeds and tabs stay; YAML escapes or
// lays them out.
func visible(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := make(map[string]any, len(v))
		for k, x := range v {
			m[safetext.Lines(k)] = visible(x)
		}
		return m
	case []any:
		s := make([]any, len(v))
		for i, x := range v {
			s[i] = visible(x)
			if m, ok := s[i].(map[string]any); ok && m["name"] != nil {
				name := m["name"]
				delete(m, "name")
				s[i] = item{name, m}
			}
		}
		return s
	case string:
		return safetext.Lines(v)
	}
	return v
}

func oneLine(s string) string {
	return strings.NewReplacer("\n", `\n`, "\t", `\t`).Replace(safetext.Lines(s))
}
