package diff

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// parents returns, for each line of a YAML document (index 0 is line 1), the path of the mapping or list the line is
// an entry of. The lines of a text in block style belong to the text's own path.
func parents(text string) [][]string {
	var document yaml.Node
	count := strings.Count(text, "\n")
	if yaml.Unmarshal([]byte(text), &document) != nil || len(document.Content) == 0 {
		return make([][]string, count)
	}
	m := &pathMap{parent: make([][]string, count), inner: make([][]string, count), known: make([]bool, count)}
	m.walk(document.Content[0], nil)
	var last []string
	for i := range m.parent {
		if !m.known[i] {
			m.parent[i] = last
		} else {
			last = m.inner[i]
		}
	}
	return m.parent
}

// pathMap holds per line the path of the entry's parent and of the innermost entry that begins there.
type pathMap struct {
	parent, inner [][]string
	known         []bool
}

func (m *pathMap) entry(line int, parent, path []string) {
	i := line - 1
	if i < 0 || i >= len(m.parent) {
		return
	}
	if !m.known[i] {
		m.known[i], m.parent[i] = true, parent
	}
	m.inner[i] = path
}

func (m *pathMap) walk(n *yaml.Node, path []string) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i], n.Content[i+1]
			child := extend(path, segment(key.Value))
			m.entry(key.Line, path, child)
			m.walk(value, child)
		}
	case yaml.SequenceNode:
		for i, item := range n.Content {
			child := extend(path, "["+itemName(item, i)+"]")
			m.entry(item.Line, path, child)
			m.walk(item, child)
		}
	}
}

func extend(path []string, segment string) []string {
	return append(path[:len(path):len(path)], segment)
}

var plainKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

func segment(key string) string {
	if plainKey.MatchString(key) {
		return key
	}
	return "[" + shorten(fmt.Sprintf("%q", key)) + "]"
}

// itemName is the item's name when it has one, else its index.
func itemName(item *yaml.Node, index int) string {
	if item.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(item.Content); i += 2 {
			key, value := item.Content[i], item.Content[i+1]
			if key.Value == "name" && value.Kind == yaml.ScalarNode && value.Value != "" {
				return shorten(oneLine(value.Value))
			}
		}
	}
	return fmt.Sprint(index)
}

func shorten(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	cut := most
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "..."
}

func at(paths [][]string, line int) []string {
	if line < 1 || line > len(paths) {
		return nil
	}
	return paths[line-1]
}

func commonPrefix(a, b []string) []string {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return a[:i]
		}
	}
	return a[:n]
}

func join(path []string) string {
	var out strings.Builder
	for _, s := range path {
		if out.Len() > 0 && !strings.HasPrefix(s, "[") {
			out.WriteString(".")
		}
		out.WriteString(s)
	}
	return out.String()
}
