package bumper

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// planValues finds the scalar of every explicit edit.
func (b *bump) planValues() {
	done := map[Value]bool{}
	for _, v := range b.request.Values {
		if done[v] {
			continue
		}
		done[v] = true
		i := slices.IndexFunc(b.tree.files, func(f File) bool { return f.Path == v.File })
		if i < 0 {
			b.refused = append(b.refused, Refusal{File: v.File, Reason: "there is no such file", Hint: b.nearFile(v.File)})
			continue
		}
		s := b.tree.scans[i]
		if s.err != nil {
			b.refused = append(b.refused, s.unparsed())
			continue
		}
		c, refusal := s.resolve(v.Path)
		if refusal == nil {
			refusal = s.checkValue(c)
		}
		switch {
		case refusal != nil:
			b.refused = append(b.refused, *refusal)
		case c.node.Value == v.Value:
			ref := Reference{File: v.File, Path: c.path(), Shape: ShapeValue}
			ref.Line, ref.Column = s.doc.position(c)
			b.result.Current = append(b.result.Current, ref)
		default:
			b.edits[s] = append(b.edits[s], wanted{at: c, value: v.Value, typed: true})
		}
	}
}

func (s *scanned) unparsed() Refusal {
	r := Refusal{File: s.file.Path, Reason: s.err.Error()}
	if s.offset >= 0 {
		r.Line, r.Column = position(s.file.Data, s.offset)
	}
	return r
}

func (b *bump) nearFile(path string) string {
	base := path[strings.LastIndexByte(path, '/')+1:]
	for _, f := range b.tree.files {
		if strings.HasSuffix(f.Path, "/"+base) || f.Path == base || distance(f.Path, path) <= 3 {
			return "did you mean " + f.Path
		}
	}
	return ""
}

func (s *scanned) checkValue(c *cursor) *Refusal {
	var r Refusal
	switch {
	case c.node.Kind == yaml.MappingNode:
		r = s.refusal(c, "name one of its keys", "is a mapping, not a single value")
	case c.node.Kind == yaml.SequenceNode:
		r = s.refusal(c, "name one of its items", "is a list, not a single value")
	case strings.Contains(c.node.Value, "{{"):
		r = s.refusal(c, "edit the value that the template takes", "is filled in by a template")
	default:
		return nil
	}
	return &r
}

// resolve follows a path to the one node it names. Documents in which it leads nowhere do not count.
func (s *scanned) resolve(path string) (*cursor, *Refusal) {
	steps, err := parsePath(path)
	if err != nil {
		return nil, &Refusal{File: s.file.Path, Reason: err.Error()}
	}
	roots, rest := s.selectDocuments(steps)
	var ends []*cursor
	failed := Refusal{File: s.file.Path, Path: path, Reason: "there is no such document"}
	deepest := -1
	for _, root := range roots {
		c, depth, refusal := s.follow(root, rest)
		switch {
		case refusal == nil:
			ends = append(ends, c)
		case depth > deepest:
			failed, deepest = *refusal, depth
		}
	}
	switch len(ends) {
	case 0:
		failed.Path = path
		return nil, &failed
	case 1:
		return ends[0], nil
	}
	r := s.refusal(ends[1], fmt.Sprintf("start the path with the document: %s", ends[1].path()),
		"is in %d documents of the file", len(ends))
	r.Path = path
	return nil, &r
}

// selectDocuments takes the leading steps that choose documents off a path.
func (s *scanned) selectDocuments(steps []step) (roots []*cursor, rest []step) {
	for i := range s.doc.roots {
		if root := s.doc.rootCursor(i); root != nil {
			roots = append(roots, root)
		}
	}
	single := len(s.doc.roots) == 1
	if len(steps) > 0 && steps[0].kind == byIndex && (!single || len(roots) == 1 && roots[0].node.Kind == yaml.MappingNode) {
		index := steps[0].index
		return slices.DeleteFunc(roots, func(root *cursor) bool { return max(root.step.index, 0) != index }), steps[1:]
	}
	for len(steps) > 0 && steps[0].kind == byField && !(single && len(roots) == 1 && roots[0].node.Kind == yaml.SequenceNode) {
		first := steps[0]
		roots = slices.DeleteFunc(roots, func(root *cursor) bool { return !hasField(root, first) })
		steps = steps[1:]
	}
	return roots, steps
}

// follow walks steps from c. On failure it says where and how deep it came.
func (s *scanned) follow(c *cursor, steps []step) (end *cursor, depth int, refusal *Refusal) {
	for depth, next := range steps {
		if inner := s.text(c); inner != nil {
			root, isStep := inner.rootFor(c, next)
			if root == nil {
				r := s.refusal(c, "start the path in the text with the document: [1]", "has %d documents in its text", len(inner.roots))
				return nil, depth, &r
			}
			if c = root; isStep {
				continue
			}
		}
		fields := c.children()
		var matches []*cursor
		for _, f := range fields {
			switch {
			case next.kind == byKey && c.node.Kind == yaml.MappingNode && f.step.key == next.key,
				next.kind == byIndex && c.node.Kind == yaml.SequenceNode && f.step.index == next.index,
				next.kind == byField && c.node.Kind == yaml.SequenceNode && hasField(f, next):
				matches = append(matches, f)
			}
		}
		switch len(matches) {
		case 1:
			c = matches[0]
		case 0:
			r := s.refusal(c, nearKey(fields, next), "there is no %s here", describe(next))
			return nil, depth, &r
		default:
			if next.kind == byKey { // a duplicate key, refused with its position when the file is edited
				c = matches[0]
				continue
			}
			r := s.refusal(matches[1], "choose by index", "%d items have %s", len(matches), describe(next))
			return nil, depth, &r
		}
	}
	return c, len(steps), nil
}

// rootFor returns the content of the document in the text of host that a path goes on in, and whether the step only chose it.
func (d *document) rootFor(host *cursor, next step) (root *cursor, isStep bool) {
	switch {
	case len(d.roots) == 1:
		root = d.rootCursor(0)
	case next.kind == byIndex && next.index < len(d.roots):
		root, isStep = d.rootCursor(next.index), true
	}
	if root != nil {
		root.parent, root.via, root.merged = host, host.via, host.merged
	}
	return root, isStep
}

func describe(s step) string {
	switch s.kind {
	case byIndex:
		return "item [" + strconv.Itoa(s.index) + "]"
	case byField:
		return fmt.Sprintf("item [%s=%s]", s.field, s.value)
	}
	return fmt.Sprintf("key %q", s.key)
}

// hasField reports whether the dotted field of an item has the value of the step.
func hasField(item *cursor, s step) bool {
	for _, key := range strings.Split(s.field, ".") {
		if item = field(item.children(), key); item == nil {
			return false
		}
	}
	return item.node.Kind == yaml.ScalarNode && item.node.Value == s.value
}

// nearKey suggests a key for one that is not there.
func nearKey(fields []*cursor, missing step) string {
	var names []string
	for _, f := range fields {
		if f.step.kind == byKey {
			names = append(names, f.step.key)
		}
	}
	if best := Nearest(missing.key, names, 1); missing.kind == byKey && len(best) == 1 {
		return fmt.Sprintf("did you mean %q", best[0])
	}
	return ""
}
