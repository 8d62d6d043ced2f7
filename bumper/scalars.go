package bumper

import (
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Scalar is one value of a file, at the place where it is written.
type Scalar struct {
	Path         string // in the syntax of Value.Path
	Value        string
	Line, Column int
	// Secret is set below data and stringData of a Secret: such a value must not be shown.
	Secret bool
}

// Scalars returns every value that is written in f, in order. Aliases and merge keys are not followed. It fails when f
// does not parse.
func Scalars(f File) ([]Scalar, error) {
	s := scan(f)
	if s.err != nil {
		return nil, s.unparsed()
	}
	out := make([]Scalar, 0, len(s.scalars))
	for _, c := range s.scalars {
		v := Scalar{Path: c.path(), Value: c.node.Value, Secret: inSecret(c)}
		v.Line, v.Column = s.doc.nodePosition(c.node)
		out = append(out, v)
	}
	return out, nil
}

func inSecret(c *cursor) bool {
	for ; c.parent != nil; c = c.parent {
		if c.name != "data" && c.name != "stringData" {
			continue
		}
		if slices.ContainsFunc(identify(c.parent.node, nil, "", ""), func(o identified) bool { return o.IsSecret() || o.Kind == "Secret" }) || inSecretList(c.parent) {
			return true
		}
	}
	return false
}

// inSecretList says whether a mapping is an item of a list of Secrets, which need not say what it is.
func inSecretList(c *cursor) bool {
	list := c.parent
	if list == nil || list.name != "items" || list.parent == nil {
		return false
	}
	return slices.ContainsFunc(identify(list.parent.node, nil, "", ""), func(o identified) bool { return o.root == c.node && o.IsSecret() })
}

// Lookup returns the value at a path of f. The error is a Refusal that says where the path leads nowhere.
func Lookup(f File, path string) (string, error) {
	s := scan(f)
	if s.err != nil {
		return "", s.unparsed()
	}
	c, refusal := s.resolve(path)
	if refusal == nil {
		refusal = s.checkValue(c)
	}
	if refusal != nil {
		return "", *refusal
	}
	return c.node.Value, nil
}

// Changes returns the values in which before and after differ, as the edits that make after of before: Line and Column
// are those of before. It reports false when the two differ in more than values of the same places, or do not parse.
func Changes(before, after File) ([]Edit, bool) {
	old, now := scan(before), scan(after)
	if old.err != nil || now.err != nil {
		return nil, false
	}
	if !sameShapes(old.doc, now.doc) {
		return nil, false
	}
	if len(old.scalars) != len(now.scalars) {
		return nil, false
	}
	x := comparison{old: old, now: now, named: namedScalars(old), renamed: namedScalars(now)}
	x.compare(old.scalars, now.scalars)
	return x.edits, true
}

// comparison finds the edits between two versions of a file.
type comparison struct {
	old, now       *scanned
	named, renamed map[*yaml.Node]Image
	edits          []Edit
}

// compare takes the scalars of two documents of the same shape. Inside a text of the same shape, its values are compared.
func (x *comparison) compare(before, after []*cursor) {
	for i, c := range before {
		to := after[i]
		if c.node.Value == to.node.Value && c.node.ShortTag() == to.node.ShortTag() {
			continue
		}
		if was, is := x.old.text(c), x.now.text(to); was != nil && is != nil && literal(c.node) && literal(to.node) && sameShapes(was, is) {
			x.compare(was.scalars(c), is.scalars(to))
			continue
		}
		e := Edit{File: x.old.file.Path, Path: c.path(), Old: c.node.Value, New: to.node.Value}
		e.Line, e.Column = x.old.doc.position(c)
		if ref, ok := x.named[c.node]; ok && ref.Name != "" {
			e.Image, e.Before, e.After = ref.Normalised(), ref, x.renamed[to.node]
		}
		x.edits = append(x.edits, e)
	}
}

func sameShapes(a, b *document) bool {
	return slices.EqualFunc(a.roots, b.roots, sameShape)
}

// scalars are the values that are written in a text.
func (d *document) scalars(host *cursor) []*cursor {
	w := &finder{doc: d, inherited: map[*yaml.Node][]*cursor{}, texts: map[*yaml.Node]*document{}, budget: aliasBudget}
	for i := range d.roots {
		if root := d.rootCursor(i); root != nil {
			root.parent = host
			w.walk(root)
		}
	}
	return w.scalars
}

// namedScalars maps the scalars that say which version of an image runs to that image.
func namedScalars(s *scanned) map[*yaml.Node]Image {
	out := map[*yaml.Node]Image{}
	for _, f := range s.found {
		for _, c := range []*cursor{f.whole, f.tag, f.digest} {
			if c != nil && f.embedded == nil {
				out[c.node] = f.image
			}
		}
	}
	return out
}

// sameShape reports whether two nodes have the same keys and the same number of items everywhere.
func sameShape(a, b *yaml.Node) bool {
	if a.Kind != b.Kind || len(a.Content) != len(b.Content) || a.Anchor != b.Anchor {
		return false
	}
	if a.Kind == yaml.AliasNode && a.Value != b.Value {
		return false
	}
	for i := range a.Content {
		if a.Kind == yaml.MappingNode && i%2 == 0 && a.Content[i].Value != b.Content[i].Value {
			return false
		}
		if !sameShape(a.Content[i], b.Content[i]) {
			return false
		}
	}
	return true
}

// Outline returns what a file says of each of its objects before any rendering. Documents that are no Kubernetes objects are left out. It fails when f does not parse.
func Outline(f File) ([]Object, error) {
	s := scan(f)
	if s.err != nil {
		return nil, s.unparsed()
	}
	var out []Object
	for i := range s.doc.roots {
		root := s.doc.rootCursor(i)
		if root == nil || root.node.Kind != yaml.MappingNode {
			continue
		}
		fields := root.children()
		version, meta := text(fields, "apiVersion"), field(fields, "metadata")
		found := identify(root.node, nil, "", "")
		if version == nil || meta == nil || len(found) == 0 || found[0].root != root.node || found[0].Name == "" {
			continue
		}
		namespace := text(meta.children(), "namespace")
		o := Object{APIVersion: version.node.Value, Kind: found[0].Kind, Name: found[0].Name}
		if namespace != nil {
			o.Namespace = namespace.node.Value
		}
		o.Line, _ = s.doc.nodePosition(root.node)
		o.Patch = hasDirective(root.node)
		out = append(out, o)
	}
	return out, nil
}

// Object is one Kubernetes object of a file.
type Object struct {
	APIVersion, Kind, Namespace, Name string
	Line                              int // where it starts
	// Patch is set when the document holds a directive of a strategic merge patch, such as $patch: delete.
	Patch bool
}

// hasDirective reports whether a node or one below it has a key that only strategic merge patches have.
func hasDirective(node *yaml.Node) bool {
	for i, child := range node.Content {
		if node.Kind == yaml.MappingNode && i%2 == 0 {
			switch name, _, _ := strings.Cut(child.Value, "/"); name {
			case "$patch", "$retainKeys", "$deleteFromPrimitiveList", "$setElementOrder":
				return true
			}
		} else if hasDirective(child) {
			return true
		}
	}
	return false
}

// String is "apps/v1 Deployment shop/web".
func (o Object) String() string {
	name := o.Name
	if o.Namespace != "" {
		name = o.Namespace + "/" + name
	}
	return fmt.Sprintf("%s %s %s", o.APIVersion, o.Kind, name)
}
