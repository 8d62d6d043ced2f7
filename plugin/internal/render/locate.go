package render

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Locate returns the line of a value in a file of manifests, 0 when it is not there. docLine is the line in the Origin of the
// object. path leads from the object to the value: names of fields are strings, indices of list items are ints. The file may
// have another value at that place, for example because it is a template, or a base with patches. Locate then returns 0.
func Locate(data []byte, docLine int, path []any, value any) int {
	return locate(data, docLine, path, func(n *yaml.Node) bool { return holds(n, value) })
}

// locate finds a field of which is holds, 0 when there is none.
func locate(data []byte, docLine int, path []any, is func(*yaml.Node) bool) int {
	docs, problem := documents("", data)
	if problem != nil {
		return 0
	}
	for _, doc := range docs {
		if doc.line != docLine {
			continue
		}
		var root yaml.Node
		if yaml.Unmarshal(doc.text, &root) != nil || len(root.Content) != 1 {
			return 0
		}
		if n, ok := nodeAt(root.Content[0], path); ok && is(n) {
			return doc.start + n.Line - 1
		}
		return 0
	}
	return 0
}

// nodeAt follows a path from a node, through aliases and merged mappings.
func nodeAt(n *yaml.Node, path []any) (*yaml.Node, bool) {
	for _, step := range path {
		if n = target(n); n == nil {
			return nil, false
		}
		switch step := step.(type) {
		case string:
			if n = entryOf(n, step, 0); n == nil {
				return nil, false
			}
		case int:
			if n.Kind != yaml.SequenceNode || step < 0 || step >= len(n.Content) {
				return nil, false
			}
			n = n.Content[step]
		}
	}
	return n, true
}

func target(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// entryOf finds the value of a key, in what is merged into the mapping at last.
func entryOf(n *yaml.Node, key string, depth int) *yaml.Node {
	if n = target(n); n == nil || n.Kind != yaml.MappingNode || depth > 20 {
		return nil
	}
	var merged []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		switch name, value := n.Content[i], n.Content[i+1]; {
		case isKey(name, key):
			return value
		case name.Value == "<<" && value.Kind == yaml.SequenceNode:
			merged = append(merged, value.Content...)
		case name.Value == "<<":
			merged = append(merged, value)
		}
	}
	for _, m := range merged {
		if found := entryOf(m, key, depth+1); found != nil {
			return found
		}
	}
	return nil
}

// isKey tells whether a key of a mapping is read as key. One without quotes may be read otherwise than it is written: on is
// true, and 0x10 is 16, for YAML as Kubernetes reads it.
func isKey(name *yaml.Node, key string) bool {
	if name.Value == key || name.Style != 0 {
		return name.Value == key
	}
	switch strings.ToLower(name.Value) {
	case "y", "yes", "on", "true":
		return key == "true"
	case "n", "no", "off", "false":
		return key == "false"
	}
	number, err := strconv.ParseInt(strings.ReplaceAll(name.Value, "_", ""), 0, 64)
	return err == nil && strconv.FormatInt(number, 10) == key
}

// holds tells whether a node may be where a value was read from.
func holds(n *yaml.Node, value any) bool {
	if n = target(n); n == nil {
		return false
	}
	switch v := value.(type) {
	case map[string]any:
		return n.Kind == yaml.MappingNode
	case []any:
		return n.Kind == yaml.SequenceNode
	case string:
		return n.Kind == yaml.ScalarNode && n.Value == v
	case float64:
		f, err := strconv.ParseFloat(n.Value, 64)
		return n.Kind == yaml.ScalarNode && (err == nil && f == v || n.Tag == "!!int")
	case int64:
		return n.Kind == yaml.ScalarNode && (n.Value == fmt.Sprint(v) || n.Style == 0) // 0x10, 0755, 1e3
	}
	return n.Kind == yaml.ScalarNode && n.Style == 0
}

// valueLine returns the line of a value of the object at an origin, 0 when the file does not show it.
func (t *tree) valueLine(at Origin, path []any, value any) int {
	data, err := t.readFile(at.File)
	if err != nil {
		return 0
	}
	return Locate(data, at.Line, path, value)
}
