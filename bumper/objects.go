package bumper

import "gopkg.in/yaml.v3"

// What Kubernetes objects and values files look like from outside.

// plainValues are the mappings of a file that are no Kubernetes objects.
func plainValues(s *scanned) []*cursor {
	return roots(s, func(fields []*cursor) bool { return field(fields, "apiVersion") == nil || field(fields, "kind") == nil })
}

// objects are the Kubernetes objects of a file, those in texts as well.
func objects(s *scanned) []*cursor {
	match := func(fields []*cursor) bool { return text(fields, "kind") != nil && field(fields, "metadata") != nil }
	out := roots(s, match)
	if s.finder == nil {
		return out
	}
	for _, host := range s.hosts {
		inner := s.text(host)
		for i := range inner.roots {
			if root, _ := inner.rootFor(host, step{kind: byIndex, index: i}); root != nil && root.node.Kind == yaml.MappingNode && match(root.children()) {
				out = append(out, root)
			}
		}
	}
	return out
}

func roots(s *scanned, match func([]*cursor) bool) []*cursor {
	if s.finder == nil {
		return nil
	}
	var out []*cursor
	for i := range s.doc.roots {
		if root := s.doc.rootCursor(i); root != nil && root.node.Kind == yaml.MappingNode && match(root.children()) {
			out = append(out, root)
		}
	}
	return out
}

// down follows keys from c. It returns nil where they lead nowhere.
func (c *cursor) down(keys ...string) *cursor {
	for _, key := range keys {
		if c == nil {
			return nil
		}
		c = field(c.children(), key)
	}
	return c
}

func (c *cursor) word(keys ...string) string {
	if at := c.down(keys...); at != nil && at.node.Kind == yaml.ScalarNode {
		return at.node.Value
	}
	return ""
}

// release returns the kind, name and values of an object that installs a chart with values of its own.
func release(root *cursor) (kind, name string, values *cursor) {
	kind, name = root.word("kind"), root.word("metadata", "name")
	switch kind {
	case "HelmRelease":
		values = root.down("spec", "values")
	case "Application":
		values = root.down("spec", "source", "helm", "valuesObject")
	}
	if values == nil || values.node.Kind != yaml.MappingNode || name == "" {
		return "", "", nil
	}
	return kind, name, values
}

// isPatch reports whether an object that installs a chart does not say which: it is laid over the one that does.
func isPatch(root *cursor) bool {
	return root.down("spec", "chart", "spec", "chart") == nil && root.down("spec", "chartRef") == nil &&
		root.down("spec", "source", "repoURL") == nil && root.down("spec", "source", "chart") == nil
}

func patchesOf(s *scanned, kind, name string) []*cursor {
	var out []*cursor
	for _, root := range objects(s) {
		if k, n, values := release(root); k == kind && n == name && isPatch(root) {
			out = append(out, values)
		}
	}
	return out
}

func mappings(c *cursor) []*cursor {
	if c == nil || c.node.Kind != yaml.MappingNode || c.via != nil {
		return nil
	}
	return []*cursor{c}
}

// list returns the words of a list.
func (c *cursor) list(key string) []string {
	at := c.down(key)
	if at == nil || at.node.Kind != yaml.SequenceNode {
		return nil
	}
	var out []string
	for _, item := range at.children() {
		out = append(out, item.node.Value)
	}
	return out
}
