package bumper

import (
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"
)

// findIn returns every reference of a parsed file, in order of position, and what aliases reach.
func findIn(doc *document) (*finder, error) {
	w := &finder{doc: doc, inherited: map[*yaml.Node][]*cursor{}, texts: map[*yaml.Node]*document{}, budget: aliasBudget}
	for i := range doc.roots {
		if root := doc.rootCursor(i); root != nil {
			w.walk(root)
		}
	}
	if w.budget <= 0 {
		return nil, fmt.Errorf("its aliases expand to more than %d values", aliasBudget)
	}
	w.markers()
	return w, nil
}

func (w *finder) walk(c *cursor) {
	if c.via != nil {
		if w.budget--; w.budget <= 0 {
			return
		}
	}
	switch c.node.Kind {
	case yaml.ScalarNode:
		if c.via == nil {
			w.scalars = append(w.scalars, c)
		} else {
			w.inherited[c.node] = append(w.inherited[c.node], c)
		}
		w.findText(c)
		return
	case yaml.SequenceNode:
		w.sequence(c)
	}
	fields := c.children()
	if c.node.Kind == yaml.MappingNode {
		w.mapping(c, fields)
	}
	for _, f := range fields {
		w.walk(f)
	}
}

func (w *finder) mapping(c *cursor, fields []*cursor) {
	if c.name == "spec" && !c.isRoot() && c.parent.isRoot() {
		if kind := text(c.parent.children(), "kind"); kind != nil && kind.node.Value == "ImageRepository" {
			return // of Flux: names an image to be watched, not one that runs
		}
	}
	for _, f := range fields {
		if isString(f) && (imageKey(f) || underImages(c) && strings.ContainsAny(f.node.Value, ":@")) {
			w.imageString(f, fields)
		}
	}
	if path := text(fields, "path"); path != nil && strings.HasSuffix(path.node.Value, "/image") { // a JSON patch
		if value := text(fields, "value"); value != nil {
			w.imageString(value, nil)
		}
	}
	if c.name == "set" && c.parent != nil && c.parent.name == "helm" {
		w.parameters(c)
		return
	}
	w.repositoryMap(c, fields)
}

// underImages reports whether the fields of c are images by name, as in images: {web: acme/web:1.0} and images.tags.
func underImages(c *cursor) bool {
	return c.name == "images" || c.name == "tags" && c.parent.name == "images"
}

func (w *finder) sequence(c *cursor) {
	switch c.name {
	case "images":
		for _, item := range c.children() {
			switch {
			case item.node.Kind == yaml.MappingNode:
				w.kustomizeEntry(item)
			case isString(item):
				w.kustomizeString(item)
			}
		}
	case "parameters":
		w.parameters(c)
	}
}

// position returns the line and column of a value, for a scalar past its anchor and tag.
func (d *document) position(c *cursor) (line, column int) {
	if c.doc != nil {
		d = c.doc
	}
	if c.node.Kind != yaml.ScalarNode {
		return d.nodePosition(c.node)
	}
	if t, reason := d.locate(c); reason == "" {
		return d.positionOf(t.start)
	}
	return d.nodePosition(c.node)
}

func (d *document) nodePosition(node *yaml.Node) (line, column int) {
	offset, ok := d.lines.offset(node.Line, node.Column)
	if !ok {
		return node.Line, node.Column
	}
	if node.Kind == yaml.ScalarNode {
		offset = skipProperties(d.data, offset)
	}
	return d.positionOf(offset)
}
