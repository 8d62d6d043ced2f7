package bumper

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// document is a parsed file.
type document struct {
	path  string
	data  []byte
	roots []*yaml.Node // one node of kind DocumentNode for each YAML document
	lines lineIndex
	host  *cursor // the scalar that this document is the text of, nil for a file
	json  bool    // written as JSON, so that new values need quotes
}

// parseDocument parses every document of a file. The bytes must be valid UTF-8, for positions count characters.
func parseDocument(f File) (doc *document, err error) {
	defer func() {
		if r := recover(); r != nil { // yaml.v3 has a few left for hostile input
			doc, err = nil, fmt.Errorf("yaml: %v", r)
		}
	}()
	doc = &document{path: f.Path, data: f.Data}
	for decoder := yaml.NewDecoder(bytes.NewReader(f.Data)); ; {
		var root yaml.Node
		if err := decoder.Decode(&root); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		doc.roots = append(doc.roots, &root)
	}
	doc.lines = indexLines(f.Data)
	doc.json = strings.HasSuffix(f.Path, ".json")
	return doc, nil
}

// cursor is a node together with how it was reached. Aliases and merge keys are followed, so one node can have several
// cursors; via tells those apart that do not belong to the place where the node is written.
type cursor struct {
	doc    *document
	node   *yaml.Node // never an alias
	parent *cursor
	step   step
	name   string     // the key, also of a sequence item that stands for one (Argo CD parameters)
	via    *yaml.Node // the alias or merged mapping nearest to the root, nil if there is none
	merged bool       // via is the value of a merge key
}

// rootCursor returns the content of document i. In a file of several, paths start with the index.
func (d *document) rootCursor(i int) *cursor {
	root := d.roots[i]
	if len(root.Content) == 0 {
		return nil
	}
	c := &cursor{doc: d, node: root.Content[0], step: step{kind: byIndex, index: -1}}
	if len(d.roots) > 1 {
		c.step.index = i
	}
	return c
}

func (c *cursor) path() string {
	var steps []step
	for ; c != nil; c = c.parent {
		if c.step.kind != byIndex || c.step.index >= 0 {
			steps = append(steps, c.step)
		}
	}
	slices.Reverse(steps)
	return formatPath(steps)
}

// isRoot reports whether c is the content of a document, of a file or of a text.
func (c *cursor) isRoot() bool { return c.parent == nil || c.parent.doc != c.doc }

// child makes the cursor of a node below c and follows an alias; via is set when the node is merged into c. It returns
// nil for an alias to an ancestor.
func (c *cursor) child(node *yaml.Node, s step, via *yaml.Node) *cursor {
	next := &cursor{doc: c.doc, node: node, parent: c, step: s, name: s.key, via: c.via, merged: c.merged}
	if next.via == nil && via != nil {
		next.via, next.merged = via, true
	}
	if node.Kind == yaml.AliasNode {
		next.node = node.Alias
		if next.via == nil {
			next.via = node
		}
		for up := c; up != nil; up = up.parent {
			if up.node == node.Alias {
				return nil
			}
		}
	}
	return next
}

// children returns the items of a sequence, or the fields of a mapping in order, merged ones last.
func (c *cursor) children() []*cursor {
	var out []*cursor
	add := func(next *cursor) {
		if next != nil {
			out = append(out, next)
		}
	}
	switch c.node.Kind {
	case yaml.SequenceNode:
		for i, item := range c.node.Content {
			add(c.child(item, step{kind: byIndex, index: i}, nil))
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(c.node.Content); i += 2 {
			if key := c.node.Content[i]; key.Kind == yaml.ScalarNode && !isMerge(key) {
				add(c.child(c.node.Content[i+1], step{key: key.Value}, nil))
			}
		}
		c.addMerged(c.node, nil, 0, &out)
	}
	return out
}

// addMerged adds the fields that node takes over through merge keys and does not have itself.
func (c *cursor) addMerged(node, via *yaml.Node, depth int, out *[]*cursor) {
	for i := 0; i+1 < len(node.Content) && depth < 20; i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if !isMerge(key) {
			continue
		}
		sources := []*yaml.Node{value}
		if value.Kind == yaml.SequenceNode {
			sources = value.Content
		}
		for _, source := range sources {
			from := via
			if from == nil {
				from = source
			}
			if source.Kind == yaml.AliasNode {
				source = source.Alias
			}
			if source.Kind == yaml.MappingNode {
				c.mergeFrom(source, from, depth, out)
			}
		}
	}
}

func (c *cursor) mergeFrom(source, via *yaml.Node, depth int, out *[]*cursor) {
	for i := 0; i+1 < len(source.Content); i += 2 {
		key := source.Content[i]
		if key.Kind != yaml.ScalarNode || isMerge(key) || field(*out, key.Value) != nil {
			continue
		}
		if next := c.child(source.Content[i+1], step{key: key.Value}, via); next != nil {
			*out = append(*out, next)
		}
	}
	c.addMerged(source, via, depth+1, out)
}

func isMerge(key *yaml.Node) bool { return key.Kind == yaml.ScalarNode && key.Tag == "!!merge" }

// field returns the field with one of these names, or nil.
func field(fields []*cursor, names ...string) *cursor {
	for _, name := range names {
		for _, f := range fields {
			if f.name == name {
				return f
			}
		}
	}
	return nil
}

// text returns the field with one of these names if it is a scalar that is not empty or null.
func text(fields []*cursor, names ...string) *cursor {
	if f := scalar(fields, names...); f != nil && f.node.Value != "" && f.node.ShortTag() != "!!null" {
		return f
	}
	return nil
}

// scalar returns the field with one of these names if it is a scalar, empty or not.
func scalar(fields []*cursor, names ...string) *cursor {
	if f := field(fields, names...); f != nil && f.node.Kind == yaml.ScalarNode {
		return f
	}
	return nil
}
