package bumper

import (
	"bytes"
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"
)

// A text is YAML inside a scalar: the values of an Argo CD Application, a patch in a kustomization, a values.yaml in a ConfigMap. In a
// literal block (|) each line of the text is a line of the file behind some spaces, so a token of the text is a token of the file, and
// is edited like any other; the proof then parses both. In folded blocks and in quotes the lines of the text are not those of the file,
// and nothing is edited. The text of a ConfigMap counts when its key is the name of a YAML file, or says that it holds values.

// maxTextDepth is how many texts may lie in each other.
const maxTextDepth = 4

// isText reports whether a scalar is known to hold YAML. Others may hold it as well; to guess would be to edit what nobody reads as YAML.
func isText(c *cursor) bool {
	if c.node.Kind != yaml.ScalarNode || c.parent == nil || !strings.Contains(c.node.Value, ":") {
		return false
	}
	switch c.name {
	case "patch", "templatePatch", "valuesContent":
		return true
	case "values":
		return c.parent.name == "helm" || literal(c.node)
	case "":
		return c.parent.name == "patchesStrategicMerge"
	}
	if strings.HasSuffix(c.name, ".yaml") || strings.HasSuffix(c.name, ".yml") {
		return true
	}
	return literal(c.node) && strings.Contains(strings.ToLower(c.name), "values") // valuesKey of a HelmRelease may be anything
}

func literal(node *yaml.Node) bool { return node.Style&yaml.LiteralStyle != 0 }

// text returns the document inside a scalar, nil if there is none.
func (w *finder) text(c *cursor) *document {
	if !isText(c) {
		return nil
	}
	if inner, known := w.texts[c.node]; known {
		return inner
	}
	depth := 0
	for d := c.doc; d.host != nil; d = d.host.doc {
		depth++
	}
	var inner *document
	if depth < maxTextDepth {
		if parsed, err := parseDocument(File{Path: w.doc.path, Data: []byte(c.node.Value)}); err == nil {
			parsed.host = c
			start := strings.TrimLeft(c.node.Value, " \n")
			parsed.json = strings.HasPrefix(start, "{") || strings.HasPrefix(start, "[")
			inner = parsed
		}
	}
	w.texts[c.node] = inner
	return inner
}

// findText adds the references in a text. Those that cannot be edited carry their refusal.
func (w *finder) findText(c *cursor) {
	inner := w.text(c)
	if inner == nil {
		return
	}
	sub := &finder{doc: inner, inherited: w.inherited, texts: w.texts, budget: w.budget}
	for i := range inner.roots {
		if root := inner.rootCursor(i); root != nil {
			root.parent, root.via, root.merged = c, c.via, c.merged
			sub.walk(root)
		}
	}
	w.budget = sub.budget
	sub.markers()
	for _, ref := range sub.found {
		switch {
		case ref.policy != nil:
			continue
		case !literal(c.node):
			w.add(w.refusedText(c, ref))
		default:
			w.found = append(w.found, ref)
		}
	}
	if literal(c.node) && c.via == nil {
		w.hosts = append(append(w.hosts, c), sub.hosts...)
	}
}

func (w *finder) refusedText(c *cursor, ref *found) *found {
	if ref.embedded != nil {
		return &found{image: ref.image, shape: ref.shape, name: c, templated: ref.templated, embedded: ref.embedded}
	}
	line, column := ref.doc.position(ref.at())
	in, hint := "folded", "write the text as a literal block (|), or edit it manually"
	if c.node.Style&yaml.FoldedStyle == 0 {
		in = "in quotes"
	}
	if c.name == "values" && c.parent.name == "helm" {
		hint = "write the text as a literal block (|), or move it to valuesObject"
	}
	return &found{image: ref.image, shape: ref.shape, name: c, templated: ref.templated, embedded: &Refusal{
		File: w.doc.path, Line: line, Column: column, Path: c.path(),
		Reason: fmt.Sprintf("names %s inside a text, at %s, that is %s", ref.image, inside(c, ref.at()), in),
		Hint:   hint,
	}}
}

// inside is the path of a scalar from the start of the text in c.
func inside(c, at *cursor) string {
	return strings.TrimPrefix(strings.TrimPrefix(at.path(), c.path()), ".")
}

// toHost returns where a byte of a literal text is in the document around it. It is false when the lines there are not those of the
// text.
func (d *document) toHost(offset int) (int, bool) {
	outer := d.host.doc
	at, ok := outer.lines.offset(d.host.node.Line, d.host.node.Column)
	if !ok || !literal(d.host.node) {
		return 0, false
	}
	header := outer.lines.lineOf(skipProperties(outer.data, at))
	i := d.lines.lineOf(offset)
	if header+1+i >= len(outer.lines.starts) {
		return 0, false
	}
	there, here := outer.line(header+1+i), d.line(i)
	indent, ok := bytes.CutSuffix(there, here)
	if !ok || len(bytes.TrimLeft(indent, " ")) > 0 {
		return 0, false
	}
	return outer.lines.starts[header+1+i] + len(indent) + offset - d.lines.starts[i], true
}

// line returns the bytes of line i, from 0, without its line break.
func (d *document) line(i int) []byte {
	rest := d.data[d.lines.starts[i]:]
	for n := range rest {
		if lineBreak(rest[n:]) > 0 {
			return rest[:n]
		}
	}
	return rest
}

// nearHost is toHost for texts that are not literal blocks: the line of the file that has the same words, if the text is written over
// several lines, else where the text starts.
func (d *document) nearHost(offset int) int {
	outer := d.host.doc
	start, ok := outer.lines.offset(d.host.node.Line, d.host.node.Column)
	if !ok {
		return 0
	}
	start = skipProperties(outer.data, start)
	words := bytes.TrimSpace(d.line(d.lines.lineOf(offset)))
	i := bytes.Index(outer.data[start:], words)
	if i < 0 || outer.lines.lineOf(start+i) == outer.lines.lineOf(start) {
		return start
	}
	lead := offset - d.lines.starts[d.lines.lineOf(offset)] - bytes.Index(d.line(d.lines.lineOf(offset)), words)
	return min(start+i+max(lead, 0), len(outer.data))
}

// positionOf returns the line and column of a byte, in the file also for a document inside a text.
func (d *document) positionOf(offset int) (line, column int) {
	for d.host != nil {
		at, ok := d.toHost(offset)
		if !ok {
			at = d.nearHost(offset)
		}
		offset, d = at, d.host.doc
	}
	return position(d.data, offset)
}
