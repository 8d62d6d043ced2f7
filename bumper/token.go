package bumper

import (
	"bytes"
	"strings"

	"gopkg.in/yaml.v3"
)

// token is where the bytes of a scalar are: from start to end, quotes included. An empty one (start == end) is a value
// that is not written at all, as in "tag:"; a new value goes there with a space before it.
type token struct {
	start, end int
	quote      byte // 0 for a plain scalar
}

// locate finds the token of a scalar in the place where it is written. The reason is "" if it was found, and then the
// bytes of the token have been seen to mean node.Value.
func (d *document) locate(c *cursor) (t token, reason string) {
	node := c.node
	if node.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return token{}, "is a block scalar"
	}
	at, ok := d.lines.offset(node.Line, node.Column)
	if node.Value == "" && node.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0 {
		return d.locateEmpty(c)
	}
	if !ok {
		return token{}, "is at a position that could not be found again"
	}
	at = skipProperties(d.data, at)
	rest := d.data[at:]
	switch {
	case len(rest) == 0:
		return token{}, "is at a position that could not be found again"
	case rest[0] == '"':
		return quotedToken(at, rest, doubleQuoted(node.Value), "is written with escapes or over several lines")
	case rest[0] == '\'':
		return quotedToken(at, rest, singleQuoted(node.Value), "is written over several lines")
	case !bytes.HasPrefix(rest, []byte(node.Value)):
		return token{}, "is written over several lines"
	}
	return token{start: at, end: at + len(node.Value)}, ""
}

func quotedToken(at int, rest []byte, want, otherwise string) (token, string) {
	if !bytes.HasPrefix(rest, []byte(want)) {
		return token{}, otherwise
	}
	return token{start: at, end: at + len(want), quote: want[0]}, ""
}

// doubleQuoted writes value as this package does and as it can read it back: no escapes but those that are needed.
func doubleQuoted(value string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
}

func singleQuoted(value string) string { return "'" + strings.ReplaceAll(value, "'", "''") + "'" }

// locateEmpty finds the place for the value of "key:", right after the colon.
func (d *document) locateEmpty(c *cursor) (token, string) {
	const reason = "is empty and there is no place for a value"
	if c.parent == nil || c.parent.node.Kind != yaml.MappingNode || c.node.Anchor != "" || c.node.Style&yaml.TaggedStyle != 0 {
		return token{}, reason
	}
	content := c.parent.node.Content
	for i := 0; i+1 < len(content); i += 2 {
		if content[i+1] != c.node {
			continue
		}
		key, keyReason := d.locate(&cursor{node: content[i]})
		if keyReason != "" || content[i].Value == "" {
			break
		}
		at := key.end
		for at < len(d.data) && (d.data[at] == ' ' || d.data[at] == '\t') {
			at++
		}
		if at < len(d.data) && d.data[at] == ':' {
			return token{start: at + 1, end: at + 1}, ""
		}
	}
	return token{}, reason
}

// skipProperties moves over &anchor and !tag, which may be followed by line breaks and comments.
func skipProperties(data []byte, at int) int {
	for at < len(data) && (data[at] == '&' || data[at] == '!') {
		for at < len(data) && data[at] != ' ' && data[at] != '\t' && lineBreak(data[at:]) == 0 {
			at++
		}
		at = skipBlank(data, at)
	}
	return at
}

// skipBlank moves over spaces, line breaks and comments.
func skipBlank(data []byte, at int) int {
	for at < len(data) {
		switch n := lineBreak(data[at:]); {
		case n > 0:
			at += n
		case data[at] == ' ' || data[at] == '\t':
			at++
		case data[at] == '#':
			for at < len(data) && lineBreak(data[at:]) == 0 {
				at++
			}
		default:
			return at
		}
	}
	return at
}

// encode writes value in place of a token: quotes stay as they are; a plain scalar stays plain if it still reads as a
// string then, or, for a typed edit, as a value of the same type as before.
func (t token) encode(old, value string, typed, json bool) string {
	out := value
	switch {
	case t.quote == '\'':
		out = singleQuoted(value)
	case t.quote == '"':
		out = doubleQuoted(value)
	case typed && keepsType(old, value):
	case !json && !plainSafe(value) && strings.ContainsAny(value, `"\`):
		out = singleQuoted(value)
	case json || classify(value) != typeString || !plainSafe(value):
		out = doubleQuoted(value)
	}
	if t.start == t.end {
		out = " " + out
	}
	return out
}

const oneLineHint = "write the value on one line, plain or in quotes"
