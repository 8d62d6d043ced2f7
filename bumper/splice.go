package bumper

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// splice puts the new values into the bytes of the file and proves the result. It returns the new bytes and the record
// of each edit in order of position, or the reason why the file cannot be edited.
func (d *document) splice(edits []wanted) ([]byte, []Edit, *Refusal) {
	type change struct {
		token
		wanted
		bytes string
	}
	changes := make([]change, len(edits))
	for i, e := range edits {
		t, reason := d.locate(e.at)
		if reason == "" && explicitTag(e.at.node) {
			reason = fmt.Sprintf("has the tag %s, so its value cannot be just any text", e.at.node.Tag)
		}
		if reason != "" {
			line, column := d.nodePosition(e.at.node)
			return nil, nil, &Refusal{File: d.path, Line: line, Column: column, Path: e.at.path(), Reason: reason,
				Hint: "write the value on one line, plain or in quotes"}
		}
		text := t.encode(e.at.node.Value, e.value, e.typed, strings.HasSuffix(d.path, ".json"))
		changes[i] = change{t, e, text}
	}
	slices.SortFunc(changes, func(a, b change) int { return cmp.Compare(a.start, b.start) })
	var (
		out     bytes.Buffer
		records []Edit
		last    int
	)
	for _, c := range changes {
		if c.start < last {
			return nil, nil, d.unproven(c.at, "two edits overlap")
		}
		out.Write(d.data[last:c.start])
		out.WriteString(c.bytes)
		last = c.end
		records = append(records, d.edit(c.wanted))
	}
	out.Write(d.data[last:])
	if refusal := d.prove(out.Bytes(), edits); refusal != nil {
		return nil, nil, refusal
	}
	return out.Bytes(), records, nil
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
		Hint: "edit this value by hand"}
}

type proof struct {
	expect map[*yaml.Node]wanted
	twin   map[*yaml.Node]*yaml.Node // node before the edit -> node after it
}

// compare returns the first node that is not what it should be after the edit, nil if there is none.
func (p proof) compare(before, after *yaml.Node) *yaml.Node {
	p.twin[before] = after
	same := before.Kind == after.Kind && before.Anchor == after.Anchor && len(before.Content) == len(after.Content)
	if e, ok := p.expect[before]; ok {
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
