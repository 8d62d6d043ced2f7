package render

import "go.yaml.in/yaml/v3"

// lineIndex finds the lines of a kustomization file. It only helps messages: what a file means is decided by the
// library's own parser.
type lineIndex struct {
	root    *yaml.Node
	aliases map[string]string
}

func indexLines(data []byte) lineIndex {
	index := lineIndex{aliases: map[string]string{}}
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err == nil && len(document.Content) > 0 {
		index.root = document.Content[0]
	}
	return index
}

// alias makes of(name) find the line of the longer text that holds it, such as key=name.
func (l lineIndex) alias(name, text string) {
	if name != text {
		l.aliases[name] = text
	}
}

// of returns the line of the first scalar, key or value, that reads text; 0 when there is none.
func (l lineIndex) of(text string) int {
	if n := l.find(text); n != nil {
		return n.Line
	}
	return 0
}

// ofText returns the line before the first line of a text written into the file, so that the text's own can be added.
func (l lineIndex) ofText(text string) int {
	n := l.find(text)
	switch {
	case n == nil:
		return 0
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return n.Line // it begins below its | or >
	}
	return n.Line - 1
}

func (l lineIndex) find(text string) *yaml.Node {
	if n := find(l.root, text); n != nil {
		return n
	}
	if longer, ok := l.aliases[text]; ok {
		return find(l.root, longer)
	}
	return nil
}

func find(n *yaml.Node, text string) *yaml.Node {
	if n == nil || n.Kind == yaml.ScalarNode && n.Value == text {
		return n
	}
	for _, inner := range n.Content {
		if found := find(inner, text); found != nil {
			return found
		}
	}
	return nil
}

type entry struct{ *yaml.Node }

// entries returns the items of a top-level list.
func (l lineIndex) entries(field string) []entry {
	if l.root == nil {
		return nil
	}
	list := entry{l.root}.field(field)
	if list == nil {
		return nil
	}
	var items []entry
	for _, item := range list.Content {
		items = append(items, entry{item})
	}
	return items
}

func (e entry) field(name string) *yaml.Node {
	for i := 0; e.Kind == yaml.MappingNode && i+1 < len(e.Content); i += 2 {
		if e.Content[i].Value == name {
			return e.Content[i+1]
		}
	}
	return nil
}
