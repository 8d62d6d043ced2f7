package bumper

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"gopkg.in/yaml.v3"
)

// change is a token of a file, or of a text, that gets other bytes.
type change struct {
	token
	wanted
	bytes string
}

// splice puts the new values into the bytes of the file and proves the result. It returns the new bytes and the record
// of each edit in order of position, or the reason why the file cannot be edited.
func (d *document) splice(edits []wanted) ([]byte, []Edit, *Refusal) {
	data, changes, refusal := d.spliced(edits)
	if refusal != nil {
		return nil, nil, refusal
	}
	var records []Edit
	for _, c := range changes {
		records = append(records, d.edit(c.wanted))
	}
	return data, records, nil
}

func (d *document) spliced(edits []wanted) ([]byte, []change, *Refusal) {
	var changes []change
	own, inner := d.sortOut(edits)
	for _, e := range own {
		t, reason := d.locate(e.at)
		if reason == "" && explicitTag(e.at.node) {
			reason = fmt.Sprintf("has the tag %s, so its value cannot be just any text", e.at.node.Tag)
		}
		if reason != "" {
			line, column := d.nodePosition(e.at.node)
			return nil, nil, &Refusal{File: d.path, Line: line, Column: column, Path: e.at.path(), Reason: reason, Hint: oneLineHint}
		}
		changes = append(changes, change{t, e, t.encode(e.at.node.Value, e.value, e.typed, d.json)})
	}
	for _, text := range inner {
		data, within, refusal := text.doc.spliced(text.edits)
		if refusal != nil {
			return nil, nil, refusal
		}
		for _, c := range within {
			start, ok := text.doc.toHost(c.start)
			end := start + c.end - c.start
			if !ok || end > len(d.data) || !bytes.Equal(d.data[start:end], text.doc.data[c.start:c.end]) {
				return nil, nil, d.unproven(c.at, "is inside a text and could not be found again")
			}
			c.start, c.end = start, end
			changes = append(changes, c)
		}
		own = append(own, wanted{at: text.doc.host, value: string(data), text: true})
	}
	slices.SortFunc(changes, func(a, b change) int { return cmp.Compare(a.start, b.start) })
	var out bytes.Buffer
	last := 0
	for _, c := range changes {
		if c.start < last {
			return nil, nil, d.unproven(c.at, "two edits overlap")
		}
		out.Write(d.data[last:c.start])
		out.WriteString(c.bytes)
		last = c.end
	}
	out.Write(d.data[last:])
	if refusal := d.prove(out.Bytes(), own); refusal != nil {
		return nil, nil, refusal
	}
	return out.Bytes(), changes, nil
}

// textEdits are the edits inside one text.
type textEdits struct {
	doc   *document
	edits []wanted
}

// sortOut tells the edits of d itself from those inside its texts.
func (d *document) sortOut(edits []wanted) (own []wanted, inner []textEdits) {
	for _, e := range edits {
		text := e.at.doc
		if text == d || text == nil {
			own = append(own, e)
			continue
		}
		for text.host.doc != d {
			text = text.host.doc
		}
		i := slices.IndexFunc(inner, func(t textEdits) bool { return t.doc == text })
		if i < 0 {
			i, inner = len(inner), append(inner, textEdits{doc: text})
		}
		inner[i].edits = append(inner[i].edits, e)
	}
	return own, inner
}

// explicitTag reports whether a scalar has a !!tag other than !!str in the text.
func explicitTag(node *yaml.Node) bool {
	return node.Style&yaml.TaggedStyle != 0 && node.ShortTag() != "!!str"
}

// prove parses the edited bytes and compares them with the original, node by node: the edited scalars must have their
// new values, and everything else must be as it was, styles and anchors included. That all bytes outside the tokens are
// the same, and with them the comments, holds by construction.
func (d *document) prove(edited []byte, edits []wanted) *Refusal {
	after, err := parseDocument(File{Path: d.path, Data: edited})
	if err != nil {
		return d.unproven(edits[0].at, "the edited file would not parse: "+err.Error())
	}
	p := proof{expect: map[*yaml.Node]wanted{}, twin: map[*yaml.Node]*yaml.Node{}}
	for _, e := range edits {
		p.expect[e.at.node] = e
	}
	if len(after.roots) != len(d.roots) {
		return d.unproven(edits[0].at, "the edited file would have another number of documents")
	}
	for i := range d.roots {
		if at := p.compare(d.roots[i], after.roots[i]); at != nil {
			line, _ := d.nodePosition(at)
			return d.unproven(edits[0].at, fmt.Sprintf("the edit would also change line %d", line))
		}
	}
	return nil
}

func (d *document) unproven(c *cursor, reason string) *Refusal {
	line, column := d.position(c)
	return &Refusal{File: d.path, Line: line, Column: column, Path: c.path(), Reason: reason,
		Hint: "edit this value manually"}
}

type proof struct {
	expect map[*yaml.Node]wanted
	twin   map[*yaml.Node]*yaml.Node // node before the edit -> node after it
}

// compare returns the first node that is not what it should be after the edit, nil if there is none.
func (p proof) compare(before, after *yaml.Node) *yaml.Node {
	p.twin[before] = after
	same := before.Kind == after.Kind && before.Anchor == after.Anchor && len(before.Content) == len(after.Content)
	if e, ok := p.expect[before]; ok && e.text {
		same = same && after.Value == e.value && before.Tag == after.Tag && before.Style == after.Style
	} else if ok {
		same = same && after.Value == e.value && tagAfter(before, e) == after.ShortTag()
	} else {
		same = same && before.Value == after.Value && before.Tag == after.Tag && before.Style == after.Style
	}
	if before.Kind == yaml.AliasNode {
		same = same && p.twin[before.Alias] == after.Alias
	}
	if !same {
		return before
	}
	for i := range before.Content {
		if at := p.compare(before.Content[i], after.Content[i]); at != nil {
			return at
		}
	}
	return nil
}

// tagAfter is the type the edited scalar must have: text, or for an explicit edit the type of what it replaces.
func tagAfter(before *yaml.Node, e wanted) string {
	quoted := before.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0
	if e.typed && !quoted && keepsType(before.Value, e.value) {
		plain := yaml.Node{Kind: yaml.ScalarNode, Value: e.value}
		return plain.ShortTag()
	}
	return "!!str"
}
