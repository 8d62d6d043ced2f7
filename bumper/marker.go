package bumper

import (
	"bytes"
	"encoding/json"
	"strings"

	"gopkg.in/yaml.v3"
)

const markerKey = "$imagepolicy"

// markers adds the scalars with a Flux comment {"$imagepolicy": "namespace:name:part"} that no other shape has covered.
// Without a part the scalar is a whole reference; the other parts are tag, name and digest.
func (w *finder) markers() {
	if !bytes.Contains(w.doc.data, []byte(markerKey)) {
		return
	}
	covered := map[*yaml.Node]bool{}
	for _, ref := range w.found {
		for _, c := range ref.scalars() {
			covered[c.node] = true
		}
	}
	type group struct {
		parent *cursor
		policy policyName
	}
	groups := map[group]*found{}
	for _, c := range w.scalars {
		policy, part, ok := w.doc.markerAfter(c)
		if !ok || covered[c.node] {
			continue
		}
		if part == "" {
			w.markedReference(c)
			continue
		}
		key := group{c.parent, policy}
		ref := groups[key]
		if ref == nil {
			ref = &found{shape: ShapeMarker, policy: &policy}
			groups[key] = ref
			w.add(ref)
		}
		switch part {
		case "name":
			ref.name = c
		case "tag":
			ref.tag = c
		case "digest":
			ref.digest = c
		}
	}
	for _, ref := range groups {
		w.readParts(ref, ref.tag, ref.digest)
	}
}

func (w *finder) markedReference(c *cursor) {
	ref := &found{shape: ShapeMarker, name: c, whole: c}
	if img, ok := w.readName(ref, c.node.Value); ok {
		ref.image, ref.written = img, img.Name
		w.add(ref)
	}
}

// markerAfter reads the marker in the comment on the line where a scalar ends.
func (d *document) markerAfter(c *cursor) (policy policyName, part string, ok bool) {
	t, reason := d.locate(c)
	if reason != "" {
		return policy, "", false
	}
	rest := d.data[t.end:]
	for i := range rest {
		if lineBreak(rest[i:]) > 0 {
			rest = rest[:i]
			break
		}
	}
	rest = bytes.TrimLeft(rest, " \t,}]")
	if !bytes.HasPrefix(rest, []byte("#")) {
		return policy, "", false
	}
	open, end := bytes.IndexByte(rest, '{'), bytes.LastIndexByte(rest, '}')
	if open < 0 || end < open {
		return policy, "", false
	}
	var setter map[string]string
	if json.Unmarshal(rest[open:end+1], &setter) != nil {
		return policy, "", false
	}
	fields := strings.Split(setter[markerKey], ":")
	if len(fields) < 2 || len(fields) > 3 {
		return policy, "", false
	}
	if len(fields) == 3 {
		part = fields[2]
	}
	return policyName{fields[0], fields[1]}, part, part == "" || part == "tag" || part == "name" || part == "digest"
}

// policyTable knows which image each ImagePolicy is about, from ImageRepository objects and from markers that hold a
// name. A policy with two answers has none.
type policyTable struct {
	images       map[policyName]string // normalised name, "" when ambiguous
	repositories map[policyName]string
	refs         map[policyName]policyName // policy -> repository
}

func newPolicyTable() *policyTable {
	return &policyTable{map[policyName]string{}, map[policyName]string{}, map[policyName]policyName{}}
}

// learn takes in what one file says about policies.
func (p *policyTable) learn(w *finder) {
	for i := range w.doc.roots {
		if root := w.doc.rootCursor(i); root != nil {
			p.learnObject(root.children())
		}
	}
	for _, c := range w.scalars {
		if !bytes.Contains(w.doc.data, []byte(markerKey)) {
			break
		}
		if policy, part, ok := w.doc.markerAfter(c); ok && (part == "" || part == "name") {
			if img, err := ParseImage(c.node.Value); err == nil {
				p.set(policy, img.Normalised())
			}
		}
	}
}

func (p *policyTable) learnObject(fields []*cursor) {
	kind, metadata, spec := text(fields, "kind"), field(fields, "metadata"), field(fields, "spec")
	if kind == nil || metadata == nil || spec == nil {
		return
	}
	self := nameOf(metadata.children(), "")
	switch kind.node.Value {
	case "ImageRepository":
		if image := text(spec.children(), "image"); image != nil {
			if img, err := ParseImage(image.node.Value); err == nil {
				p.repositories[self] = img.Normalised()
			}
		}
	case "ImagePolicy":
		if ref := field(spec.children(), "imageRepositoryRef"); ref != nil {
			p.refs[self] = nameOf(ref.children(), self.namespace)
		}
	}
}

func nameOf(fields []*cursor, namespace string) policyName {
	out := policyName{namespace: namespace}
	if name := text(fields, "name"); name != nil {
		out.name = name.node.Value
	}
	if ns := text(fields, "namespace"); ns != nil {
		out.namespace = ns.node.Value
	}
	return out
}

func (p *policyTable) set(policy policyName, image string) {
	if old, ok := p.images[policy]; ok && old != image {
		image = ""
	}
	p.images[policy] = image
}

// resolve follows ImagePolicy to ImageRepository; call it when everything has been learnt.
func (p *policyTable) resolve() {
	for policy, repository := range p.refs {
		if image := lookup(p.repositories, repository); image != "" {
			p.set(policy, image)
		}
	}
}

// image returns the normalised name of the image a policy is about, or "".
func (p *policyTable) image(policy policyName) string { return lookup(p.images, policy) }

// lookup also accepts a name whose namespace is set elsewhere, as kustomize does, if only one answer is possible.
func lookup(table map[policyName]string, key policyName) string {
	if image, ok := table[key]; ok {
		return image
	}
	answer := ""
	for other, image := range table {
		if other.name == key.name && (other.namespace == "" || key.namespace == "") {
			if answer != "" && answer != image {
				return ""
			}
			answer = image
		}
	}
	return answer
}
